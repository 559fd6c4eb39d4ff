// Midge: RV32IMC, machine mode, in order, three stages.
//
//   fetch      cuts instructions out of words fetched ahead                              (midge_fetch)
//   execute    decodes, reads registers, computes, jumps, sends memory requests          (x_...)
//   writeback  receives load data, adds up products, writes rd, takes traps              (w_...)
//
// The writeback result is forwarded to the execute stage, except for load data and the high word of a product, which come
// too late in the cycle: an instruction that uses those right away waits one cycle. So does one that uses the low word of a
// product for an address, a branch, a shift or a logic operation. Traps are taken in writeback, where everything older has
// finished and the one younger instruction, in execute, has had no effect yet.
//
// Data port: data_request for one cycle sends address, lanes and data; the port always takes it. data_response comes one or
// more cycles later; the next request comes in that cycle or after it. data_access is known sooner: a request, if aligned.
module midge_core
  import midge_package::*;
#(
    parameter logic [31:0] RESET_ADDRESS = 32'h0,
    parameter logic [31:0] HART_ID = 32'd0,
    parameter bit          NN = 0            // with Xmidge
) (
    input  logic        clock,
    input  logic        reset,
    // fetch port (see midge_fetch)
    output logic        fetch_request,
    output logic [31:2] fetch_address,
    input  logic        fetch_ready,
    input  logic        fetch_response,
    input  logic        fetch_late,
    input  logic [31:0] fetch_data,
    input  logic [31:0] fetch_early_data,
    input  logic        fetch_error,
    // data port
    output logic        data_access,
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
  logic        f_valid;
  fetched_t    f;
  logic        x_ready, x_execute, w_redirect;
  logic [31:1] w_target;
  fetch_progress_t f_progress; fetch_loop_t f_loop;

  midge_fetch #(
      .RESET_ADDRESS(RESET_ADDRESS), .NN(NN)
  ) fetch (
      .clock,
      .reset,
      .fetch_request,
      .fetch_address,
      .fetch_ready,
      .fetch_response,
      .fetch_late,
      .fetch_data,
      .fetch_early_data,
      .fetch_error,
      .redirect(w_redirect),
      .redirect_target(w_target),
      .take(x_ready),
      .loop(f_loop),
      .progress(f_progress),
      .valid(f_valid),
      .fetched(f)
  );

  // -------------------------------------------------------------------------------------------- execute
  logic        x_valid, x_is_compressed, x_fault, x_fault_second_half, x_beat, x_fire;
  logic [31:1] x_pc;
  logic [31:0] x_raw, x_immediate, x_immediate_32, x_immediate_16;
  logic [4:0]  x_rs1, x_rs2;
  decoded_t    x;

  // x_beat: something goes to writeback at the end of this cycle; x_fire: and the instruction leaves.
  assign x_ready = x_fire || !x_valid;

  always_ff @(posedge clock)
    if (reset || w_redirect) x_valid <= 1'b0;
    else if (x_ready) x_valid <= f_valid;

  // Only the lowest bits of the register numbers have a reset: with all alike, Yosys makes them part of the register file
  // and puts a choice between old and new behind x_ready, which is late.
  always_ff @(posedge clock) begin
    if (x_ready) {x_pc, x_raw, x_immediate_32, x_immediate_16, x_rs1, x_rs2, x_is_compressed, x_fault, x_fault_second_half} <= f;
    if (reset) {x_rs1[0], x_rs2[0]} <= '0;
  end
  assign x_immediate = x_immediate_32 | x_immediate_16;

  midge_decode #(.NN(NN)) decode (
      .raw(x_raw),
      .is_compressed(x_is_compressed),
      .decoded(x)
  );

  // Operands, with the result in writeback forwarded
  logic        w_valid, w_commit, w_late, w_product;
  logic [4:0]  w_rd;          // 0: nothing is written
  logic [31:0] w_early_value, w_value;
  logic [31:0] register_1, register_2, operand_1, operand_2, early_operand_1, early_operand_2, w_result;
  logic        match_1, match_2;

  midge_register_file register_file (
      .clock,
      .write(w_commit && w_rd != 5'd0),
      .write_register(w_rd),
      .write_data(w_value),
      .read_register_1(x_rs1),
      .read_data_1(register_1),
      .read_register_2(x_rs2),
      .read_data_2(register_2)
  );
  assign {match_1, match_2} = {w_rd == x_rs1, w_rd == x_rs2};
  assign operand_1 = x_rs1 == 5'd0 ? 32'b0 : match_1 ? w_early_value : register_1;
  assign operand_2 = x_rs2 == 5'd0 ? 32'b0 : match_2 ? w_early_value : register_2;
  // The same without products, which come too late for addresses, branches, shifts and logic.
  assign early_operand_1 = x_rs1 == 5'd0 ? 32'b0 : match_1 ? w_result : register_1;
  assign early_operand_2 = x_rs2 == 5'd0 ? 32'b0 : match_2 ? w_result : register_2;

  // Units
  logic [31:0] alu_result, x_address, x_target, divide_result, csr_read_data;
  logic        condition, divide_start, divide_done, csr_illegal, csr_access, csr_writes, csr_writes_instret;
  logic [31:0] multiply_low, multiply_high, x_addend;
  midge_nn_types::nn_beat_t x_nn;

  midge_alu alu (
      .operand_1,
      .operand_2(x.operand_immediate ? x_addend : operand_2),
      .early_operand_1,
      .early_operand_2(x.operand_immediate ? x_addend : early_operand_2),
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
  assign x_address = early_operand_1 + (x.nn ? x_nn.offset : x_immediate);
  assign x_addend = x.nn ? x_nn.step : x_immediate;
  assign x_target = {x_pc, 1'b0} + x_immediate;

  // Products and quotients, like CSRs below, are instructions of 32 bits only: funct3 is needed early, so undecoded.
  midge_multiply multiply (
      .clock,
      .operand_1,
      .operand_2,
      .funct3(x_raw[13:12]),
      .low(multiply_low),
      .high(multiply_high)
  );
  midge_divide divide (
      .clock,
      .reset,
      .start(divide_start),
      .operand_1,
      .operand_2,
      .funct3(x_raw[13:12]),
      .done(divide_done),
      .result(divide_result)
  );

  // Whether it can go on
  logic w_waiting, interrupt_take, wake, x_interrupt, x_hazard, x_wait, x_free, x_nn_go;
  logic [3:0] interrupt_cause;
  assign x_hazard = (match_1 && x.uses_rs1 && (w_late || (w_product && !x.takes_product_1)))
      || (match_2 && x.uses_rs2 && (w_late || (w_product && !x.takes_product_2)));
  // CSR instructions and wfi wait until they are alone.
  assign x_wait = x_hazard || w_waiting || ((x.csr || x.wfi) && w_valid)
      || (x.divide && !x_fault && !divide_done) || (x.wfi && !x_fault && !wake) || (x.nn && !x_fault && x_nn.held);
  // A wfi that is asleep completes first; the instruction after it is interrupted.
  assign x_interrupt = interrupt_take && !x.wfi && !x_nn.started;
  assign x_beat = x_valid && !w_redirect && (x_interrupt ? !w_waiting : !x_wait);
  assign x_fire = x_beat && !(x.nn && x_nn.more);
  // Accesses, divisions and Xmidge go by less, known earlier. Xmidge waits for every late result of its operands.
  assign x_free = x_valid && !x_fault && !w_redirect && !x_interrupt && !w_waiting;
  assign x_nn_go = x_free && x.nn && !((match_1 || match_2) && (w_late || w_product));
  assign divide_start = x_free && x.divide && !x_hazard;
  assign asleep = x_valid && x.wfi && !w_valid && !wake && !x_fault;

  // Exceptions
  logic        x_illegal, x_early_exception, x_misaligned, x_exception, x_memory, x_stores;
  logic [3:0]  x_cause;
  logic [31:0] x_early_trap_value, x_as_fetched;
  midge_exception exceptions (
      .interrupt(x_interrupt),
      .interrupt_cause,
      .fault(x_fault),
      .fault_second_half(x_fault_second_half),
      .illegal(x_illegal),
      .decoded(x),
      .pc(x_pc),
      .as_fetched(x_as_fetched),
      .exception(x_early_exception),
      .cause(x_cause),
      .trap_value(x_early_trap_value)
  );
  assign x_illegal = x.illegal || (x.csr && csr_illegal) || (x.nn && x_nn.illegal) || (x.loop && x_pc[1]);
  assign x_as_fetched = {x_is_compressed ? 16'b0 : x_raw[31:16], x_raw[15:0]};
  assign x_memory = x.load || x.store || (x.nn && x_nn.request);
  assign x_exception = x_early_exception || (x_memory && x_misaligned);

  // Branches and jumps. The fetch address changes in writeback: a cycle more for a taken branch, and the path from
  // the registers through the comparison to the address of the program memory is cut in two.
  logic [31:1] x_jump_target, x_loop_target, x_link;
  logic        x_jump, x_sets_loop;
  assign x_execute = x_beat && !x_early_exception;
  assign x_jump_target = x.jalr ? x_address[31:1] : x.loop || x.nn ? x_loop_target : x_target[31:1];
  assign x_jump = x_execute && (x.jal || x.jalr || (x.branch && condition) || x.loop || x_sets_loop);

  // Memory requests
  logic        x_size_misaligned;
  logic [31:0] load_value;
  midge_load_store load_store (
      .clock,
      .enable(!w_waiting),
      .load(x.load),
      .address_low(x_address[1:0]),
      .funct3(x.funct3),
      .store_value({operand_2[31:8], x.nn ? x_nn.store_byte : operand_2[7:0]}),
      .store_data(data_write_data),
      .byte_lanes(data_byte_lanes),
      .misaligned(x_size_misaligned),
      .load_data(data_read_data),
      .load_value
  );
  assign x_misaligned = x_size_misaligned || (x.nn && x_nn.aligned && x_address[1:0] != 2'b00);
  assign x_stores = x.store || (x.nn && x_nn.write);
  // Without the waits and exceptions that accesses do not have: a shorter path to the memories.
  assign data_access = x_nn_go ? x_nn.request && !x_nn.held && !x_nn.illegal
      : x_free && (x.load || x.store) && !x_hazard && !x.illegal;
  assign data_request = data_access && !x_misaligned;
  assign {data_write, data_address} = {x_stores, x_address[31:2]};

  // Xmidge. The ALU computes the pointers that come back.
  logic        w_trap, w_access_fault;
  logic [31:0] w_trap_value;
  midge_extension #(.NN(NN)) extension (
      .clock,
      .reset,
      .f_progress,
      .f_loop,
      .x_go(x_nn_go),
      .x_valid,
      .x_fire,
      .x_begins_loop(x_free && x.loop && !x_pc[1] && !(match_1 && (w_late || w_product))),
      .x_is_nn(x.nn),
      .x_early_exception,
      .x_instruction(x_raw[31:7]),
      .x_pc,
      .x_target,
      .x_operand_1(early_operand_1),
      .x_operand_2(early_operand_2),
      .x_address,
      .x_nn,
      .x_sets_loop,
      .x_loop_target,
      .x_link,
      .w_waiting,
      .w_valid,
      .w_trap,
      .w_redirect,
      .w_result,
      .w_read_data(data_read_data),
      .w_trap_value
  );

  // CSRs
  assign csr_access = x_valid && !w_valid && x.csr && !x_interrupt && !x_fault && !csr_illegal;
  assign csr_writes = x_raw[13:12] == 2'd1 || x_rs1 != 5'd0;
  logic        w_mret_done, w_interrupt, w_counts;
  logic [3:0]  w_trap_cause;
  logic [31:1] w_pc, trap_target, return_target;
  midge_csr #(.HART_ID(HART_ID)) csr (
      .clock,
      .reset,
      .address(x_raw[31:20]),
      .operation(x_raw[13:12]),
      .writes(csr_writes),
      .operand(x_raw[14] ? {27'b0, x_rs1} : operand_1),
      .access(csr_access),
      .read_data(csr_read_data),
      .illegal(csr_illegal),
      .trap(w_trap),
      .trap_interrupt(w_interrupt),
      .trap_cause(w_trap_cause),
      .trap_pc(w_pc),
      .trap_value(w_trap_value),
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

  // The value handed to writeback
  logic [31:0] x_result;
  always_comb
    unique case (x.result_source)
      RESULT_IMMEDIATE: x_result = x_immediate;
      RESULT_TARGET: x_result = x_target;
      RESULT_LINK: x_result = {x_link, 1'b0};
      RESULT_CSR: x_result = csr_read_data;
      RESULT_DIVIDE: x_result = divide_result;
      RESULT_ADDRESS: x_result = x_address;
      RESULT_NN: x_result = x_nn.result;
      default: x_result = alu_result;
    endcase

  // ------------------------------------------------------------------------------------------ writeback
  logic [1:0]  w_funct3;
  logic        w_memory, w_load, w_store, w_multiply, w_exception, w_mret, w_jump, w_nn, w_last;
  logic [3:0]  w_cause;
  logic [31:1] w_jump_target;

  always_ff @(posedge clock)
    if (reset) w_valid <= 1'b0;
    else if (!w_waiting) w_valid <= x_beat;

  always_ff @(posedge clock)
    if (!w_waiting) begin
      w_pc <= x_pc;
      w_rd <= (x_fire && x.writes_rd && !x_exception) ? x.rd : 5'd0;
      w_late <= x_fire && !x_exception && (x.load || (x.multiply && x.funct3[1:0] != 2'd0)) && x.rd != 5'd0;
      w_product <= x_fire && x.multiply && x.rd != 5'd0;
      w_result <= x_early_exception ? x_early_trap_value : x_result;
      w_funct3 <= x.funct3[1:0];
      w_memory <= x_memory && !x_exception;
      {w_load, w_store, w_nn} <= {x.load, x_stores, x.nn};
      w_last <= x_fire || !NN;
      w_multiply <= x.multiply && !x_exception;
      w_mret <= x.mret && !x_exception;
      {w_jump, w_jump_target} <= {x_jump, x_jump_target};
      w_exception <= x_exception;
      {w_interrupt, w_cause} <= {x_interrupt, x_cause};
      w_counts <= !(x.csr && csr_writes_instret);
    end

  assign w_waiting = w_valid && w_memory && !data_response;
  assign w_access_fault = w_memory && data_response && data_error;
  assign w_trap = w_valid && (w_exception || w_access_fault);
  assign w_trap_cause = w_exception ? w_cause : (w_store ? CAUSE_STORE_FAULT : CAUSE_LOAD_FAULT);
  assign w_mret_done = w_valid && w_mret;
  assign w_redirect = w_trap || w_mret_done || (w_valid && w_jump);
  assign w_commit = w_valid && w_last && !w_waiting && !w_trap;

  assign w_early_value = w_multiply ? multiply_low : w_result;
  assign w_value = load_value | (w_load ? 32'b0 : w_multiply && w_funct3 != 2'd0 ? multiply_high : w_early_value);

  assign w_target = w_trap ? trap_target : w_mret ? return_target : w_jump_target;

  // ----------------------------------------------------------------------------------------------- RVFI
  midge_rvfi formal_interface (
      .clock,
      .reset,
      .x_as_fetched,
      .x_operand_2(operand_2),
      .x_next_pc(f.pc),
      .w_waiting,
      .w_commit,
      .w_trap,
      .w_exception,
      .w_interrupt,
      .w_trap_cause,
      .w_pc,
      .w_redirect,
      .w_target,
      .w_rd,
      .w_value,
      .w_access(w_memory && !w_nn),
      .w_address(w_result),
      .w_load,
      .w_store,
      .w_size(w_funct3),
      .w_load_value(load_value),
      .valid(rvfi_valid),
      .record(rvfi)
  );
endmodule
