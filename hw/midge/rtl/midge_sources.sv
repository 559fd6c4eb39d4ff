// Source register numbers of an instruction of 16 or 32 bits, cut out in the fetch stage so that the register
// file can be read while the execute stage decompresses and decodes. They agree with midge_decompress wherever the
// instruction reads the register; elsewhere they are arbitrary. The code comes
// late in the cycle, so one choice is made among all places.
module midge_sources (
    input  logic [24:0] raw,     // its lower bits
    output logic [4:0]  rs1,
    output logic [4:0]  rs2
);
  localparam logic [4:0] SP = 5'd2;

  logic [3:0] quadrant;
  assign quadrant = 4'b1 << raw[1:0];

  // What is in none of these places is x0.
  logic rs1_of_32, rs1_full, rs1_short, rs1_sp, is_move;
  assign rs1_of_32 = quadrant[3];
  // c.lw, c.sw; the upper half of quadrant 1
  assign rs1_short = (quadrant[0] && raw[15:13] != 3'b000) || (quadrant[1] && raw[15]);
  // c.addi4spn; c.lwsp, c.swsp
  assign rs1_sp = (quadrant[0] && raw[15:13] == 3'b000) || (quadrant[2] && raw[14]);
  // c.addi, c.addi16sp, but not c.li; c.slli, c.add, c.jr, c.jalr, but not c.mv
  assign is_move = raw[15] && !raw[12] && raw[6:2] != 5'd0;
  assign rs1_full = (quadrant[1] && !raw[15] && raw[14:13] != 2'b10) || (quadrant[2] && !raw[14] && !is_move);
  assign rs1 = ({5{rs1_of_32}} & raw[19:15]) | ({5{rs1_full}} & raw[11:7])
      | ({5{rs1_short}} & {2'b01, raw[9:7]}) | ({5{rs1_sp}} & SP);

  // c.beqz and c.bnez compare with x0, unlike c.sub and its like
  logic rs2_of_32, rs2_full, rs2_short;
  assign rs2_of_32 = quadrant[3];
  assign rs2_short = quadrant[0] || (quadrant[1] && !raw[14]);
  assign rs2_full = quadrant[2];
  assign rs2 = ({5{rs2_of_32}} & raw[24:20]) | ({5{rs2_full}} & raw[6:2]) | ({5{rs2_short}} & {2'b01, raw[4:2]});
endmodule
