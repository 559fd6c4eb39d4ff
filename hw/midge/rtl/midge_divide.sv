// div, divu, rem, remu: one quotient bit per cycle on magnitudes, signs put right at the end.
// `start` is held while the instruction waits; `done` rises when `result` is valid, 33 cycles after the first
// cycle of `start`. Dropping `start` gives the division up; after `done` a new one may start at once.
module midge_divide (
    input  logic        clock,
    input  logic        reset,
    input  logic        start,
    input  logic [31:0] operand_1,
    input  logic [31:0] operand_2,
    input  logic [1:0]  funct3,     // 0 div, 1 divu, 2 rem, 3 remu
    output logic        done,
    output logic [31:0] result
);
  logic        busy;
  logic [5:0]  bits_left;
  logic [31:0] divisor, remainder, quotient;
  logic        negate_quotient, negate_remainder;
  logic        is_signed;
  logic [32:0] difference;

  assign is_signed = !funct3[0];
  assign difference = {remainder, quotient[31]} - {1'b0, divisor};

  always_ff @(posedge clock)
    if (reset || !start || done) busy <= 1'b0;
    else if (!busy) begin
      busy <= 1'b1;
      bits_left <= 6'd32;
      divisor <= (is_signed && operand_2[31]) ? -operand_2 : operand_2;
      quotient <= (is_signed && operand_1[31]) ? -operand_1 : operand_1;
      remainder <= 32'b0;
      negate_remainder <= is_signed && operand_1[31];
      // Division by zero gives all ones without a change of sign.
      negate_quotient <= is_signed && (operand_1[31] ^ operand_2[31]) && operand_2 != 32'b0;
    end else begin
      bits_left <= bits_left - 6'd1;
      remainder <= difference[32] ? {remainder[30:0], quotient[31]} : difference[31:0];
      quotient <= {quotient[30:0], !difference[32]};
    end

  logic [31:0] magnitude;
  logic        negate;
  assign done = busy && bits_left == 6'd0;
  assign magnitude = funct3[1] ? remainder : quotient;
  assign negate = funct3[1] ? negate_remainder : negate_quotient;
  assign result = (magnitude ^ {32{negate}}) + {31'b0, negate};
endmodule
