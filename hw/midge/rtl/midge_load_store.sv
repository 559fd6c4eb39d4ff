// Byte lanes of the 32-bit data port: places store data, checks alignment, and extracts load data.
module midge_load_store (
    input  logic        clock,
    // execute stage
    input  logic        enable,          // its instruction goes to writeback, if there is one
    input  logic        load,
    input  logic [1:0]  address_low,
    input  logic [2:0]  funct3,          // size: 0 byte, 1 half word, 2 word; bit 2: load without a sign
    input  logic [31:0] store_value,
    output logic [31:0] store_data,
    output logic [3:0]  byte_lanes,
    output logic        misaligned,
    // writeback stage
    input  logic [31:0] load_data,
    output logic [31:0] load_value       // 0 if it is no load
);
  logic [1:0] size;
  assign size = funct3[1:0];

  always_comb
    unique case (size)
      2'd0: begin
        store_data = {4{store_value[7:0]}};
        byte_lanes = 4'b0001 << address_low;
        misaligned = 1'b0;
      end
      2'd1: begin
        store_data = {2{store_value[15:0]}};
        byte_lanes = address_low[1] ? 4'b1100 : 4'b0011;
        misaligned = address_low[0];
      end
      default: begin
        store_data = store_value;
        byte_lanes = 4'b1111;
        misaligned = address_low != 2'b00;
      end
    endcase

  // Data come late from a block RAM, so everything else is known from registers: which lane is the lowest byte, which
  // the next one, and whose highest bit fills them and the upper half.
  logic [3:0] byte_lane, sign_lane;
  logic [3:0] low_lane, low_sign_lane, high_sign_lane;
  logic       high_from_1, high_from_3, whole;
  assign byte_lane = 4'b0001 << address_low;
  assign sign_lane = size == 2'd0 ? byte_lane : size == 2'd1 ? {address_low[1], 1'b0, !address_low[1], 1'b0} : 4'b0;
  always_ff @(posedge clock)
    if (enable) begin
      low_lane <= !load ? 4'b0 : size == 2'd0 ? byte_lane
          : size == 2'd1 ? {1'b0, address_low[1], 1'b0, !address_low[1]} : 4'b1;
      high_from_1 <= load && (size[1] || (size[0] && !address_low[1]));
      high_from_3 <= load && size[0] && address_low[1];
      whole <= load && size[1];
      low_sign_lane <= load && !funct3[2] && size == 2'd0 ? byte_lane : 4'b0;
      high_sign_lane <= load && !funct3[2] ? sign_lane : 4'b0;
    end

  logic [3:0] signs;
  assign signs = {load_data[31], load_data[23], load_data[15], load_data[7]};
  assign load_value[7:0] = ({8{low_lane[0]}} & load_data[7:0]) | ({8{low_lane[1]}} & load_data[15:8])
      | ({8{low_lane[2]}} & load_data[23:16]) | ({8{low_lane[3]}} & load_data[31:24]);
  assign load_value[15:8] = ({8{high_from_1}} & load_data[15:8]) | ({8{high_from_3}} & load_data[31:24])
      | {8{(low_sign_lane & signs) != 4'b0}};
  assign load_value[31:16] = ({16{whole}} & load_data[31:16]) | {16{(high_sign_lane & signs) != 4'b0}};
endmodule
