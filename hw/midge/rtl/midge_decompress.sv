// Expands a 16-bit instruction of the C extension to the 32-bit instruction that it stands for
// (unprivileged specification, chapter 16). Every reserved RV32C encoding and every floating-point one
// is reported as illegal; hints expand to instructions without effect.
module midge_decompress (
    input  logic [15:0] compressed,
    output logic [31:0] expanded,
    output logic        illegal
);
  localparam logic [6:0] LOAD = 7'h03, OP_IMM = 7'h13, STORE = 7'h23, OP = 7'h33, LUI = 7'h37;
  localparam logic [6:0] BRANCH = 7'h63, JALR = 7'h67, JAL = 7'h6f;
  localparam logic [4:0] X0 = 5'd0, RA = 5'd1, SP = 5'd2;

  logic [15:0] c;
  logic [4:0] rd, rs2, rd_short, rs1_short, rs2_short;
  logic [11:0] jump_offset_low;

  assign c = compressed;
  assign rd = c[11:7];
  assign rs2 = c[6:2];
  assign rd_short = {2'b01, c[4:2]};
  assign rs1_short = {2'b01, c[9:7]};
  assign rs2_short = {2'b01, c[4:2]};
  // jal immediate bits [11:1] in the order of the expanded instruction: 20 | 10:1 | 11
  assign jump_offset_low = {c[12], c[8], c[10:9], c[6], c[7], c[2], c[11], c[5:3], c[12]};

  always_comb begin
    expanded = {16'b0, c};
    illegal = 1'b0;
    unique case ({c[1:0], c[15:13]})
      // quadrant 0
      5'b00_000: begin  // c.addi4spn
        expanded = {2'b0, c[10:7], c[12:11], c[5], c[6], 2'b00, SP, 3'b000, rd_short, OP_IMM};
        illegal = c[12:5] == 8'b0;
      end
      5'b00_010:  // c.lw
        expanded = {5'b0, c[5], c[12:10], c[6], 2'b00, rs1_short, 3'b010, rd_short, LOAD};
      5'b00_110:  // c.sw
        expanded = {5'b0, c[5], c[12], rs2_short, rs1_short, 3'b010, c[11:10], c[6], 2'b00, STORE};
      // quadrant 1
      5'b01_000:  // c.addi, c.nop
        expanded = {{7{c[12]}}, c[6:2], rd, 3'b000, rd, OP_IMM};
      5'b01_001:  // c.jal
        expanded = {jump_offset_low, {8{c[12]}}, RA, JAL};
      5'b01_010:  // c.li
        expanded = {{7{c[12]}}, c[6:2], X0, 3'b000, rd, OP_IMM};
      5'b01_011: begin
        if (rd == SP)  // c.addi16sp
          expanded = {{3{c[12]}}, c[4:3], c[5], c[2], c[6], 4'b0, SP, 3'b000, SP, OP_IMM};
        else  // c.lui
          expanded = {{15{c[12]}}, c[6:2], rd, LUI};
        illegal = {c[12], c[6:2]} == 6'b0;
      end
      5'b01_100:
        unique case (c[11:10])
          2'b00, 2'b01: begin  // c.srli, c.srai
            expanded = {1'b0, c[10], 5'b0, c[6:2], rs1_short, 3'b101, rs1_short, OP_IMM};
            illegal = c[12];
          end
          2'b10:  // c.andi
            expanded = {{7{c[12]}}, c[6:2], rs1_short, 3'b111, rs1_short, OP_IMM};
          default: begin  // c.sub, c.xor, c.or, c.and
            expanded = {
              1'b0, c[6:5] == 2'b00, 5'b0, rs2_short, rs1_short,
              {c[6:5] != 2'b00, c[6], c[6] & c[5]}, rs1_short, OP
            };
            illegal = c[12];
          end
        endcase
      5'b01_101:  // c.j
        expanded = {jump_offset_low, {8{c[12]}}, X0, JAL};
      5'b01_110, 5'b01_111:  // c.beqz, c.bnez
        expanded = {
          {4{c[12]}}, c[6:5], c[2], X0, rs1_short, {2'b00, c[13]}, c[11:10], c[4:3], c[12], BRANCH
        };
      // quadrant 2
      5'b10_000: begin  // c.slli
        expanded = {7'b0, c[6:2], rd, 3'b001, rd, OP_IMM};
        illegal = c[12];
      end
      5'b10_010: begin  // c.lwsp
        expanded = {4'b0, c[3:2], c[12], c[6:4], 2'b00, SP, 3'b010, rd, LOAD};
        illegal = rd == X0;
      end
      5'b10_100:
        if (rs2 != 5'b0)  // c.mv, c.add
          expanded = {7'b0, rs2, c[12] ? rd : X0, 3'b000, rd, OP};
        else if (rd != 5'b0)  // c.jr, c.jalr
          expanded = {12'b0, rd, 3'b000, {4'b0, c[12]}, JALR};
        else begin  // c.ebreak; the rest of this row is reserved
          expanded = 32'h0010_0073;
          illegal = !c[12];
        end
      5'b10_110:  // c.swsp
        expanded = {4'b0, c[8:7], c[12], rs2, SP, 3'b010, c[11:9], 2'b00, STORE};
      default: illegal = 1'b1;
    endcase
  end
endmodule
