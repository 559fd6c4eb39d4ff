// Fetches a list of descriptors ahead of their use, and gives them out one after the other.
module npu_list (
    input  logic         clock,
    input  logic         reset,           // also forgets the list
    input  logic         start,
    input  logic [31:2]  address,
    input  logic [9:0]   count,
    // to and from npu_read
    output logic         burst_valid,
    input  logic         burst_ready,
    output logic [31:2]  burst_address,
    output logic [4:0]   burst_words,
    input  logic         word_valid,
    input  logic [31:0]  word,
    output logic [9:0]   fetched,         // descriptors, complete ones
    // the next descriptor
    output logic         valid,
    input  logic         taken,
    output logic [511:0] descriptor
);
  localparam int AHEAD_WORDS = 32;
  localparam int AHEAD_BITS = $clog2(AHEAD_WORDS) + 1;

  // A burst is asked for when there is room for all of it.
  logic                  has_burst, last_burst, has_room, waiting_valid, shift;
  logic [AHEAD_BITS-1:0] reserved;        // words that are waiting or on their way
  logic [31:0]           waiting;
  npu_bursts bursts (
      .clock,
      .reset,
      .start,
      .start_address(address),
      .start_words({1'b0, count, 4'b0}),
      .valid(has_burst),
      .ready(burst_ready && has_room),
      .address(burst_address),
      .words(burst_words),
      .last(last_burst)
  );
  assign has_room = reserved + AHEAD_BITS'(burst_words) <= AHEAD_BITS'(AHEAD_WORDS);
  assign burst_valid = has_burst && has_room;

  logic unused_room, unused_last;
  midge_fifo #(
      .WIDTH(32),
      .DEPTH(AHEAD_WORDS)
  ) words (
      .clock,
      .reset,
      .in_valid(word_valid),
      .in_ready(unused_room),
      .in_data(word),
      .out_valid(waiting_valid),
      .out_ready(shift),
      .out_data(waiting)
  );
  assign unused_last = last_burst;

  logic [13:0] words_fetched;
  logic [3:0]  words_shifted;
  assign fetched = words_fetched[13:4];
  assign shift = waiting_valid && !valid;

  always_ff @(posedge clock)
    if (reset || start) begin
      reserved <= '0;
      words_fetched <= '0;
      words_shifted <= '0;
      valid <= 1'b0;
    end else begin
      reserved <= reserved + (burst_valid && burst_ready ? AHEAD_BITS'(burst_words) : '0) - AHEAD_BITS'(shift);
      if (word_valid) words_fetched <= words_fetched + 1'b1;
      if (shift) words_shifted <= words_shifted + 1'b1;
      if (taken) valid <= 1'b0;
      else if (shift && words_shifted == '1) valid <= 1'b1;
    end

  always_ff @(posedge clock) if (shift) descriptor <= {waiting, descriptor[511:32]};
endmodule
