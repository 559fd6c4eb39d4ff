// Splits a transfer into bursts of AXI: up to 16 words, none across a multiple of 4 KiB.
module npu_bursts (
    input  logic        clock,
    input  logic        reset,            // also forgets the rest of a transfer
    input  logic        start,            // not while there are bursts left
    input  logic [31:2] start_address,
    input  logic [14:0] start_words,
    output logic        valid,
    input  logic        ready,
    output logic [31:2] address,
    output logic [4:0]  words,            // 1 to 16
    output logic        last
);
  logic [14:0] left;
  logic [4:0]  most;

  assign most = address[11:6] == '1 ? 5'd16 - {1'b0, address[5:2]} : 5'd16;
  assign last = left <= 15'(most);
  assign words = last ? left[4:0] : most;

  always_ff @(posedge clock)
    if (reset) valid <= 1'b0;
    else if (start) valid <= 1'b1;
    else if (ready && last) valid <= 1'b0;

  always_ff @(posedge clock)
    if (start) begin
      address <= start_address;
      left <= start_words;
    end else if (valid && ready) begin
      address <= address + 30'(words);
      left <= left - 15'(words);
    end
endmodule
