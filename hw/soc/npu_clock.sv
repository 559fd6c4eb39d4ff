// The engine's clock: the system's. The simulator's (sim/npu_clock.sv) stops where the engine has nothing to do.
module npu_clock (
    input  logic clock,
    input  logic works,          // something moves, or may in the next cycle
    output logic engine_clock
);
  assign engine_clock = clock;
  logic unused_works;
  assign unused_works = works;
endmodule
