// The engine's writes: takes the bursts of an AXI4 port apart into words and gives a memory one in each cycle. Program
// memory cannot be written: such a burst is answered with an error, as one to no memory is.
module npu_writes #(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int SRAM_BYTES = 1 << 18,
    parameter int EXTERNAL_BYTES = 0
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
    // SRAM, external memory: bits 1, 2
    output logic [2:1]  request,
    output logic        last,             // of the burst
    output logic [31:2] address,
    output logic [3:0]  byte_lanes,
    output logic [31:0] data,
    input  logic [2:1]  ready
);
  localparam logic [1:0] OKAY = 2'b00;
  localparam logic [1:0] SLVERR = 2'b10;
  localparam logic [1:0] DECERR = 2'b11;

  // Bursts that wait, and the one whose words are being written
  logic        next_valid, next_taken, active;
  logic [31:2] next_address;
  logic [7:0]  next_length, left;
  logic [3:0]  next_memory, memory;       // bit 0: program memory, bit 3: none
  midge_fifo #(
      .WIDTH(38),
      .DEPTH(4)
  ) bursts (
      .clock,
      .reset,
      .in_valid(awvalid),
      .in_ready(awready),
      .in_data({awaddr[31:2], awlen}),
      .out_valid(next_valid),
      .out_ready(next_taken),
      .out_data({next_address, next_length})
  );
  npu_memory_map #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .SRAM_BYTES(SRAM_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES)
  ) memory_map (
      .address(next_address),
      .memory(next_memory)
  );

  logic word_valid, may_write, written;
  midge_fifo #(
      .WIDTH(36),
      .DEPTH(4)
  ) words (
      .clock,
      .reset,
      .in_valid(wvalid),
      .in_ready(wready),
      .in_data({wstrb, wdata}),
      .out_valid(word_valid),
      .out_ready(written),
      .out_data({byte_lanes, data})
  );

  // The last word of a burst waits until the answer to the burst before has been taken.
  assign may_write = active && word_valid && !(last && bvalid && !bready);
  assign request = may_write ? memory[2:1] : 2'b0;
  assign written = may_write && ({1'b1, ready, 1'b1} & memory) != 4'b0;
  assign last = left == 8'd0;
  assign next_taken = !active || (written && last);

  always_ff @(posedge clock)
    if (reset) begin
      active <= 1'b0;
      bvalid <= 1'b0;
    end else begin
      if (next_taken) active <= next_valid;
      if (written && last) bvalid <= 1'b1;
      else if (bready) bvalid <= 1'b0;
    end
  always_ff @(posedge clock) begin
    if (next_taken) {memory, address, left} <= {next_memory, next_address, next_length};
    else if (written) begin
      address <= address + 30'd1;
      left <= left - 8'd1;
    end
    if (written && last) bresp <= memory[3] ? DECERR : memory[0] ? SLVERR : OKAY;
  end
  logic unused_address;
  assign unused_address = ^awaddr[1:0];
endmodule
