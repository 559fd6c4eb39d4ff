// Stands for boards/ecp5_sdram_clock.sv in simulation and lint: what comes in is the pins' clock, and every second of its
// edges one of the system's, too. How late the chip's clock is does not matter to a simulation without delays: it is behind
// the pins' registers, and before what comes next.
module ecp5_sdram_clock #(
    parameter int INPUT_DIVIDER = 1,
    parameter int FEEDBACK_DIVIDER = 1,
    parameter int OUTPUT_DIVIDER = 16
) (
    input  logic clock_in,
    output logic clock,
    output logic pin_clock,
    output logic chip_clock,
    output logic locked
);
  localparam int unused_dividers = INPUT_DIVIDER + FEEDBACK_DIVIDER + OUTPUT_DIVIDER;
  logic high = 1'b0;             // changes while the pins' clock is low
  always_ff @(negedge clock_in) high <= !high;
  assign clock = clock_in && high;
  assign pin_clock = clock_in;
  assign chip_clock = !clock_in;
  assign locked = 1'b1;
endmodule
