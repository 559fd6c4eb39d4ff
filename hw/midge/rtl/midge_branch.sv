// Whether a branch is taken. It has a comparator of its own, straight on the register values: the path from the
// registers through this condition to the fetch address is the longest of the execute stage.
module midge_branch (
    input  logic [31:0] operand_1,
    input  logic [31:0] operand_2,
    input  logic [2:0]  funct3,
    output logic        condition
);
  logic        equal, less;
  logic [32:0] difference;

  assign equal = operand_1 == operand_2;
  // Unsigned comparison after turning the sign bits round is signed comparison.
  assign difference = {1'b0, operand_1[31] ^ !funct3[1], operand_1[30:0]}
      - {1'b0, operand_2[31] ^ !funct3[1], operand_2[30:0]};
  assign less = difference[32];
  assign condition = (funct3[2] ? less : equal) ^ funct3[0];

  logic unused_difference;
  assign unused_difference = ^difference[31:0];
endmodule
