// Static RAM: a data port with byte lanes and a read-only fetch port, one cycle each.
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
  localparam int DEPTH = BYTES / 4;
  localparam int INDEX_BITS = $clog2(DEPTH);

  for (genvar lane = 0; lane < 4; lane++) begin : g_lane
    ram_lane #(
        .DEPTH(DEPTH)
    ) ram (
        .clock,
        .enable_a(1'b1),
        .write_a(write && byte_lanes[lane]),
        .address_a(address[2+:INDEX_BITS]),
        .write_data_a(write_data[8*lane+:8]),
        .read_data_a(read_data[8*lane+:8]),
        .address_b(fetch_address[2+:INDEX_BITS]),
        .read_data_b(fetch_data[8*lane+:8])
    );
  end

  logic unused_high_bits;
  assign unused_high_bits = ^{fetch_address[31:2+INDEX_BITS], address[31:2+INDEX_BITS]};
endmodule
