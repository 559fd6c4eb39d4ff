// Static RAM in block RAM: a data port with byte lanes and a read-only fetch port, one cycle each.
module sram #(
    parameter int BYTES = 1 << 18
) (
    input  logic        clock,
    input  logic [31:2] fetch_address,
    output logic [31:0] fetch_data,
    input  logic        write,
    input  logic [31:2] address,
    input  logic [3:0]  byte_lanes,
    input  logic [31:0] write_data,
    output logic [31:0] read_data
);
  localparam int WORDS = BYTES / 4;
  localparam int INDEX_BITS = $clog2(WORDS);

  logic [INDEX_BITS-1:0] index, fetch_index;
  assign index = address[2+:INDEX_BITS];
  assign fetch_index = fetch_address[2+:INDEX_BITS];
  logic unused_high_bits;
  assign unused_high_bits = ^{fetch_address[31:2+INDEX_BITS], address[31:2+INDEX_BITS]};

  logic [31:0] words[WORDS]  /* verilator public_flat_rw */;
  always_ff @(posedge clock) begin
    for (int lane = 0; lane < 4; lane++)
      if (write && byte_lanes[lane]) words[index][8*lane+:8] <= write_data[8*lane+:8];
    read_data <= words[index];
    fetch_data <= words[fetch_index];
  end
endmodule
