// Arithmetic, logic and shifts.
module midge_alu (
    input  logic [31:0] operand_1,       // of the adder
    input  logic [31:0] operand_2,
    input  logic [31:0] early_operand_1, // of shifts and logic, which are slower
    input  logic [31:0] early_operand_2,
    input  logic [2:0]  funct3,
    input  logic        alternate,    // sub, sra
    output logic [31:0] result
);
  logic        subtract, less;
  logic [32:0] sum;
  logic [31:0] logic_result, shift_result;

  // slt and sltu (funct3 = 01x) compare through the subtraction. No carry out of a - b means a < b unsigned;
  // differing signs turn that round.
  assign subtract = alternate || funct3[1];
  assign sum = {1'b0, operand_1} + {1'b0, subtract ? ~operand_2 : operand_2} + {32'b0, subtract};
  assign less = !sum[32] ^ (!funct3[0] && operand_1[31] != operand_2[31]);

  always_comb
    unique case (funct3[1:0])
      2'b00: logic_result = early_operand_1 ^ early_operand_2;
      2'b10: logic_result = early_operand_1 | early_operand_2;
      default: logic_result = early_operand_1 & early_operand_2;
    endcase

  // One right shifter serves both directions: left shifts are reversed before and after it.
  logic [31:0] operand_reversed, shift_input, shifted, shifted_reversed;
  logic        fill;
  assign operand_reversed = {<<{early_operand_1}};
  assign shifted_reversed = {<<{shifted}};
  assign shift_input = funct3[2] ? early_operand_1 : operand_reversed;
  assign fill = alternate && early_operand_1[31];
  logic unused_shift_fill;
  assign {unused_shift_fill, shifted} =
      33'($signed({fill, shift_input}) >>> early_operand_2[4:0]);
  assign shift_result = funct3[2] ? shifted : shifted_reversed;

  always_comb
    unique case (funct3)
      3'b000: result = sum[31:0];
      3'b001, 3'b101: result = shift_result;
      3'b010, 3'b011: result = {31'b0, less};
      default: result = logic_result;
    endcase
endmodule
