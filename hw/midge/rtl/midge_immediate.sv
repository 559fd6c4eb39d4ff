// The immediate of an instruction of 16 or 32 bits, sign-extended (unprivileged specification, sections 2.3
// and 16.8). It is cut out in the fetch stage, so that execute can add it as soon as the registers are read.
// Zero where an instruction has none but adds one (c.jr, c.jalr); arbitrary where it is not used.
module midge_immediate
  import midge_package::*;
(
    input  logic [31:0] raw,
    output logic [31:0] immediate
);
  // Formats of 32 bits
  logic [31:0] i_type, s_type, b_type, u_type, j_type, full;
  assign i_type = {{20{raw[31]}}, raw[31:20]};
  assign s_type = {{20{raw[31]}}, raw[31:25], raw[11:7]};
  assign b_type = {{20{raw[31]}}, raw[7], raw[30:25], raw[11:8], 1'b0};
  assign u_type = {raw[31:12], 12'b0};
  assign j_type = {{12{raw[31]}}, raw[19:12], raw[20], raw[30:21], 1'b0};
  always_comb
    unique case (raw[6:2])
      OPCODE_LUI, OPCODE_AUIPC: full = u_type;
      OPCODE_JAL: full = j_type;
      OPCODE_BRANCH: full = b_type;
      OPCODE_STORE: full = s_type;
      OPCODE_MISC_MEM: full = 32'd4;  // fence.i is a jump to the next instruction
      default: full = i_type;
    endcase

  // Formats of 16 bits
  logic [31:0] addi4spn, load_store, ci, cj, addi16sp, lui, cb, lwsp, swsp, short;
  assign addi4spn = {22'b0, raw[10:7], raw[12:11], raw[5], raw[6], 2'b0};
  assign load_store = {25'b0, raw[5], raw[12:10], raw[6], 2'b0};
  assign ci = {{27{raw[12]}}, raw[6:2]};
  assign cj = {
    {21{raw[12]}}, raw[8], raw[10:9], raw[6], raw[7], raw[2], raw[11], raw[5:3], 1'b0
  };
  assign addi16sp = {{23{raw[12]}}, raw[4:3], raw[5], raw[2], raw[6], 4'b0};
  assign lui = {{15{raw[12]}}, raw[6:2], 12'b0};
  assign cb = {{24{raw[12]}}, raw[6:5], raw[2], raw[11:10], raw[4:3], 1'b0};
  assign lwsp = {24'b0, raw[3:2], raw[12], raw[6:4], 2'b0};
  assign swsp = {24'b0, raw[8:7], raw[12:9], 2'b0};
  always_comb
    unique case ({raw[1:0], raw[15:13]})
      5'b00_000: short = addi4spn;
      5'b00_010, 5'b00_110: short = load_store;
      5'b01_001, 5'b01_101: short = cj;
      5'b01_011: short = raw[11:7] == 5'd2 ? addi16sp : lui;
      5'b01_110, 5'b01_111: short = cb;
      5'b10_010: short = lwsp;
      5'b10_110: short = swsp;
      5'b10_100: short = 32'b0;
      default: short = ci;
    endcase

  assign immediate = raw[1:0] == 2'b11 ? full : short;
endmodule
