// The activations: LANES bytes from any address in each cycle, and words written. Each lane is a block RAM with a byte of
// every line; of lanes left of the first byte it reads the line after. The first byte is rotated to lane 0.
module npu_activation_buffer #(
    parameter int LANES = 16,
    parameter int BYTES = 1 << 15
) (
    input  logic               clock,
    // a read: data come four cycles after the address
    input  logic [19:0]        address,
    input  logic [LANES-1:0]   outside,         // three cycles after the address: replaced by fill
    input  logic [7:0]         fill,
    output logic [8*LANES-1:0] data,
    // results are written, and loads unless they meet in the same lanes
    input  logic               result_valid,
    input  logic [19:2]        result_address,
    input  logic [31:0]        result_data,
    input  logic               load_valid,
    output logic               load_ready,
    input  logic [19:2]        load_address,
    input  logic [31:0]        load_data
);
  localparam int LANE_BITS = $clog2(LANES);
  localparam int ADDRESS_BITS = $clog2(BYTES);
  localparam int LINE_BITS = ADDRESS_BITS - LANE_BITS;

  logic [LINE_BITS-1:0] line, next_line;
  logic [LANE_BITS-1:0] first, first_2, first_3, first_4;
  assign line = address[ADDRESS_BITS-1:LANE_BITS];
  assign next_line = line + LINE_BITS'(1);
  assign first = address[LANE_BITS-1:0];
  always_ff @(posedge clock) begin
    first_2 <= first;
    first_3 <= first_2;
    first_4 <= first_3;
  end

  assign load_ready = !result_valid || result_address[LANE_BITS-1:2] != load_address[LANE_BITS-1:2];

  logic [8*LANES-1:0] lanes;
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic [LINE_BITS-1:0] line_2;
    logic [7:0]           data_3, data_4;
    logic                 writes_result, writes_load;
    assign writes_result = result_valid && result_address[LANE_BITS-1:2] == (LANE_BITS - 2)'(lane / 4);
    assign writes_load = load_valid && load_address[LANE_BITS-1:2] == (LANE_BITS - 2)'(lane / 4);
    always_ff @(posedge clock) line_2 <= (LANE_BITS + 1)'(lane) < {1'b0, first} ? next_line : line;

    midge_nn_memory_block #(
        .DEPTH(1 << LINE_BITS),
        .WIDTH(8)
    ) memory (
        .clock,
        .enable(1'b1),
        .write(writes_result || writes_load),
        .write_address(writes_result ? result_address[ADDRESS_BITS-1:LANE_BITS]
                                     : load_address[ADDRESS_BITS-1:LANE_BITS]),
        .write_data(writes_result ? result_data[8*(lane%4)+:8] : load_data[8*(lane%4)+:8]),
        .read_address(line_2),
        .read_data(data_3)
    );
    always_ff @(posedge clock) data_4 <= data_3;
    assign lanes[8*lane+:8] = data_4;
  end

  logic [16*LANES-1:0] rotated;
  assign rotated = {lanes, lanes} >> {first_4, 3'd0};
  for (genvar lane = 0; lane < LANES; lane++) begin : g_fill
    always_ff @(posedge clock) data[8*lane+:8] <= outside[lane] ? fill : rotated[8*lane+:8];
  end

  logic unused_bits;
  assign unused_bits = ^{rotated[16*LANES-1:8*LANES], address, result_address, load_address};
endmodule
