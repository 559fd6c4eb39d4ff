// Loads: words from memory into a buffer, one descriptor after the other.
module npu_load
  import npu_front_types::*;
(
    input  logic        clock,
    input  logic        reset,            // also forgets the load; npu_read throws away what is on its way
    output logic        busy,
    output logic        done,             // a pulse
    output logic        starved,          // waits for the bus
    output logic        port_taken,       // waits for the buffer
    // a load
    input  logic        valid,
    output logic        ready,
    input  move_t       move,
    // to and from npu_read
    output logic        burst_valid,
    input  logic        burst_ready,
    output logic [31:2] burst_address,
    output logic [4:0]  burst_words,
    input  logic        word_valid,
    output logic        word_ready,
    input  logic [31:0] word,
    input  logic        word_error,
    // the buffers' write port
    output logic        load_valid,
    input  logic        load_ready,
    output logic        load_buffer,
    output logic [19:2] load_address,
    output logic [31:0] load_data
);
  logic [14:0] words, left;
  logic        start, loaded, unused_last;
  assign words = 15'((17'(move.bytes) + 17'd3) >> 2);
  assign ready = !busy;
  assign start = valid && ready;

  npu_bursts bursts (
      .clock,
      .reset,
      .start,
      .start_address(move.memory_address),
      .start_words(words),
      .valid(burst_valid),
      .ready(burst_ready),
      .address(burst_address),
      .words(burst_words),
      .last(unused_last)
  );

  assign load_valid = word_valid && !word_error;
  assign load_data = word;
  assign word_ready = load_ready;
  assign loaded = load_valid && load_ready;
  assign starved = busy && !word_valid;
  assign port_taken = load_valid && !load_ready;

  always_ff @(posedge clock)
    if (reset) begin
      busy <= 1'b0;
      done <= 1'b0;
    end else begin
      done <= loaded && left == 15'd1;
      if (start) busy <= 1'b1;
      else if (loaded && left == 15'd1) busy <= 1'b0;
    end

  always_ff @(posedge clock)
    if (start) begin
      load_buffer <= move.target;
      load_address <= move.buffer_address;
      left <= words;
    end else if (loaded) begin
      load_address <= load_address + 1'b1;
      left <= left - 1'b1;
    end
endmodule
