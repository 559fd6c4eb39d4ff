// soc/npu_clock.sv as the simulator has it: it stops a while after the engine has nothing to do, which makes the rest of
// the system faster to simulate.
module npu_clock (
    input  logic clock,
    input  logic works,
    output logic engine_clock
);
  localparam logic [5:0] A_WHILE = '1;
  logic [5:0] left = A_WHILE;
  logic       running = 1'b1;    // changes while the clock is low
  always_ff @(posedge clock) left <= works ? A_WHILE : left - 6'(left != '0);
  always_ff @(negedge clock) running <= works || left != '0;
  assign engine_clock = clock && running;
endmodule
