// Says what an instruction of RV32IMC, Zicsr, Zifencei and machine mode does; everything else is illegal.
// Whether a CSR exists is known to midge_csr, not here; which instructions of Xmidge there are, to midge_nn.
module midge_decode
  import midge_package::*;
  import midge_nn_package::*;
#(
    parameter bit NN = 0
) (
    input  logic [31:0] raw,
    input  logic        is_compressed,
    output decoded_t    decoded
);
  logic [4:0] opcode, short_opcode, short_rd;
  logic [2:0] funct3, short_funct3;
  logic [6:0] funct7, short_funct7;
  logic       short_ebreak, short_illegal;

  midge_decompress decompress (
      .compressed(raw[15:0]),
      .opcode(short_opcode),
      .funct3(short_funct3),
      .funct7(short_funct7),
      .rd(short_rd),
      .is_ebreak(short_ebreak),
      .illegal(short_illegal)
  );
  assign opcode = is_compressed ? short_opcode : raw[6:2];
  assign funct3 = is_compressed ? short_funct3 : raw[14:12];
  assign funct7 = is_compressed ? short_funct7 : raw[31:25];

  logic adds;
  assign adds = funct3 == 3'b000 || funct3[2:1] == 2'b01;

  always_comb begin
    decoded = '0;
    decoded.loop = NN && raw[14:0] == {FUNCT3_LOOP, 5'd0, OPCODE_CUSTOM_1, 2'b11} && !raw[31] && raw[30:22] != 9'd0
        && raw[21:20] == 2'd0;
    decoded.result_source = RESULT_ALU;
    decoded.funct3 = funct3;
    decoded.rd = is_compressed ? short_rd : raw[11:7];
    unique case (opcode)
      OPCODE_LUI: begin
        decoded.writes_rd = 1'b1;
        decoded.result_source = RESULT_IMMEDIATE;
      end
      OPCODE_AUIPC: begin
        decoded.writes_rd = 1'b1;
        decoded.result_source = RESULT_TARGET;
      end
      OPCODE_JAL: begin
        decoded.jal = 1'b1;
        decoded.writes_rd = 1'b1;
        decoded.result_source = RESULT_LINK;
      end
      OPCODE_JALR: begin
        decoded.jalr = 1'b1;
        decoded.uses_rs1 = 1'b1;
        decoded.writes_rd = 1'b1;
        decoded.result_source = RESULT_LINK;
        decoded.illegal = funct3 != 3'b000;
      end
      OPCODE_BRANCH: begin
        decoded.branch = 1'b1;
        decoded.uses_rs1 = 1'b1;
        decoded.uses_rs2 = 1'b1;
        decoded.illegal = funct3[2:1] == 2'b01;
      end
      OPCODE_LOAD: begin
        decoded.load = 1'b1;
        decoded.uses_rs1 = 1'b1;
        decoded.writes_rd = 1'b1;
        decoded.result_source = RESULT_ADDRESS;
        decoded.illegal = funct3 == 3'b011 || funct3[2:1] == 2'b11;
      end
      OPCODE_STORE: begin
        decoded.store = 1'b1;
        decoded.uses_rs1 = 1'b1;
        decoded.uses_rs2 = 1'b1;
        decoded.result_source = RESULT_ADDRESS;
        decoded.illegal = funct3[2] || funct3[1:0] == 2'b11;
      end
      OPCODE_OP_IMM: begin
        decoded.uses_rs1 = 1'b1;
        decoded.writes_rd = 1'b1;
        decoded.operand_immediate = 1'b1;
        decoded.alu_alternate = funct3 == 3'b101 && funct7[5];
        if (funct3 == 3'b001) decoded.illegal = funct7 != 7'b0;
        if (funct3 == 3'b101) decoded.illegal = (funct7 & 7'b1011111) != 7'b0;
      end
      OPCODE_OP: begin
        decoded.uses_rs1 = 1'b1;
        decoded.uses_rs2 = 1'b1;
        decoded.writes_rd = 1'b1;
        decoded.alu_alternate = funct7[5];
        unique case (funct7)
          7'b0000000: decoded.illegal = 1'b0;
          7'b0100000: decoded.illegal = funct3 != 3'b000 && funct3 != 3'b101;
          7'b0000001: begin
            decoded.multiply = !funct3[2];
            decoded.result_source = RESULT_DIVIDE;
          end
          default: decoded.illegal = 1'b1;
        endcase
      end
      OPCODE_MISC_MEM: begin
        // fence orders nothing on one in-order port; fence.i discards what was fetched ahead by a jump.
        decoded.jal = funct3 == 3'b001;
        decoded.illegal = funct3[2:1] != 2'b00;
      end
      OPCODE_SYSTEM:
        if (funct3[1:0] != 2'b00) begin
          decoded.uses_rs1 = !funct3[2];
          decoded.writes_rd = 1'b1;
          decoded.result_source = RESULT_CSR;
        end else begin
          unique case (raw[31:7])
            25'h0000000: decoded.ecall = 1'b1;
            25'h0002000: decoded.ebreak = 1'b1;
            25'h0604000: decoded.mret = 1'b1;
            25'h020a000: decoded.illegal = 1'b0;
            default: decoded.illegal = 1'b1;
          endcase
        end
      OPCODE_CUSTOM_0: begin
        // A pointer comes back with a step added to it; stores are bytes.
        decoded.illegal = !NN;
        decoded.funct3 = 3'b000;
        decoded.uses_rs1 = 1'b1;
        decoded.uses_rs2 = 1'b1;
        decoded.writes_rd = 1'b1;
        decoded.operand_immediate = 1'b1;
        if (NN && (funct3 == FUNCT3_GET || funct3 == FUNCT3_MAX4 || (funct3 == FUNCT3_RQV && funct7 == FUNCT7_RQV)))
          decoded.result_source = RESULT_NN;
      end
      OPCODE_CUSTOM_1: begin
        decoded.uses_rs1 = 1'b1;
        decoded.illegal = !decoded.loop;
      end
      default: decoded.illegal = 1'b1;
    endcase
    // From the bits themselves: they select what is added to an address, and decide what may wait.
    decoded.nn = NN && raw[6:0] == {OPCODE_CUSTOM_0, 2'b11};
    decoded.csr = raw[6:0] == {OPCODE_SYSTEM, 2'b11} && raw[13:12] != 2'b00;
    decoded.wfi = raw == {25'h020a000, OPCODE_SYSTEM, 2'b11};
    decoded.divide = raw[6:0] == {OPCODE_OP, 2'b11} && raw[14] && raw[31:25] == 7'b0000001;
    // Additions and comparisons, products and divisions; stored data.
    decoded.takes_product_1 = (opcode == OPCODE_OP_IMM && adds) || (opcode == OPCODE_OP && (adds || funct7[0]));
    decoded.takes_product_2 = decoded.takes_product_1 || decoded.store;

    if (is_compressed && short_illegal) decoded.illegal = 1'b1;
    if (is_compressed && short_ebreak) begin
      decoded.jalr = 1'b0;
      decoded.writes_rd = 1'b0;
      decoded.ebreak = 1'b1;
    end
  end
endmodule
