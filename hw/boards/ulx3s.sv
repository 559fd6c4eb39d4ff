// Top for the ULX3S (Radiona, v2 and v3): 25 MHz clock, FT231X on USB for the serial line, SDRAM not used.
// FIRE 1 resets. LEDs: 0 the clock is stable and there is no reset, 1 and 2 bytes from and to the host, 7 the firmware
// has ended with an error.
module ulx3s #(
    parameter int          PROGRAM_BYTES = 1 << 16,
    parameter string       PROGRAM_CONTENTS = "",
    parameter int          SRAM_BYTES = 1 << 16,
    parameter int unsigned CLOCK_HZ = 50_000_000,
    parameter int          INPUT_DIVIDER = 1,
    parameter int          FEEDBACK_DIVIDER = 2,
    parameter int          OUTPUT_DIVIDER = 12,
    parameter int          BAUD = 115_200,
    parameter int          NN = 0,
    parameter int          NPU = 0,
    parameter int          NPU_LANES = 16,
    parameter int          NPU_ACTIVATION_BYTES = 1 << 15,
    parameter int          NPU_WEIGHT_BYTES = 1 << 15
) (
    input  logic       clk_25mhz,
    input  logic       fire1,
    input  logic       ftdi_txd,   // named as the FT231X names them
    output logic       ftdi_rxd,
    output logic [7:0] led,
    output logic       wifi_gpio0  // high, or the ESP32 beside the FPGA takes the board over
);
  logic clock, locked, reset_n, stopped;
  assign reset_n = locked && !fire1;
  assign led = {stopped, 4'b0, !ftdi_rxd, !ftdi_txd, reset_n};
  assign wifi_gpio0 = 1'b1;

  ecp5_clock #(
      .INPUT_DIVIDER(INPUT_DIVIDER),
      .FEEDBACK_DIVIDER(FEEDBACK_DIVIDER),
      .OUTPUT_DIVIDER(OUTPUT_DIVIDER)
  ) ecp5_clock (
      .clock_in(clk_25mhz),
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
      .uart_rx(ftdi_txd),
      .uart_tx(ftdi_rxd),
      .stopped
  );
endmodule
