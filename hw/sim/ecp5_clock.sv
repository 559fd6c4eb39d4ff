// Stands for boards/ecp5_clock.sv in simulation and lint: there is no model of the PLL, and nothing depends on its ratio.
module ecp5_clock #(
    parameter int INPUT_DIVIDER = 1,
    parameter int FEEDBACK_DIVIDER = 1,
    parameter int OUTPUT_DIVIDER = 16
) (
    input  logic clock_in,
    output logic clock,
    output logic locked
);
  localparam int unused_dividers = INPUT_DIVIDER + FEEDBACK_DIVIDER + OUTPUT_DIVIDER;
  assign clock = clock_in;
  assign locked = 1'b1;
endmodule
