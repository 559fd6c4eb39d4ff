// The memory outside the chip, for the core and the engine: the core's accesses come first, one at a time, the engine's
// follow each other at full rate.
module external_memory
  import external_package::*;
#(
    parameter int          KIND = 0,       // 0: none, 1: SDRAM, 2: PSRAM
    parameter int          BYTES = 0,
    parameter int unsigned CLOCK_HZ = 50_000_000,
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
    // the core's data port, protocol of midge_core
    input  logic        core_request,
    input  logic        core_write,
    input  logic [31:2] core_address,
    input  logic [3:0]  core_byte_lanes,
    input  logic [31:0] core_write_data,
    output logic        core_response,
    output logic [31:0] core_read_data,
    // the engine
    input  logic        engine_request,
    output logic        engine_ready,
    input  logic        engine_write,
    input  logic [31:2] engine_address,
    input  logic [3:0]  engine_byte_lanes,
    input  logic [31:0] engine_write_data,
    output logic        engine_response,   // to a read
    output logic [31:0] engine_read_data,
    // pins
    output sdram_t      sdram,
    input  logic [31:0] sdram_read_data,
    output psram_t      psram,
    input  logic [7:0]  psram_read_data
);
  localparam int ADDRESS_BITS = KIND == 0 ? 3 : $clog2(BYTES);

  logic        core_waits, core_writes;
  logic [31:2] core_word;
  logic [3:0]  core_lanes;
  logic [31:0] core_data;

  logic        ready, response, response_to_core, write;
  logic [31:2] address;
  logic [3:0]  byte_lanes;
  logic [31:0] write_data, read_data;
  assign write = core_waits ? core_writes : engine_write;
  assign address = core_waits ? core_word : engine_address;
  assign byte_lanes = core_waits ? core_lanes : engine_byte_lanes;
  assign write_data = core_waits ? core_data : engine_write_data;
  assign engine_ready = ready && !core_waits;
  assign engine_response = response && !response_to_core;
  assign engine_read_data = read_data;

  // A store is done when the controller has it: whoever asks later comes later.
  always_ff @(posedge clock)
    if (reset) begin
      core_waits <= 1'b0;
      core_response <= 1'b0;
    end else begin
      if (core_request) core_waits <= 1'b1;
      else if (ready) core_waits <= 1'b0;
      core_response <= (response && response_to_core) || (core_waits && ready && core_writes);
    end
  always_ff @(posedge clock) begin
    if (core_request)
      {core_writes, core_word, core_lanes, core_data} <= {core_write, core_address, core_byte_lanes, core_write_data};
    core_read_data <= read_data;
  end

  if (KIND == 1) begin : g_sdram
    sdram_controller #(
        .CLOCK_HZ(CLOCK_HZ),
        .BYTES(BYTES),
        .COLUMN_BITS(SDRAM_COLUMN_BITS),
        .CAS_LATENCY(SDRAM_CAS_LATENCY),
        .T_RCD_NS(SDRAM_T_RCD_NS),
        .T_RP_NS(SDRAM_T_RP_NS),
        .T_RAS_NS(SDRAM_T_RAS_NS),
        .T_RC_NS(SDRAM_T_RC_NS),
        .T_WR_NS(SDRAM_T_WR_NS),
        .T_REFI_NS(SDRAM_T_REFI_NS),
        .OPEN_ROWS(SDRAM_OPEN_ROWS)
    ) controller (
        .clock,
        .reset,
        .request(core_waits || engine_request),
        .ready,
        .write,
        .tag(core_waits),
        .address(address[ADDRESS_BITS-1:2]),
        .byte_lanes,
        .write_data,
        .response,
        .response_tag(response_to_core),
        .pins(sdram)
    );
    assign read_data = sdram_read_data;
    assign psram = '0;
    logic unused_psram;
    assign unused_psram = ^psram_read_data;
  end else if (KIND == 2) begin : g_psram
    psram_controller #(
        .CLOCK_HZ(CLOCK_HZ),
        .BYTES(BYTES),
        .LATENCY(PSRAM_LATENCY)
    ) controller (
        .clock,
        .reset,
        .request(core_waits || engine_request),
        .ready,
        .write,
        .tag(core_waits),
        .address(address[ADDRESS_BITS-1:2]),
        .byte_lanes,
        .write_data,
        .response,
        .response_tag(response_to_core),
        .read_data,
        .pins(psram),
        .pins_read_data(psram_read_data)
    );
    assign sdram = '{command: SDRAM_NOTHING, default: '0};
    logic unused_sdram;
    assign unused_sdram = ^sdram_read_data;
  end else begin : g_none
    assign {ready, response, response_to_core, read_data} = '0;
    assign sdram = '{command: SDRAM_NOTHING, default: '0};
    assign psram = '0;
    logic unused;
    assign unused = ^{engine_request, write, address, byte_lanes, write_data, sdram_read_data, psram_read_data};
  end

  logic unused_high_bits;
  assign unused_high_bits = ^address[31:ADDRESS_BITS];
endmodule
