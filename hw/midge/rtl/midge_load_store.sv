// Byte lanes of the 32-bit data port: places store data, checks alignment, and extracts load data.
module midge_load_store (
    // execute stage
    input  logic [1:0]  address_low,
    input  logic [1:0]  size,            // funct3[1:0]: 0 byte, 1 half word, 2 word
    input  logic [31:0] store_value,
    output logic [31:0] store_data,
    output logic [3:0]  byte_lanes,
    output logic        misaligned,
    // writeback stage
    input  logic [1:0]  load_address_low,
    input  logic [2:0]  load_funct3,
    input  logic [31:0] load_data,
    output logic [31:0] load_value
);
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

  logic [7:0]  low_byte, high_byte;
  logic        sign;
  always_comb begin
    unique case (load_address_low)
      2'd0: low_byte = load_data[7:0];
      2'd1: low_byte = load_data[15:8];
      2'd2: low_byte = load_data[23:16];
      default: low_byte = load_data[31:24];
    endcase
    high_byte = load_address_low[1] ? load_data[31:24] : load_data[15:8];
    sign = !load_funct3[2] && (load_funct3[0] ? high_byte[7] : low_byte[7]);
    load_value[7:0] = low_byte;
    load_value[15:8] = load_funct3[1:0] == 2'd0 ? {8{sign}} : high_byte;
    load_value[31:16] = load_funct3[1] ? load_data[31:16] : {16{sign}};
  end
endmodule
