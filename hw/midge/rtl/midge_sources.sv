// Source register numbers of an instruction of 16 or 32 bits, cut out in the fetch stage so that the register
// file can be read while the execute stage decompresses and decodes. They agree with midge_decompress wherever the
// instruction reads the register; elsewhere they are arbitrary.
module midge_sources (
    input  logic [24:0] raw,     // its lower bits
    output logic [4:0]  rs1,
    output logic [4:0]  rs2
);
  localparam logic [4:0] X0 = 5'd0, SP = 5'd2;

  always_comb begin
    unique case (raw[1:0])
      2'b11: begin
        rs1 = raw[19:15];
        rs2 = raw[24:20];
      end
      2'b00: begin
        rs1 = raw[15:13] == 3'b000 ? SP : {2'b01, raw[9:7]};   // c.addi4spn; c.lw, c.sw
        rs2 = {2'b01, raw[4:2]};
      end
      2'b01: begin
        // c.addi, c.addi16sp name the register in full, c.li adds to zero; the rest of the upper half: short names
        rs1 = raw[15] ? {2'b01, raw[9:7]} : raw[14:13] == 2'b10 ? X0 : raw[11:7];
        rs2 = raw[14] ? X0 : {2'b01, raw[4:2]};                // c.beqz, c.bnez; c.sub and its like
      end
      default: begin
        // c.lwsp and c.swsp; c.mv adds to zero; c.slli, c.add, c.jr, c.jalr
        rs1 = raw[14] ? SP : (raw[15] && !raw[12] && raw[6:2] != 5'd0) ? X0 : raw[11:7];
        rs2 = raw[6:2];
      end
    endcase
  end
endmodule
