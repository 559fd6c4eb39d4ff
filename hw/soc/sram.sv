// Static RAM: two ports with byte lanes, one cycle each: the core's data port, and one that fetches and the engine share.
module sram #(
    parameter int BYTES = 1 << 18
) (
    input  logic        clock,
    input  logic        shared_write,
    input  logic [31:2] shared_address,
    input  logic [3:0]  shared_byte_lanes,
    input  logic [31:0] shared_write_data,
    output logic [31:0] shared_read_data,
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
        .write_b(shared_write && shared_byte_lanes[lane]),
        .address_b(shared_address[2+:INDEX_BITS]),
        .write_data_b(shared_write_data[8*lane+:8]),
        .read_data_b(shared_read_data[8*lane+:8])
    );
  end

  logic unused_high_bits;
  assign unused_high_bits = ^{shared_address[31:2+INDEX_BITS], address[31:2+INDEX_BITS]};
endmodule
