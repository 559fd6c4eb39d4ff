// Midge: RV32IMC, machine mode, in order, three stages.
//
//   fetch      cuts instructions out of words fetched ahead                              (midge_fetch)
//   execute    decodes, reads registers, computes, jumps, sends memory requests          (x_...)
//   writeback  receives load data, adds up products, writes rd, takes traps              (w_...)
//
// The writeback result is forwarded to the execute stage, except for load data and the high word of a product,
// which come too late in the cycle: an instruction that uses those right away waits one cycle. So does one that
// uses the low word of a product for an address, a branch, a shift or a logic operation.
// Traps are taken in writeback, where everything older has finished and the one younger instruction, in
// execute, has had no effect yet.
//
// Data port: data_request for one cycle sends address, lanes and data; the port always takes it. data_response
// comes one or more cycles later; the core sends no further request before it, but may in the same cycle.
module midge_core
  import midge_package::*;
#(
    parameter logic [31:0] RESET_ADDRESS = 32'h0,
    parameter logic [31:0] HART_ID = 32'd0
) (
    input  logic        clock,
    input  logic        reset,
    // fetch port (see midge_fetch)
    output logic        fetch_request,
    output logic [31:2] fetch_address,
    input  logic        fetch_ready,
    input  logic        fetch_response,
    input  logic [31:0] fetch_data,
    input  logic        fetch_error,
    // data port
    output logic        data_request,
    output logic        data_write,
    output logic [31:2] data_address,
    output logic [3:0]  data_byte_lanes,
    output logic [31:0] data_write_data,
    input  logic        data_response,
    input  logic        data_error,
    input  logic [31:0] data_read_data,
    // interrupts
    input  logic        timer_interrupt,
    input  logic        external_interrupt,
    // asleep in wfi; timer_wakes: a timer interrupt could end it
    output logic        asleep,
    output logic        timer_wakes,
    // RISC-V formal interface: the instruction that retires or traps in this cycle
    output logic        rvfi_valid,
    output rvfi_t       rvfi
);
  // ---------------------------------------------------------------------------------------------- fetch
  logic        f_valid, f_is_compressed, f_fault, f_fault_second_half;
  logic [31:1] f_pc;
  logic [31:0] f_raw, f_immediate;
  logic [4:0]  f_rs1, f_rs2;
  logic        x_ready, x_execute, w_redirect;
  logic [31:1] w_target;

  midge_fetch #(
      .RESET_ADDRESS(RESET_ADDRESS)
  ) fetch (
      .clock,
      .reset,
      .fetch_request,
      .fetch_address,
      .fetch_ready,
      .fetch_response,
      .fetch_data,
      .fetch_error,
      .redirect(w_redirect),
      .redirect_target(w_target),
      .take(x_ready),
      .valid(f_valid),
      .pc(f_pc),
      .raw(f_raw),
      .is_compressed(f_is_compressed),
      .rs1(f_rs1),
      .rs2(f_rs2),
      .immediate(f_immediate),
      .fault(f_fault),
      .fault_second_half(f_fault_second_half)
  );

  // -------------------------------------------------------------------------------------------- execute
  logic        x_valid, x_is_compressed, x_fault, x_fault_second_half;
  logic [31:1] x_pc;
  logic [31:0] x_raw, x_immediate;
  logic [4:0]  x_rs1, x_rs2;
  decoded_t    x;

  logic        x_fire;      // leaves for writeback at the end of this cycle
  assign x_ready = x_fire || !x_valid;

  always_ff @(posedge clock)
    if (reset || w_redirect) x_valid <= 1'b0;
    else if (x_ready) x_valid <= f_valid;

  always_ff @(posedge clock)
    if (x_ready) begin
      x_pc <= f_pc;
      x_raw <= f_raw;
      x_rs1 <= f_rs1;
      x_rs2 <= f_rs2;
      x_immediate <= f_immediate;
      x_is_compressed <= f_is_compressed;
      x_fault <= f_fault;
      x_fault_second_half <= f_fault_second_half;
    end

  midge_decode decode (
      .raw(x_raw),
      .is_compressed(x_is_compressed),
      .decoded(x)
  );

  // Operands, with the result in writeback forwarded
  logic        w_valid, w_writes, w_late, w_product;
  logic [4:0]  w_rd;          // 0: nothing is written
  logic [31:0] w_early_value, w_value;
  logic        w_commit;
  logic [31:0] register_1, register_2, operand_1, operand_2;
  logic [31:0] early_operand_1, early_operand_2, w_result;
  logic        match_1, match_2;

  midge_register_file register_file (
      .clock,
      .write(w_commit && w_writes),
      .write_register(w_rd),
      .write_data(w_value),
      .read_register_1(x_rs1),
      .read_data_1(register_1),
      .read_register_2(x_rs2),
      .read_data_2(register_2)
  );
  assign match_1 = w_rd == x_rs1;
  assign match_2 = w_rd == x_rs2;
  assign operand_1 = x_rs1 == 5'd0 ? 32'b0 : match_1 ? w_early_value : register_1;
  assign operand_2 = x_rs2 == 5'd0 ? 32'b0 : match_2 ? w_early_value : register_2;
  // The same without products, which come too late for addresses, branches, shifts and logic.
  assign early_operand_1 = x_rs1 == 5'd0 ? 32'b0 : match_1 ? w_result : register_1;
  assign early_operand_2 = x_rs2 == 5'd0 ? 32'b0 : match_2 ? w_result : register_2;

  // Units
  logic [31:0] alu_result, x_address, x_target, divide_result, csr_read_data;
  logic        condition, divide_start, divide_done, csr_illegal, csr_access, csr_writes, csr_writes_instret;
  logic [31:0] multiply_low, multiply_high;

  midge_alu alu (
      .operand_1,
      .operand_2(x.operand_immediate ? x_immediate : operand_2),
      .early_operand_1,
      .early_operand_2(x.operand_immediate ? x_immediate : early_operand_2),
      .funct3(x.funct3),
      .alternate(x.alu_alternate),
      .result(alu_result)
  );
  midge_branch branch (
      .operand_1(early_operand_1),
      .operand_2(early_operand_2),
      .funct3(x.funct3),
      .condition
  );
  assign x_address = early_operand_1 + x_immediate;
  assign x_target = {x_pc, 1'b0} + x_immediate;

  midge_multiply multiply (
      .clock,
      .operand_1,
      .operand_2,
      .funct3(x.funct3[1:0]),
      .low(multiply_low),
      .high(multiply_high)
  );
  midge_divide divide (
      .clock,
      .reset,
      .start(divide_start),
      .operand_1,
      .operand_2,
      .funct3(x.funct3[1:0]),
      .done(divide_done),
      .result(divide_result)
  );

  // Whether it can go on
  logic w_waiting;
  logic interrupt_take, wake, x_interrupt, x_hazard_1, x_hazard_2, x_hazard, x_wait;
  logic [3:0] interrupt_cause;
  assign x_hazard_1 = match_1 && x.uses_rs1 && (w_late || (w_product && !x.takes_product_1));
  assign x_hazard_2 = match_2 && x.uses_rs2 && (w_late || (w_product && !x.takes_product_2));
  assign x_hazard = x_hazard_1 || x_hazard_2;
  // CSR instructions and wfi wait until they are alone.
  assign x_wait = x_hazard || w_waiting || ((x.csr || x.wfi) && w_valid)
      || (x.divide && !x_fault && !divide_done) || (x.wfi && !x_fault && !wake);
  // A wfi that is asleep completes first; the instruction after it is interrupted.
  assign x_interrupt = interrupt_take && !x.wfi;
  assign x_fire = x_valid && !w_redirect && (x_interrupt ? !w_waiting : !x_wait);
  assign divide_start = x_valid && x.divide && !w_redirect && !x_interrupt && !x_hazard && !w_waiting;
  assign asleep = x_valid && x.wfi && !w_valid && !wake && !x_fault;

  // Exceptions. Those of the instruction itself are known early in the cycle; whether an address is aligned is known
  // late, and access faults of loads and stores follow in writeback.
  logic        x_illegal, x_early_exception, x_misaligned, x_exception, x_memory;
  logic [3:0]  x_cause;
  logic [31:0] x_early_trap_value, x_as_fetched;
  always_comb begin
    x_early_exception = 1'b1;
    x_cause = CAUSE_ILLEGAL;
    x_early_trap_value = 32'b0;
    if (x_interrupt) x_cause = interrupt_cause;
    else if (x_fault) begin
      x_cause = CAUSE_FETCH_FAULT;
      x_early_trap_value = {x_pc + {30'b0, x_fault_second_half}, 1'b0};
    end else if (x_illegal) x_early_trap_value = x_as_fetched;
    else if (x.ebreak) begin
      x_cause = CAUSE_BREAKPOINT;
      x_early_trap_value = {x_pc, 1'b0};
    end else if (x.ecall) x_cause = CAUSE_ECALL_MACHINE;
    else begin
      x_early_exception = 1'b0;
      x_cause = x.store ? CAUSE_STORE_MISALIGNED : CAUSE_LOAD_MISALIGNED;
    end
  end
  assign x_illegal = x.illegal || (x.csr && csr_illegal);
  assign x_as_fetched = {x_is_compressed ? 16'b0 : x_raw[31:16], x_raw[15:0]};
  assign x_memory = x.load || x.store;
  assign x_exception = x_early_exception || (x_memory && x_misaligned);

  // Branches and jumps. The fetch address changes in writeback: a cycle more for a taken branch, and the path from
  // the registers through the comparison to the address of the program memory is cut in two.
  logic        x_jump;
  logic [31:1] x_jump_target;
  assign x_execute = x_fire && !x_early_exception;
  assign x_jump_target = x.jalr ? x_address[31:1] : x_target[31:1];
  assign x_jump = x_execute && (x.jal || x.jalr || (x.branch && condition));

  // Memory requests
  logic [31:0] load_value;
  logic [2:0]  w_funct3;
  midge_load_store load_store (
      .address_low(x_address[1:0]),
      .size(x.funct3[1:0]),
      .store_value(operand_2),
      .store_data(data_write_data),
      .byte_lanes(data_byte_lanes),
      .misaligned(x_misaligned),
      .load_address_low(w_result[1:0]),
      .load_funct3(w_funct3),
      .load_data(data_read_data),
      .load_value
  );
  assign data_request = x_execute && x_memory && !x_misaligned;
  assign data_write = x.store;
  assign data_address = x_address[31:2];

  // CSRs
  assign csr_access = x_execute && x.csr;
  assign csr_writes = x.funct3[1:0] == 2'd1 || x_rs1 != 5'd0;
  logic        w_trap, w_mret_done, w_interrupt, w_counts;
  logic [3:0]  w_trap_cause;
  logic [31:1] w_pc, trap_target, return_target;
  midge_csr #(
      .HART_ID(HART_ID)
  ) csr (
      .clock,
      .reset,
      .address(x_raw[31:20]),
      .operation(x.funct3[1:0]),
      .writes(csr_writes),
      .operand(x.funct3[2] ? {27'b0, x_rs1} : operand_1),
      .access(csr_access),
      .read_data(csr_read_data),
      .illegal(csr_illegal),
      .trap(w_trap),
      .trap_interrupt(w_interrupt),
      .trap_cause(w_trap_cause),
      .trap_pc(w_pc),
      .trap_value(w_result),
      .mret(w_mret_done),
      .trap_target,
      .return_target,
      .timer_interrupt,
      .external_interrupt,
      .interrupt_take,
      .interrupt_cause,
      .wake,
      .timer_enabled(timer_wakes),
      .retire(w_commit && w_counts),
      .writes_instret(csr_writes_instret)
  );

  // The value handed to writeback; f_pc is the address after this instruction for as long as it is here.
  logic [31:0] x_result;
  always_comb
    unique case (x.result_source)
      RESULT_IMMEDIATE: x_result = x_immediate;
      RESULT_TARGET: x_result = x_target;
      RESULT_LINK: x_result = {f_pc, 1'b0};
      RESULT_CSR: x_result = csr_read_data;
      RESULT_DIVIDE: x_result = divide_result;
      RESULT_ADDRESS: x_result = x_address;
      default: x_result = alu_result;
    endcase

  // ------------------------------------------------------------------------------------------ writeback
  logic        w_memory, w_load, w_store, w_multiply, w_exception, w_mret, w_jump;
  logic [3:0]  w_cause;
  logic [31:1] w_jump_target;

  always_ff @(posedge clock)
    if (reset) w_valid <= 1'b0;
    else if (!w_waiting) w_valid <= x_fire;

  always_ff @(posedge clock)
    if (!w_waiting) begin
      w_pc <= x_pc;
      w_rd <= (x_fire && x.writes_rd && !x_exception) ? x.rd : 5'd0;
      w_late <= x_fire && !x_exception && (x.load || (x.multiply && x.funct3[1:0] != 2'd0)) && x.rd != 5'd0;
      w_product <= x_fire && x.multiply && x.rd != 5'd0;
      w_result <= x_early_exception ? x_early_trap_value : x_result;
      w_funct3 <= x.funct3;
      w_memory <= x_memory && !x_exception;
      w_load <= x.load;
      w_store <= x.store;
      w_multiply <= x.multiply && !x_exception;
      w_mret <= x.mret && !x_exception;
      w_jump <= x_jump;
      w_jump_target <= x_jump_target;
      w_exception <= x_exception;
      w_interrupt <= x_interrupt;
      w_cause <= x_cause;
      w_counts <= !(x.csr && csr_writes_instret);
    end

  logic w_access_fault;
  assign w_waiting = w_valid && w_memory && !data_response;
  assign w_access_fault = w_memory && data_response && data_error;
  assign w_trap = w_valid && (w_exception || w_access_fault);
  assign w_trap_cause = w_exception ? w_cause : (w_store ? CAUSE_STORE_FAULT : CAUSE_LOAD_FAULT);
  assign w_mret_done = w_valid && w_mret;
  assign w_redirect = w_trap || w_mret_done || (w_valid && w_jump);
  assign w_writes = w_rd != 5'd0;
  assign w_commit = w_valid && !w_waiting && !w_trap;

  assign w_early_value = w_multiply ? multiply_low : w_result;
  assign w_value = w_load ? load_value : (w_multiply && w_funct3[1:0] != 2'd0) ? multiply_high : w_early_value;

  assign w_target = w_trap ? trap_target : w_mret ? return_target : w_jump_target;

  // ----------------------------------------------------------------------------------------------- RVFI
  // Registers of this part feed nothing else; synthesis removes them where the outputs are left open.
  logic        w_first_of_handler;
  logic        w_reads, w_stores;
  logic [31:0] w_instruction, w_store_value, w_mask_bits;
  logic [31:1] w_next_pc;
  logic [3:0]  w_mask;
  always_ff @(posedge clock) begin
    if (!w_waiting) begin
      w_instruction <= x_as_fetched;
      w_next_pc <= f_pc;
      w_store_value <= operand_2;
    end
    if (reset) w_first_of_handler <= 1'b0;
    else if (w_trap && w_interrupt) w_first_of_handler <= 1'b1;
    else if (rvfi_valid) w_first_of_handler <= 1'b0;
  end
  assign w_mask = w_funct3[1] ? 4'b1111 : w_funct3[0] ? 4'b0011 : 4'b0001;
  assign w_mask_bits = {{16{w_mask[2]}}, {8{w_mask[1]}}, 8'hff};
  assign w_reads = w_commit && w_memory && w_load;
  assign w_stores = w_commit && w_memory && w_store;

  assign rvfi_valid = (w_commit || w_trap) && !(w_exception && w_interrupt);
  always_comb begin
    rvfi = '0;
    rvfi.pc_rdata = {w_pc, 1'b0};
    rvfi.pc_wdata = {w_redirect ? w_target : w_next_pc, 1'b0};
    rvfi.insn = w_instruction;
    if (w_commit) begin
      rvfi.rd_addr = {27'b0, w_rd};
      rvfi.rd_wdata = w_writes ? w_value : 32'b0;
    end
    if (w_memory) rvfi.mem_addr = w_result;
    if (w_reads) rvfi.mem_rdata = load_value & w_mask_bits;
    if (w_stores) rvfi.mem_wdata = w_store_value & w_mask_bits;
    rvfi.mem_masks = {20'b0, w_mask & {4{w_stores}}, 4'b0, w_mask & {4{w_reads}}};
    rvfi.flags = {30'b0, w_first_of_handler, w_trap};
    if (w_trap) rvfi.cause = {28'b0, w_trap_cause};
  end
endmodule
