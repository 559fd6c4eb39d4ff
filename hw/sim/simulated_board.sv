// What the simulator simulates: Midge's system, and beside it the memory chips of its configuration.
module simulated_board
  import external_package::*;
#(
    parameter int          PROGRAM_BYTES = 1 << 20,
    parameter int          PROGRAM_WAIT_STATES = 0,
    parameter int          SRAM_BYTES = 1 << 18,
    parameter int unsigned CLOCK_HZ = 40_000_000,
    parameter int          NN = 0,
    parameter int          NOR_BLOCK_BYTES = 0,
    parameter int          SPI_FLASH_BYTES = 0,
    parameter int          SPI_FLASH_PROGRAM_US = 400,
    parameter int          SPI_FLASH_ERASE_US = 45_000,
    parameter int          NPU = 0,
    parameter int          NPU_LANES = 16,
    parameter int          NPU_ACTIVATION_BYTES = 1 << 15,
    parameter int          NPU_WEIGHT_BYTES = 1 << 15,
    parameter int          EXTERNAL_BYTES = 0,
    parameter int          EXTERNAL_KIND = 0,
    parameter int          SDRAM_COLUMN_BITS = 8,
    parameter int          SDRAM_CAS_LATENCY = 2,
    parameter int          SDRAM_T_RCD_NS = 15,
    parameter int          SDRAM_T_RP_NS = 15,
    parameter int          SDRAM_T_RAS_NS = 42,
    parameter int          SDRAM_T_RC_NS = 60,
    parameter int          SDRAM_T_WR_NS = 15,
    parameter int          SDRAM_T_REFI_NS = 7812,
    parameter int          SDRAM_OPEN_ROWS = 1,
    parameter int          PSRAM_LATENCY = 6
) (
    input  logic        clock,
    input  logic        reset,
    input  logic        receive_valid,
    output logic        receive_ready,
    input  logic [7:0]  receive_data,
    input  logic        receive_overrun,
    output logic        send_valid,
    input  logic        send_ready,
    output logic [7:0]  send_data,
    output logic        exit,
    output logic [31:0] exit_code,
    output logic        asleep,
    output logic        timer_wakes,
    output logic        npu_busy,
    output logic        flash_busy,             // of the chip, or of program memory that is NOR flash
    output logic [31:0] flash_address,
    output logic        rvfi_valid,
    output midge_package::rvfi_t rvfi
);
  sdram_t      sdram;
  psram_t      psram;
  logic [31:0] sdram_read_data;
  logic [7:0]  psram_read_data;
  spi_t        spi;
  logic        spi_read_data, program_busy;
  logic [31:2] program_address;

  midge_soc #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .PROGRAM_WAIT_STATES(PROGRAM_WAIT_STATES),
      .SRAM_BYTES(SRAM_BYTES),
      .CLOCK_HZ(CLOCK_HZ),
      .NN(NN),
      .NOR_BLOCK_BYTES(NOR_BLOCK_BYTES),
      .SPI_FLASH_BYTES(SPI_FLASH_BYTES),
      .NPU(NPU),
      .NPU_LANES(NPU_LANES),
      .NPU_ACTIVATION_BYTES(NPU_ACTIVATION_BYTES),
      .NPU_WEIGHT_BYTES(NPU_WEIGHT_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES),
      .EXTERNAL_KIND(EXTERNAL_KIND),
      .SDRAM_COLUMN_BITS(SDRAM_COLUMN_BITS),
      .SDRAM_CAS_LATENCY(SDRAM_CAS_LATENCY),
      .SDRAM_T_RCD_NS(SDRAM_T_RCD_NS),
      .SDRAM_T_RP_NS(SDRAM_T_RP_NS),
      .SDRAM_T_RAS_NS(SDRAM_T_RAS_NS),
      .SDRAM_T_RC_NS(SDRAM_T_RC_NS),
      .SDRAM_T_WR_NS(SDRAM_T_WR_NS),
      .SDRAM_T_REFI_NS(SDRAM_T_REFI_NS),
      .SDRAM_OPEN_ROWS(SDRAM_OPEN_ROWS),
      .PSRAM_LATENCY(PSRAM_LATENCY)
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
      .psram,
      .psram_read_data,
      .spi,
      .spi_read_data,
      .exit,
      .exit_code,
      .asleep,
      .timer_wakes,
      .npu_busy,
      .flash_busy(program_busy),
      .flash_address(program_address),
      .rvfi_valid,
      .rvfi
  );

  // Blocks of one name: the simulator finds the memory in any of them.
  if (SPI_FLASH_BYTES != 0) begin : g_spi
    spi_flash_chip #(
        .CLOCK_HZ(CLOCK_HZ),
        .BYTES(SPI_FLASH_BYTES),
        .PROGRAM_US(SPI_FLASH_PROGRAM_US),
        .ERASE_US(SPI_FLASH_ERASE_US)
    ) chip (
        .clock,
        .pins(spi),
        .read_data(spi_read_data),
        .busy(flash_busy),
        .changes(flash_address)
    );
  end else begin : g_spi
    no_chip chip ();
    assign spi_read_data = 1'b0;
    assign flash_busy = program_busy;
    assign flash_address = {program_address, 2'b0};
  end

  if (EXTERNAL_KIND == 1) begin : g_external
    sdram_chip #(
        .CLOCK_HZ(CLOCK_HZ),
        .BYTES(EXTERNAL_BYTES),
        .COLUMN_BITS(SDRAM_COLUMN_BITS),
        .T_RCD_NS(SDRAM_T_RCD_NS),
        .T_RP_NS(SDRAM_T_RP_NS),
        .T_RAS_NS(SDRAM_T_RAS_NS),
        .T_RC_NS(SDRAM_T_RC_NS),
        .T_WR_NS(SDRAM_T_WR_NS),
        .T_REFI_NS(SDRAM_T_REFI_NS)
    ) chip (
        .clock,
        .pins(sdram),
        .read_data(sdram_read_data)
    );
    assign psram_read_data = '0;
  end else if (EXTERNAL_KIND == 2) begin : g_external
    psram_chip #(
        .CLOCK_HZ(CLOCK_HZ),
        .BYTES(EXTERNAL_BYTES),
        .LATENCY(PSRAM_LATENCY)
    ) chip (
        .clock,
        .pins(psram),
        .read_data(psram_read_data)
    );
    assign sdram_read_data = '0;
  end else begin : g_external
    no_chip chip ();
    assign sdram_read_data = '0;
    assign psram_read_data = '0;
  end
endmodule
