// The memories as core and engine see them, with a memory chip: the AXI4 port of the engine and the ports of the core are
// driven by memory_bench.cpp. Program memory holds the index of each word, times an odd number.
module memory_bench
  import external_package::*;
#(
    parameter int EXTERNAL_KIND = 1,
    parameter int EXTERNAL_BYTES = 1 << 16,
    parameter int PROGRAM_BYTES = 1 << 12,
    parameter int SRAM_BYTES = 1 << 12,
    parameter int SDRAM_COLUMN_BITS = 8,
    parameter int SDRAM_CAS_LATENCY = 2,
    parameter int SDRAM_OPEN_ROWS = 1,
    parameter int SDRAM_T_RCD_NS = 15,
    parameter int SDRAM_T_RP_NS = 15,
    parameter int SDRAM_T_RAS_NS = 42,
    parameter int SDRAM_T_RC_NS = 60,
    parameter int SDRAM_T_WR_NS = 15,
    parameter int PSRAM_LATENCY = 6
) (
    input  logic        clock,
    input  logic        reset,
    input  logic        awvalid,
    output logic        awready,
    input  logic [31:0] awaddr,
    input  logic [7:0]  awlen,
    input  logic        wvalid,
    output logic        wready,
    input  logic [31:0] wdata,
    input  logic [3:0]  wstrb,
    output logic        bvalid,
    input  logic        bready,
    output logic [1:0]  bresp,
    input  logic        arvalid,
    output logic        arready,
    input  logic [31:0] araddr,
    input  logic [7:0]  arlen,
    output logic        rvalid,
    input  logic        rready,
    output logic [31:0] rdata,
    output logic [1:0]  rresp,
    output logic        rlast,
    // the core's data port
    input  logic        core_request,
    input  logic        core_write,
    input  logic [31:0] core_address,
    input  logic [3:0]  core_byte_lanes,
    input  logic [31:0] core_write_data,
    output logic        core_response,
    output logic [31:0] core_read_data,
    input  logic        core_fetches            // from SRAM, which the engine must leave to it
);
  initial
    for (int word = 0; word < PROGRAM_BYTES / 4; word++) begin
      program_memory.g_lane[0].ram.bytes[word] = 8'(word * 32'h9e37_79b1);
      program_memory.g_lane[1].ram.bytes[word] = 8'(word * 32'h9e37_79b1 >> 8);
      program_memory.g_lane[2].ram.bytes[word] = 8'(word * 32'h9e37_79b1 >> 16);
      program_memory.g_lane[3].ram.bytes[word] = 8'(word * 32'h9e37_79b1 >> 24);
    end

  logic [31:2] read_address, write_address;
  logic [3:0]  write_byte_lanes;
  logic [31:0] write_data, sram_read_data, shared_read_data, program_read_data;
  logic        program_request, program_ready, sram_request, sram_write, program_response;
  logic        external_request, external_write, external_ready, external_response, external_core_response;
  logic [31:0] external_read_data, external_core_data;
  sdram_t      sdram;
  psram_t      psram;
  logic [31:0] sdram_read_data, unused_fetch_data;
  logic [7:0]  psram_read_data;
  logic        engine_program_ready, core_is_program, core_is_sram, core_is_external, sram_response, from_sram;
  logic        unused_fetch_ready, unused_fetch_response;
  logic [31:0] unused_held_data;
  assign core_is_program = core_request && core_address[31:28] == 4'h0;
  assign core_is_sram = core_request && core_address[31:28] == 4'h1;
  assign core_is_external = core_request && core_address[31:28] == 4'h8;
  assign program_ready = engine_program_ready && !core_request;

  npu_memories #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .SRAM_BYTES(SRAM_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES)
  ) memories (
      .sram_ready(!core_fetches),
      .sram_read_data(shared_read_data),
      .*
  );
  program_memory #(
      .BYTES(PROGRAM_BYTES)
  ) program_memory (
      .clock,
      .reset,
      .fetch_request(1'b0),
      .fetch_address('0),
      .fetch_ready(unused_fetch_ready),
      .fetch_response(unused_fetch_response),
      .fetch_data(unused_fetch_data),
      .data_request(core_is_program),
      .data_address(core_address[31:2]),
      .data_response(program_response),
      .data_read_data(program_read_data),
      .engine_request(program_request && program_ready),
      .engine_address(read_address),
      .engine_ready(engine_program_ready),
      .change_busy(1'b0),
      .change(1'b0),
      .change_address('0),
      .change_data('0),
      .held_data(unused_held_data)
  );
  sram #(
      .BYTES(SRAM_BYTES)
  ) sram (
      .clock,
      .shared_write(sram_request && sram_write && !core_fetches),
      .shared_address(sram_write ? write_address : read_address),
      .shared_byte_lanes(write_byte_lanes),
      .shared_write_data(write_data),
      .shared_read_data,
      .write(core_is_sram && core_write),
      .address(core_address[31:2]),
      .byte_lanes(core_byte_lanes),
      .write_data(core_write_data),
      .read_data(sram_read_data)
  );
  external_memory #(
      .KIND(EXTERNAL_KIND),
      .BYTES(EXTERNAL_BYTES),
      .SDRAM_COLUMN_BITS(SDRAM_COLUMN_BITS),
      .SDRAM_CAS_LATENCY(SDRAM_CAS_LATENCY),
      .SDRAM_T_RCD_NS(SDRAM_T_RCD_NS),
      .SDRAM_T_RP_NS(SDRAM_T_RP_NS),
      .SDRAM_T_RAS_NS(SDRAM_T_RAS_NS),
      .SDRAM_T_RC_NS(SDRAM_T_RC_NS),
      .SDRAM_T_WR_NS(SDRAM_T_WR_NS),
      .SDRAM_OPEN_ROWS(SDRAM_OPEN_ROWS),
      .PSRAM_LATENCY(PSRAM_LATENCY)
  ) external_memory (
      .clock,
      .reset,
      .core_request(core_is_external),
      .core_write,
      .core_address(core_address[31:2]),
      .core_byte_lanes,
      .core_write_data,
      .core_response(external_core_response),
      .core_read_data(external_core_data),
      .engine_request(external_request),
      .engine_ready(external_ready),
      .engine_write(external_write),
      .engine_address(external_write ? write_address : read_address),
      .engine_byte_lanes(write_byte_lanes),
      .engine_write_data(write_data),
      .engine_response(external_response),
      .engine_read_data(external_read_data),
      .sdram,
      .sdram_read_data,
      .psram,
      .psram_read_data
  );
  // A chip a little slower than the controller was told, that listens when +judge names it.
  int judge = -1;
  initial void'($value$plusargs("judge=%d", judge));
  if (EXTERNAL_KIND == 1) begin : g_chip
    sdram_chip #(
        .BYTES(EXTERNAL_BYTES),
        .COLUMN_BITS(SDRAM_COLUMN_BITS),
        .T_RCD_NS(SDRAM_T_RCD_NS),
        .T_RP_NS(SDRAM_T_RP_NS),
        .T_RAS_NS(SDRAM_T_RAS_NS),
        .T_RC_NS(SDRAM_T_RC_NS),
        .T_WR_NS(SDRAM_T_WR_NS)
    ) chip (
        .clock,
        .pins(sdram),
        .read_data(sdram_read_data)
    );
    for (genvar i = 0; i < 7; i++) begin : g_judge
      sdram_t seen;
      logic [31:0] unused_data;
      always_comb begin
        seen = sdram;
        if (judge != i) seen = '{command: SDRAM_NOTHING, default: '0};
      end
      sdram_chip #(
          .BYTES(EXTERNAL_BYTES),
          .COLUMN_BITS(SDRAM_COLUMN_BITS),
          .T_RCD_NS(SDRAM_T_RCD_NS + (i == 0 ? 6 : 0)),
          .T_RP_NS(SDRAM_T_RP_NS + (i == 1 ? 6 : 0)),
          .T_RAS_NS(SDRAM_T_RAS_NS + (i == 2 ? 19 : 0)),
          .T_RC_NS(SDRAM_T_RC_NS + (i == 3 ? 21 : 0)),
          .T_WR_NS(SDRAM_T_WR_NS + (i == 4 ? 16 : 0)),
          .T_REFI_NS(i == 5 ? 100 : 7812),
          .POWER_UP_US(i == 6 ? 201 : 200)
      ) chip (
          .clock,
          .pins(seen),
          .read_data(unused_data)
      );
    end
    assign psram_read_data = '0;
  end else begin : g_chip
    psram_chip #(
        .BYTES(EXTERNAL_BYTES),
        .LATENCY(PSRAM_LATENCY)
    ) chip (
        .clock,
        .pins(psram),
        .read_data(psram_read_data)
    );
    for (genvar i = 0; i < 3; i++) begin : g_judge
      psram_t seen;
      logic [7:0] unused_data;
      assign seen = judge == i ? psram : '0;
      psram_chip #(
          .BYTES(EXTERNAL_BYTES),
          .LATENCY(PSRAM_LATENCY),
          .T_CEM_NS(i == 0 ? 4000 : 8000),
          .T_CPH_NS(i == 1 ? 200 : 50),
          .POWER_UP_US(i == 2 ? 151 : 150)
      ) chip (
          .clock,
          .pins(seen),
          .read_data(unused_data)
      );
    end
    assign sdram_read_data = '0;
  end

  always_ff @(posedge clock) begin
    sram_response <= core_is_sram && !reset;
    from_sram <= core_is_sram;
  end
  assign core_response = program_response || sram_response || external_core_response;
  assign core_read_data = external_core_response ? external_core_data : from_sram ? sram_read_data : program_read_data;
endmodule
