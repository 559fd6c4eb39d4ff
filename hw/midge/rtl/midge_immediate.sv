// The immediate of an instruction of 16 or 32 bits, sign-extended (unprivileged specification, sections 2.3
// and 16.8). It is cut out in the fetch stage, so that execute can add it as soon as the registers are read; as the
// code comes late from memory, in two parts, one for each size, which execute puts together by an OR.
// Zero where an instruction has none but adds one (c.jr, c.jalr); arbitrary where it is not used.
module midge_immediate (
    input  logic [31:0] raw,
    output logic [31:0] immediate_32,   // of an instruction of 32 bits; zero for one of 16
    output logic [31:0] immediate_16    // of an instruction of 16 bits; zero for one of 32
);
  // Formats of 32 bits, each told by as few bits of the opcode as set it apart from others that use an immediate
  logic        is_32, is_u, is_j, is_b, is_s, is_i, is_fence;
  logic [31:0] i_type, s_type, b_type, u_type, j_type, fence;
  assign is_32 = raw[1:0] == 2'b11;
  assign is_u = is_32 && raw[4:2] == 3'b101;               // lui, auipc
  assign is_j = is_32 && raw[3:2] == 2'b11 && raw[6];
  assign is_fence = is_32 && raw[3:2] == 2'b11 && !raw[6];
  assign is_b = is_32 && raw[4:2] == 3'b000 && raw[6];
  assign is_s = is_32 && raw[4:2] == 3'b000 && raw[6:5] == 2'b01;
  assign is_i = is_32 && raw[3:2] != 2'b11 && raw[4:2] != 3'b101 && (raw[4:2] != 3'b000 || raw[6:5] == 2'b00);
  assign i_type = {{20{raw[31]}}, raw[31:20]};
  assign s_type = {{20{raw[31]}}, raw[31:25], raw[11:7]};
  assign b_type = {{20{raw[31]}}, raw[7], raw[30:25], raw[11:8], 1'b0};
  assign u_type = {raw[31:12], 12'b0};
  assign j_type = {{12{raw[31]}}, raw[19:12], raw[20], raw[30:21], 1'b0};
  assign fence = 32'd4;  // fence.i is a jump to the next instruction
  assign immediate_32 = ({32{is_i}} & i_type) | ({32{is_s}} & s_type) | ({32{is_b}} & b_type)
      | ({32{is_u}} & u_type) | ({32{is_j}} & j_type) | ({32{is_fence}} & fence);

  // Formats of 16 bits
  logic        is_addi4spn, is_load_store, is_ci, is_cj, is_01_011, is_sp, is_cb, is_lwsp, is_swsp;
  logic [31:0] addi4spn, load_store, ci, cj, addi16sp, lui, cb, lwsp, swsp;
  logic [4:0]  row;
  assign row = {raw[1:0], raw[15:13]};
  assign is_addi4spn = row == 5'b00_000;
  assign is_load_store = row[4:3] == 2'b00 && row[1];
  assign is_ci = row == 5'b01_000 || row == 5'b01_010 || row == 5'b01_100 || row == 5'b10_000;
  assign is_cj = row[4:3] == 2'b01 && row[1:0] == 2'b01;
  assign is_01_011 = row == 5'b01_011;
  assign is_sp = raw[11:7] == 5'd2;
  assign is_cb = row[4:3] == 2'b01 && row[2:1] == 2'b11;
  assign is_lwsp = row[4:3] == 2'b10 && row[2:1] == 2'b01;
  assign is_swsp = row[4:3] == 2'b10 && row[2:1] == 2'b11;
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
  assign immediate_16 = ({32{is_addi4spn}} & addi4spn) | ({32{is_load_store}} & load_store)
      | ({32{is_ci}} & ci) | ({32{is_cj}} & cj) | ({32{is_01_011 && is_sp}} & addi16sp)
      | ({32{is_01_011 && !is_sp}} & lui) | ({32{is_cb}} & cb) | ({32{is_lwsp}} & lwsp) | ({32{is_swsp}} & swsp);
endmodule
