// Expands a 16-bit instruction of the C extension to the fields of the 32-bit instruction that it stands for, all but
// source registers and immediate (midge_sources, midge_immediate). Unprivileged specification, chapter 16. Every
// reserved RV32C encoding and every floating-point one is reported as illegal; hints expand to instructions
// without effect.
module midge_decompress
  import midge_package::*;
(
    input  logic [15:0] compressed,
    output logic [4:0]  opcode,
    output logic [2:0]  funct3,
    output logic [6:0]  funct7,
    output logic [4:0]  rd,
    output logic        is_ebreak,
    output logic        illegal
);
  localparam logic [4:0] X0 = 5'd0, RA = 5'd1, SP = 5'd2;

  logic [15:0] c;
  logic [4:0]  rd_full, rd_low, rd_high;   // the three places where a register is named
  assign c = compressed;
  assign rd_full = c[11:7];
  assign rd_low = {2'b01, c[4:2]};
  assign rd_high = {2'b01, c[9:7]};

  always_comb begin
    opcode = OPCODE_OP_IMM;
    funct3 = 3'b000;
    funct7 = 7'b0;
    rd = rd_full;
    is_ebreak = 1'b0;
    illegal = 1'b0;
    unique case ({c[1:0], c[15:13]})
      // quadrant 0
      5'b00_000: begin  // c.addi4spn
        rd = rd_low;
        illegal = c[12:5] == 8'b0;
      end
      5'b00_010: begin  // c.lw
        opcode = OPCODE_LOAD;
        funct3 = 3'b010;
        rd = rd_low;
      end
      5'b00_110: begin  // c.sw
        opcode = OPCODE_STORE;
        funct3 = 3'b010;
      end
      // quadrant 1
      5'b01_000, 5'b01_010: ;  // c.addi, c.nop, c.li
      5'b01_001: begin  // c.jal
        opcode = OPCODE_JAL;
        rd = RA;
      end
      5'b01_011: begin  // c.addi16sp, c.lui
        if (rd_full != SP) opcode = OPCODE_LUI;
        illegal = {c[12], c[6:2]} == 6'b0;
      end
      5'b01_100: begin
        rd = rd_high;
        unique case (c[11:10])
          2'b00, 2'b01: begin  // c.srli, c.srai
            funct3 = 3'b101;
            funct7[5] = c[10];
            illegal = c[12];
          end
          2'b10: funct3 = 3'b111;  // c.andi
          default: begin  // c.sub, c.xor, c.or, c.and
            opcode = OPCODE_OP;
            funct3 = {c[6:5] != 2'b00, c[6], c[6] & c[5]};
            funct7[5] = c[6:5] == 2'b00;
            illegal = c[12];
          end
        endcase
      end
      5'b01_101: begin  // c.j
        opcode = OPCODE_JAL;
        rd = X0;
      end
      5'b01_110, 5'b01_111: begin  // c.beqz, c.bnez
        opcode = OPCODE_BRANCH;
        funct3 = {2'b00, c[13]};
      end
      // quadrant 2
      5'b10_000: begin  // c.slli
        funct3 = 3'b001;
        illegal = c[12];
      end
      5'b10_010: begin  // c.lwsp
        opcode = OPCODE_LOAD;
        funct3 = 3'b010;
        illegal = rd_full == X0;
      end
      5'b10_100:
        if (c[6:2] != 5'b0)  // c.mv, c.add
          opcode = OPCODE_OP;
        else begin  // c.jr, c.jalr; c.ebreak; the rest of this row is reserved
          opcode = OPCODE_JALR;
          rd = {4'b0, c[12]};
          is_ebreak = c[12] && rd_full == X0;
          illegal = !c[12] && rd_full == X0;
        end
      5'b10_110: begin  // c.swsp
        opcode = OPCODE_STORE;
        funct3 = 3'b010;
      end
      default: illegal = 1'b1;
    endcase
  end
endmodule
