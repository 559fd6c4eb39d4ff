// What was given some cycles ago; zeros after a reset.
module npu_delay #(
    parameter int WIDTH = 1,
    parameter int CYCLES = 1
) (
    input  logic             clock,
    input  logic             reset,
    input  logic [WIDTH-1:0] value,
    output logic [WIDTH-1:0] delayed
);
  logic [CYCLES*WIDTH-1:0] values;
  assign delayed = values[CYCLES*WIDTH-1-:WIDTH];
  always_ff @(posedge clock)
    if (reset) values <= '0;
    else values <= (CYCLES * WIDTH)'({values, value});
endmodule
