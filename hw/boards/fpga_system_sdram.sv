// As fpga_system, with a SDRAM chip beside it: what goes to the chip's pins is the board's to bring there.
module fpga_system_sdram
  import external_package::*;
#(
    parameter int          PROGRAM_BYTES = 1 << 16,
    parameter int          PROGRAM_WAIT_STATES = 0,
    parameter string       PROGRAM_CONTENTS = "",
    parameter int          SRAM_BYTES = 1 << 16,
    parameter int unsigned CLOCK_HZ = 40_000_000,
    parameter int          BAUD = 115_200,
    parameter int          NN = 0,
    parameter int          NPU = 0,
    parameter int          NPU_LANES = 16,
    parameter int          NPU_ACTIVATION_BYTES = 1 << 15,
    parameter int          NPU_WEIGHT_BYTES = 1 << 15,
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
    input  logic        clock,
    input  logic        reset_n,
    input  logic        uart_rx,
    output logic        uart_tx,
    output logic        stopped,    // the firmware wrote a code other than 0 to EXIT
    output sdram_t      sdram,
    input  logic [31:0] sdram_read_data
);
  logic [1:0] reset_synchronizer = 2'b11;
  logic reset;
  always_ff @(posedge clock) reset_synchronizer <= {reset_synchronizer[0], !reset_n};
  assign reset = reset_synchronizer[1];

  logic receive_valid, receive_ready, receive_overrun, send_valid, send_ready;
  logic [7:0] receive_data, send_data;
  logic exit;
  logic [31:0] exit_code;
  // For simulation, and for memories that these systems do not have.
  logic unused_asleep, unused_timer_wakes, unused_rvfi_valid, unused_flash_busy, unused_npu_busy;
  psram_t unused_psram;
  spi_t unused_spi;
  logic [31:2] unused_flash_address;
  midge_package::rvfi_t unused_rvfi;

  midge_soc #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .PROGRAM_WAIT_STATES(PROGRAM_WAIT_STATES),
      .PROGRAM_CONTENTS(PROGRAM_CONTENTS),
      .SRAM_BYTES(SRAM_BYTES),
      .CLOCK_HZ(CLOCK_HZ),
      .NN(NN),
      .NPU(NPU),
      .NPU_LANES(NPU_LANES),
      .NPU_ACTIVATION_BYTES(NPU_ACTIVATION_BYTES),
      .NPU_WEIGHT_BYTES(NPU_WEIGHT_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES),
      .EXTERNAL_KIND(1),
      .SDRAM_COLUMN_BITS(SDRAM_COLUMN_BITS),
      .SDRAM_CAS_LATENCY(SDRAM_CAS_LATENCY),
      .SDRAM_T_RCD_NS(SDRAM_T_RCD_NS),
      .SDRAM_T_RP_NS(SDRAM_T_RP_NS),
      .SDRAM_T_RAS_NS(SDRAM_T_RAS_NS),
      .SDRAM_T_RC_NS(SDRAM_T_RC_NS),
      .SDRAM_T_WR_NS(SDRAM_T_WR_NS),
      .SDRAM_T_REFI_NS(SDRAM_T_REFI_NS),
      .SDRAM_OPEN_ROWS(SDRAM_OPEN_ROWS)
  ) soc (
      .clock,
      .reset,
      .receive_valid,
      .receive_ready,
      .receive_data,
      .receive_overrun,
      .send_valid,
      .send_ready,
      .send_data,
      .sdram,
      .sdram_read_data,
      .psram(unused_psram),
      .psram_read_data('0),
      .spi(unused_spi),
      .spi_read_data('0),
      .exit,
      .exit_code,
      .asleep(unused_asleep),
      .timer_wakes(unused_timer_wakes),
      .npu_busy(unused_npu_busy),
      .flash_busy(unused_flash_busy),
      .flash_address(unused_flash_address),
      .rvfi_valid(unused_rvfi_valid),
      .rvfi(unused_rvfi)
  );
  assign stopped = exit && exit_code != 32'd0;

  uart_phy #(
      .CYCLES_PER_BIT(CLOCK_HZ / BAUD)
  ) uart_phy (
      .clock,
      .reset,
      .rx(uart_rx),
      .tx(uart_tx),
      .receive_valid,
      .receive_ready,
      .receive_data,
      .receive_overrun,
      .send_valid,
      .send_ready,
      .send_data
  );
endmodule
