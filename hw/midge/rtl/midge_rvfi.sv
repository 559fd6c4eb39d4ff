// The RISC-V formal interface: a record of the instruction that retires or traps in writeback.
// What is registered here feeds nothing else; synthesis removes it where the outputs are left open.
module midge_rvfi
  import midge_package::*;
(
    input  logic        clock,
    input  logic        reset,
    // execute
    input  logic [31:0] x_as_fetched,
    input  logic [31:0] x_operand_2,
    input  logic [31:1] x_next_pc,
    // writeback
    input  logic        w_waiting,
    input  logic        w_commit,
    input  logic        w_trap,
    input  logic        w_exception,
    input  logic        w_interrupt,
    input  logic [3:0]  w_trap_cause,
    input  logic [31:1] w_pc,
    input  logic        w_redirect,
    input  logic [31:1] w_target,
    input  logic [4:0]  w_rd,
    input  logic [31:0] w_value,
    input  logic        w_access,        // a load or a store, with its address
    input  logic [31:0] w_address,
    input  logic        w_load,
    input  logic        w_store,
    input  logic [1:0]  w_size,
    input  logic [31:0] w_load_value,
    output logic        valid,
    output rvfi_t       record
);
  logic        first_of_handler, reads, stores;
  logic [31:0] instruction, store_value, mask_bits;
  logic [31:1] next_pc;
  logic [3:0]  mask;
  always_ff @(posedge clock) begin
    if (!w_waiting) begin
      instruction <= x_as_fetched;
      next_pc <= x_next_pc;
      store_value <= x_operand_2;
    end
    if (reset) first_of_handler <= 1'b0;
    else if (w_trap && w_interrupt) first_of_handler <= 1'b1;
    else if (valid) first_of_handler <= 1'b0;
  end
  assign mask = w_size[1] ? 4'b1111 : w_size[0] ? 4'b0011 : 4'b0001;
  assign mask_bits = {{16{mask[2]}}, {8{mask[1]}}, 8'hff};
  assign reads = w_commit && w_access && w_load;
  assign stores = w_commit && w_access && w_store;

  assign valid = (w_commit || w_trap) && !(w_exception && w_interrupt);
  always_comb begin
    record = '0;
    record.pc_rdata = {w_pc, 1'b0};
    record.pc_wdata = {w_redirect ? w_target : next_pc, 1'b0};
    record.insn = instruction;
    if (w_commit) begin
      record.rd_addr = {27'b0, w_rd};
      record.rd_wdata = w_rd != 5'd0 ? w_value : 32'b0;
    end
    if (w_access) record.mem_addr = w_address;
    if (reads) record.mem_rdata = w_load_value & mask_bits;
    if (stores) record.mem_wdata = store_value & mask_bits;
    record.mem_masks = {20'b0, mask & {4{stores}}, 4'b0, mask & {4{reads}}};
    record.flags = {30'b0, first_of_handler, w_trap};
    if (w_trap) record.cause = {28'b0, w_trap_cause};
  end
endmodule
