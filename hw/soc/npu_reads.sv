// The engine's reads: takes the bursts of an AXI4 port apart into words, asks a memory for one in each cycle, and answers
// in order. What is asked for has its place in the queue, so memories need not wait for the engine. When the next burst is
// in another memory, it begins when the words of the one before are there.
module npu_reads #(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int SRAM_BYTES = 1 << 18,
    parameter int EXTERNAL_BYTES = 0
) (
    input  logic        clock,
    input  logic        reset,
    // AXI4
    input  logic        arvalid,
    output logic        arready,
    input  logic [31:0] araddr,
    input  logic [7:0]  arlen,
    output logic        rvalid,
    input  logic        rready,
    output logic [31:0] rdata,
    output logic [1:0]  rresp,
    output logic        rlast,
    // program memory, SRAM, external memory: bits 0, 1, 2
    output logic [2:0]  request,
    output logic        last,             // of the burst
    output logic [31:2] address,
    input  logic [2:0]  ready,
    input  logic [2:0]  response,
    input  logic [31:0] program_data,
    input  logic [31:0] sram_data,
    input  logic [31:0] external_data
);
  localparam int DEPTH = 16;              // more than any memory takes cycles to answer
  localparam int COUNT_BITS = $clog2(DEPTH) + 1;
  localparam logic [1:0] OKAY = 2'b00;
  localparam logic [1:0] DECERR = 2'b11;

  // Bursts that wait, and the one that is being asked for
  logic        next_valid, next_taken, active;
  logic [31:2] next_address;
  logic [7:0]  next_length, left;
  logic [3:0]  next_memory, memory;       // bit 3: none
  midge_fifo #(
      .WIDTH(38),
      .DEPTH(4)
  ) bursts (
      .clock,
      .reset,
      .in_valid(arvalid),
      .in_ready(arready),
      .in_data({araddr[31:2], arlen}),
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

  logic                  may_ask, asked, taken, none_response, answered;
  logic [3:0]            answering;       // the memory that the unanswered words are in
  logic [COUNT_BITS-1:0] unanswered, places;
  assign may_ask = active && places != '0 && (unanswered == '0 || memory == answering);
  assign request = may_ask ? memory[2:0] : 3'b0;
  assign asked = may_ask && ({1'b1, ready} & memory) != 4'b0;
  assign last = left == 8'd0;
  assign next_taken = !active || (asked && last);
  assign answered = response != 3'b0 || none_response;
  assign taken = rvalid && rready;

  always_ff @(posedge clock)
    if (reset) begin
      active <= 1'b0;
      none_response <= 1'b0;
      unanswered <= '0;
      places <= COUNT_BITS'(DEPTH);
    end else begin
      if (next_taken) active <= next_valid;
      none_response <= asked && memory[3];
      unanswered <= unanswered + COUNT_BITS'(asked) - COUNT_BITS'(answered);
      places <= places - COUNT_BITS'(asked) + COUNT_BITS'(taken);
    end
  always_ff @(posedge clock) begin
    if (next_taken) {memory, address, left} <= {next_memory, next_address, next_length};
    else if (asked) begin
      address <= address + 30'd1;
      left <= left - 8'd1;
    end
    if (asked) answering <= memory;
  end

  // Words in the order in which they were asked for
  logic        error, unused_words_ready, unused_ends_ready, unused_ends_valid;
  logic [31:0] answer;
  assign answer = answering[0] ? program_data : answering[1] ? sram_data : external_data;
  midge_fifo #(
      .WIDTH(32),
      .DEPTH(DEPTH)
  ) words (
      .clock,
      .reset,
      .in_valid(answered),
      .in_ready(unused_words_ready),
      .in_data(answer),
      .out_valid(rvalid),
      .out_ready(rready),
      .out_data(rdata)
  );
  midge_fifo #(
      .WIDTH(2),
      .DEPTH(DEPTH)
  ) ends (
      .clock,
      .reset,
      .in_valid(asked),
      .in_ready(unused_ends_ready),
      .in_data({memory[3], last}),
      .out_valid(unused_ends_valid),
      .out_ready(taken),
      .out_data({error, rlast})
  );
  assign rresp = error ? DECERR : OKAY;
  logic unused_address;
  assign unused_address = ^araddr[1:0];
endmodule
