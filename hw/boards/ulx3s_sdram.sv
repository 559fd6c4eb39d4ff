// As ulx3s, with the board's SDRAM: 32 MiB, 16 bits wide, at twice the system's clock.
module ulx3s_sdram #(
    parameter int          PROGRAM_BYTES = 1 << 16,
    parameter string       PROGRAM_CONTENTS = "",
    parameter int          SRAM_BYTES = 1 << 16,
    parameter int unsigned CLOCK_HZ = 40_000_000,
    parameter int          INPUT_DIVIDER = 5,
    parameter int          FEEDBACK_DIVIDER = 8,
    parameter int          OUTPUT_DIVIDER = 16,
    parameter int          BAUD = 115_200,
    parameter int          NN = 0,
    parameter int          NPU = 0,
    parameter int          NPU_LANES = 16,
    parameter int          NPU_ACTIVATION_BYTES = 1 << 15,
    parameter int          NPU_WEIGHT_BYTES = 1 << 15,
    parameter int          EXTERNAL_KIND = 1,
    parameter int          EXTERNAL_BYTES = 32 << 20,
    parameter int          SDRAM_COLUMN_BITS = 9,
    parameter int          SDRAM_CAS_LATENCY = 3,
    parameter int          SDRAM_T_RCD_NS = 21,
    parameter int          SDRAM_T_RP_NS = 21,
    parameter int          SDRAM_T_RAS_NS = 45,
    parameter int          SDRAM_T_RC_NS = 70,
    parameter int          SDRAM_T_WR_NS = 15,
    parameter int          SDRAM_T_REFI_NS = 7812,
    parameter int          SDRAM_OPEN_ROWS = 1
) (
    input  logic        clk_25mhz,
    input  logic        fire1,
    input  logic        ftdi_txd,
    output logic        ftdi_rxd,
    output logic [7:0]  led,
    output logic        wifi_gpio0,
    output logic        sdram_clk,
    output logic        sdram_cke,
    output logic        sdram_csn,
    output logic        sdram_rasn,
    output logic        sdram_casn,
    output logic        sdram_wen,
    output logic [12:0] sdram_a,
    output logic [1:0]  sdram_ba,
    output logic [1:0]  sdram_dqm,
    inout  wire  [15:0] sdram_d
);
  if (EXTERNAL_KIND != 1 || SDRAM_CAS_LATENCY != 3)
    $error("the pins are those of a SDRAM chip, and take what it sends with CAS latency 3");

  logic clock, pin_clock, chip_clock, locked, reset_n, stopped;
  assign reset_n = locked && !fire1;
  assign led = {stopped, 4'b0, !ftdi_rxd, !ftdi_txd, reset_n};
  assign wifi_gpio0 = 1'b1;

  ecp5_sdram_clock #(
      .INPUT_DIVIDER(INPUT_DIVIDER),
      .FEEDBACK_DIVIDER(FEEDBACK_DIVIDER),
      .OUTPUT_DIVIDER(OUTPUT_DIVIDER)
  ) ecp5_sdram_clock (
      .clock_in(clk_25mhz),
      .clock,
      .pin_clock,
      .chip_clock,
      .locked
  );

  external_package::sdram_t sdram;
  logic [31:0] sdram_read_data;
  fpga_system_sdram #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .PROGRAM_CONTENTS(PROGRAM_CONTENTS),
      .SRAM_BYTES(SRAM_BYTES),
      .CLOCK_HZ(CLOCK_HZ),
      .BAUD(BAUD),
      .NN(NN),
      .NPU(NPU),
      .NPU_LANES(NPU_LANES),
      .NPU_ACTIVATION_BYTES(NPU_ACTIVATION_BYTES),
      .NPU_WEIGHT_BYTES(NPU_WEIGHT_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES),
      .SDRAM_COLUMN_BITS(SDRAM_COLUMN_BITS),
      .SDRAM_CAS_LATENCY(SDRAM_CAS_LATENCY),
      .SDRAM_T_RCD_NS(SDRAM_T_RCD_NS),
      .SDRAM_T_RP_NS(SDRAM_T_RP_NS),
      .SDRAM_T_RAS_NS(SDRAM_T_RAS_NS),
      .SDRAM_T_RC_NS(SDRAM_T_RC_NS),
      .SDRAM_T_WR_NS(SDRAM_T_WR_NS),
      .SDRAM_T_REFI_NS(SDRAM_T_REFI_NS),
      .SDRAM_OPEN_ROWS(SDRAM_OPEN_ROWS)
  ) system (
      .clock,
      .reset_n,
      .uart_rx(ftdi_txd),
      .uart_tx(ftdi_rxd),
      .stopped,
      .sdram,
      .sdram_read_data
  );

  ecp5_sdram_pins ecp5_sdram_pins (
      .clock,
      .pin_clock,
      .chip_clock,
      .pins(sdram),
      .read_data(sdram_read_data),
      .sdram_clk,
      .sdram_cke,
      .sdram_csn,
      .sdram_rasn,
      .sdram_casn,
      .sdram_wen,
      .sdram_a,
      .sdram_ba,
      .sdram_dqm,
      .sdram_d
  );
endmodule
