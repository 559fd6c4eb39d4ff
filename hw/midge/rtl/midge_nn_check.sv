// Which encodings and operands of Xmidge are illegal.
module midge_nn_check
  import midge_nn_package::*;
(
    input  logic [31:7] instruction,
    input  shape_t      shape,
    input  window_t     window,
    input  logic [31:0] operand_1,
    input  logic [31:0] operand_2,
    input  logic        value_illegal,     // operand_1, for the register that is named
    output logic        walk_illegal,      // lda, mac, col, max4, min4: known from the instruction and the registers
    output logic        check_illegal      // the others: from the operands too, which come later
);
  logic [2:0] funct3;
  logic [6:0] funct7;
  logic [4:0] rd, rs1, rs2;
  assign {funct7, rs2, rs1, funct3, rd} = instruction;

  logic known_register, is_pointer, no_source_2, beyond_weights;
  assign known_register = funct7[6:3] == 4'd2 || (funct7[6:3] == 4'd0 && funct7[2:0] != 3'd7)
      || (funct7[6:2] == 5'd2 && funct7[1:0] != 2'd3);
  assign is_pointer = rd == rs1;
  assign no_source_2 = rs2 == 5'd0;
  // (group + 1) * taps > 16
  always_comb
    unique case (funct7[1:0])
      2'd0: beyond_weights = 1'b0;
      2'd1: beyond_weights = window.taps >= 4'd8;
      2'd2: beyond_weights = window.taps >= 4'd5;
      default: beyond_weights = window.taps >= 4'd4;
    endcase
  always_comb
    unique case (funct3)
      FUNCT3_LDA: walk_illegal = funct7 != 7'd0 || !is_pointer || !no_source_2;
      FUNCT3_MAC: walk_illegal = funct7[6:1] != 6'd0 || !is_pointer || !no_source_2;
      FUNCT3_COL:
        walk_illegal = funct7[6:4] != 3'd0 || !no_source_2 || beyond_weights || (funct7[2] ? rd != 5'd0 : !is_pointer);
      default: walk_illegal = funct7[6:1] != 6'd0;
    endcase

  // Lengths are powers of two: the last element has all bits below them.
  logic [8:0] length, elements_end;
  logic [6:0] channels_end, lanes_end;
  logic       element_illegal, elements_illegal, no_parameter, no_zero_point;
  always_comb
    unique casez (funct7[4:0])
      5'b0????: length = 9'd1;
      5'b10001: length = LENGTH_COLUMN;
      5'b10101: length = LENGTH_SHIFT;
      5'b1011?: length = LENGTH_TABLE_A;
      default: length = LENGTH_ACCUMULATOR;
    endcase
  assign element_illegal = operand_2[31:8] != 24'd0 || (operand_2[7:0] & ~8'(length - 9'd1)) != 8'd0;
  // From the first to the last: a count of 1 to 256, which is its last 8 bits less one.
  assign elements_end = {1'b0, operand_2[7:0]} + {1'b0, operand_2[23:16] - 8'd1};
  assign elements_illegal = operand_2[31:16] == 16'd0 || operand_2[31:16] > 16'd256 || operand_2[15:8] != 8'd0
      || (elements_end & ~(length - 9'd1)) != 9'd0;
  assign channels_end = {1'b0, operand_2[5:0]} + {1'b0, shape.channels};
  assign lanes_end = {1'b0, operand_2[21:16]} + {5'b0, window.lanes};
  assign no_parameter = operand_2[31:6] != 26'd0;
  assign no_zero_point = operand_1[31:7] != 25'd0 && operand_1[31:7] != 25'h1ffffff;

  always_comb
    unique case (funct3)
      FUNCT3_SET: check_illegal = !known_register || rd != 5'd0 || element_illegal || value_illegal;
      FUNCT3_GET: check_illegal = !known_register || rs1 != 5'd0 || element_illegal;
      FUNCT3_LDM: check_illegal = !known_register || !funct7[4] || !is_pointer || elements_illegal;
      default:
        unique case (funct7)
          FUNCT7_RQC: check_illegal = rd != 5'd0 || no_parameter || channels_end[6];
          FUNCT7_RQW:
            check_illegal = rd != 5'd0 || operand_2[31:22] != 10'd0 || lanes_end[6] || operand_2[15:13] != 3'd0
                || operand_2[7:4] != 4'd0 || (operand_2[12] ? operand_2[11:8] != 4'd0 : operand_2[11:8] == 4'd0);
          FUNCT7_RQV: check_illegal = no_parameter;
          FUNCT7_TABA, FUNCT7_TABB: check_illegal = rd != 5'd0 || no_parameter || no_zero_point;
          FUNCT7_ADD, FUNCT7_SUB: check_illegal = !is_pointer || no_parameter || shape.channels[5:2] != 4'd0;
          default: check_illegal = 1'b1;
        endcase
    endcase

  logic unused_fields;
  assign unused_fields = ^{operand_1[6:0], channels_end[5:0], lanes_end[5:0], shape.zero_14, shape.words, shape.pixels,
      shape.shared, shape.vector_mode, shape.width,
      window.zero_18, window.zero_14, window.stride, window.zero_5, window.rows, window.first};
endmodule
