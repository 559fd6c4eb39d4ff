// The memories as the engine sees them, behind one AXI4 port: program memory (0x00000000, read only), SRAM (0x10000000) and
// external memory (0x80000000). Reads and writes go on at the same time where they are for different memories. Each
// memory says with `ready` whether the core leaves it to the engine in this cycle.
module npu_memories #(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int SRAM_BYTES = 1 << 18,
    parameter int EXTERNAL_BYTES = 0      // 0: there is no external memory
) (
    input  logic        clock,
    input  logic        reset,
    // AXI4
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
    // addresses and data for all memories
    output logic [31:2] read_address,
    output logic [31:2] write_address,
    output logic [3:0]  write_byte_lanes,
    output logic [31:0] write_data,
    // program memory; data come one cycle later, as from SRAM
    output logic        program_request,
    input  logic        program_ready,
    input  logic [31:0] program_read_data,
    // SRAM
    output logic        sram_request,
    output logic        sram_write,
    input  logic        sram_ready,
    input  logic [31:0] sram_read_data,
    // external memory
    output logic        external_request,
    output logic        external_write,
    input  logic        external_ready,
    input  logic        external_response,
    input  logic [31:0] external_read_data
);
  logic [2:0] read_request, read_ready;
  logic [2:1] write_request, write_ready;
  logic       read_last, write_last, program_response, sram_response;

  npu_reads #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .SRAM_BYTES(SRAM_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES)
  ) reads (
      .clock,
      .reset,
      .arvalid,
      .arready,
      .araddr,
      .arlen,
      .rvalid,
      .rready,
      .rdata,
      .rresp,
      .rlast,
      .request(read_request),
      .last(read_last),
      .address(read_address),
      .ready(read_ready),
      .response({external_response, sram_response, program_response}),
      .program_data(program_read_data),
      .sram_data(sram_read_data),
      .external_data(external_read_data)
  );
  npu_writes #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .SRAM_BYTES(SRAM_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES)
  ) writes (
      .clock,
      .reset,
      .awvalid,
      .awready,
      .awaddr,
      .awlen,
      .wvalid,
      .wready,
      .wdata,
      .wstrb,
      .bvalid,
      .bready,
      .bresp,
      .request(write_request),
      .last(write_last),
      .address(write_address),
      .byte_lanes(write_byte_lanes),
      .data(write_data),
      .ready(write_ready)
  );

  assign program_request = read_request[0];
  assign read_ready[0] = program_ready;
  burst_arbiter sram_arbiter (
      .clock,
      .reset,
      .read_request(read_request[1]),
      .read_last,
      .read_ready(read_ready[1]),
      .write_request(write_request[1]),
      .write_last,
      .write_ready(write_ready[1]),
      .request(sram_request),
      .write(sram_write),
      .ready(sram_ready)
  );
  burst_arbiter external_arbiter (
      .clock,
      .reset,
      .read_request(read_request[2]),
      .read_last,
      .read_ready(read_ready[2]),
      .write_request(write_request[2]),
      .write_last,
      .write_ready(write_ready[2]),
      .request(external_request),
      .write(external_write),
      .ready(external_ready)
  );

  always_ff @(posedge clock) begin
    program_response <= read_request[0] && read_ready[0] && !reset;
    sram_response <= read_request[1] && read_ready[1] && !reset;
  end
endmodule
