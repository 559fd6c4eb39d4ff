// Top for the OrangeCrab (r0.2 and r0.2.1): 48 MHz clock, the serial line on the pins TX and RX of the header (USB goes to
// the FPGA itself and is not used), DDR3 not used. The button resets. The LED is green while there is no reset, blue
// while bytes pass, red when the firmware has ended with an error.
module orangecrab #(
    parameter int          PROGRAM_BYTES = 1 << 16,
    parameter string       PROGRAM_CONTENTS = "",
    parameter int          SRAM_BYTES = 1 << 15,
    parameter int unsigned CLOCK_HZ = 48_000_000,
    parameter int          INPUT_DIVIDER = 1,
    parameter int          FEEDBACK_DIVIDER = 1,
    parameter int          OUTPUT_DIVIDER = 12,
    parameter int          BAUD = 115_200,
    parameter int          NN = 0,
    parameter int          NPU = 0,
    parameter int          NPU_LANES = 8,
    parameter int          NPU_ACTIVATION_BYTES = 1 << 13,
    parameter int          NPU_WEIGHT_BYTES = 1 << 13
) (
    input  logic clk48,
    input  logic usr_btn_n,
    input  logic rx,
    output logic tx,
    output logic rgb_led_r,  // a low level lights a LED
    output logic rgb_led_g,
    output logic rgb_led_b
);
  logic clock, locked, reset_n, stopped;
  assign reset_n = locked && usr_btn_n;
  assign rgb_led_r = !stopped;
  assign rgb_led_g = !reset_n;
  assign rgb_led_b = rx && tx;

  ecp5_clock #(
      .INPUT_DIVIDER(INPUT_DIVIDER),
      .FEEDBACK_DIVIDER(FEEDBACK_DIVIDER),
      .OUTPUT_DIVIDER(OUTPUT_DIVIDER)
  ) ecp5_clock (
      .clock_in(clk48),
      .clock,
      .locked
  );

  fpga_system #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .PROGRAM_CONTENTS(PROGRAM_CONTENTS),
      .SRAM_BYTES(SRAM_BYTES),
      .CLOCK_HZ(CLOCK_HZ),
      .BAUD(BAUD),
      .NN(NN),
      .NPU(NPU),
      .NPU_LANES(NPU_LANES),
      .NPU_ACTIVATION_BYTES(NPU_ACTIVATION_BYTES),
      .NPU_WEIGHT_BYTES(NPU_WEIGHT_BYTES)
  ) system (
      .clock,
      .reset_n,
      .uart_rx(rx),
      .uart_tx(tx),
      .stopped
  );
endmodule
