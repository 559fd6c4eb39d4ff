// The weights: a word of 4 * LANES bytes in each cycle, written four bytes at a time.
module npu_weight_buffer #(
    parameter int LANES = 16,
    parameter int BYTES = 1 << 15
) (
    input  logic                clock,
    input  logic [15:0]         word,
    output logic [32*LANES-1:0] data,           // two cycles later
    input  logic                write,
    input  logic [19:2]         write_address,
    input  logic [31:0]         write_data
);
  localparam int LANE_BITS = $clog2(LANES);
  localparam int WORD_BITS = $clog2(BYTES) - LANE_BITS - 2;

  for (genvar part = 0; part < LANES; part++) begin : g_part
    logic [31:0] read_data;
    midge_nn_memory_block #(
        .DEPTH(1 << WORD_BITS),
        .WIDTH(32)
    ) memory (
        .clock,
        .enable(1'b1),
        .write(write && write_address[2+:LANE_BITS] == LANE_BITS'(part)),
        .write_address(write_address[2+LANE_BITS+:WORD_BITS]),
        .write_data,
        .read_address(word[WORD_BITS-1:0]),
        .read_data
    );
    always_ff @(posedge clock) data[32*part+:32] <= read_data;
  end

  logic unused_bits;
  assign unused_bits = ^{word, write_address};
endmodule
