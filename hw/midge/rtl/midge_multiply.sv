// mul, mulh, mulhsu, mulhu: four 17 x 17 bit partial products (one DSP block each) are formed in the execute
// stage and added in the writeback stage, so that a multiply may start every cycle. The low word is ready
// early enough to be forwarded.
module midge_multiply (
    input  logic        clock,
    input  logic [31:0] operand_1,
    input  logic [31:0] operand_2,
    input  logic [1:0]  funct3,      // 0 mul, 1 mulh, 2 mulhsu, 3 mulhu
    output logic [31:0] low,         // one cycle later
    output logic [31:0] high         // one cycle later
);
  logic signed [16:0] high_1, high_2, low_1, low_2;
  logic signed [33:0] low_low, low_high, high_low, high_high;

  // mul needs the low word only, which does not depend on the signs.
  assign high_1 = {operand_1[31] && funct3 != 2'd3, operand_1[31:16]};
  assign high_2 = {operand_2[31] && !funct3[1], operand_2[31:16]};
  assign low_1 = {1'b0, operand_1[15:0]};
  assign low_2 = {1'b0, operand_2[15:0]};

  always_ff @(posedge clock) begin
    low_low <= low_1 * low_2;
    low_high <= low_1 * high_2;
    high_low <= high_1 * low_2;
    high_high <= high_1 * high_2;
  end

  logic [34:0] middle;
  logic [63:0] product;
  logic        unused_sign;
  assign middle = {low_high[33], low_high} + {high_low[33], high_low};
  assign product = {high_high[31:0], low_low[31:0]} + {{13{middle[34]}}, middle, 16'b0};
  assign low = product[31:0];
  assign high = product[63:32];
  assign unused_sign = ^{high_high[33:32], low_low[33:32]};
endmodule
