// Xmidge in the core: the unit midge_nn, the hardware loop, and what writeback keeps of them. Without NN nothing of it is
// there and every output is zero, but for those that hand on what the core has.
module midge_extension
  import midge_package::*;
  import midge_nn_types::*;
#(
    parameter bit NN = 0
) (
    input  logic        clock,
    input  logic        reset,
    // fetch
    input  fetch_progress_t f_progress,
    output fetch_loop_t f_loop,
    // execute
    input  logic        x_go,               // an instruction of midge_nn may work
    input  logic        x_valid,
    input  logic        x_fire,
    input  logic        x_begins_loop,
    input  logic        x_is_nn,            // an instruction of midge_nn is there
    input  logic        x_early_exception,
    input  logic [31:7] x_instruction,
    input  logic [31:1] x_pc,
    input  logic [31:0] x_target,           // x_pc + immediate
    input  logic [31:0] x_operand_1,
    input  logic [31:0] x_operand_2,
    input  logic [31:0] x_address,
    output nn_beat_t    x_nn,
    output logic        x_sets_loop,        // the program goes on anew at x_loop_target
    output logic [31:1] x_loop_target,
    output logic [31:1] x_link,             // address after the instruction
    // writeback
    input  logic        w_waiting,
    input  logic        w_valid,
    input  logic        w_trap,
    input  logic        w_redirect,
    input  logic [31:0] w_result,
    input  logic [31:0] w_read_data,
    output logic [31:0] w_trap_value
);
  if (NN) begin : g_nn
    logic [31:0] loop_count, w_address;
    logic [31:2] loop_start, loop_end;
    logic        request_back, take_back;
    assign f_loop = {request_back, take_back, loop_start};

    logic        x_takes_back, w_takes_back, w_early_exception, any_alignment;
    logic [2:0]  loop_sets;

    midge_nn nn (
        .clock,
        .reset,
        .go(x_go),
        .clear(x_fire || w_redirect),
        .instruction(x_instruction),
        .operand_1(x_operand_1),
        .operand_2(x_operand_2),
        .x(x_nn),
        .any_alignment,
        .loop_sets,
        .loop_count,
        .loop_start,
        .loop_end,
        .w_waiting,
        .w_trap,
        .w_value(w_result),
        .w_read_data
    );

    midge_loop loop (
        .clock,
        .reset,
        .begins(x_begins_loop),
        .sets(loop_sets),
        .operand(x_operand_1),
        .pc(x_pc),
        .pc_and_body(x_target[31:2]),
        .target(x_loop_target),
        .count(loop_count),
        .start(loop_start),
        .body_end(loop_end),
        .redirect(w_redirect),
        .asked(f_progress.asked),
        .asked_for(f_progress.asked_for),
        .request_back,
        .offered_word(f_progress.pc[31:2]),
        .take_back,
        .x_takes_back(x_valid && x_takes_back),
        .w_takes_back(w_valid && w_takes_back),
        .finished(w_valid && w_takes_back && !w_waiting && !w_redirect)
    );

    assign x_sets_loop = loop_sets != 3'd0;

    // The fetch stage's pc is the address after the instruction in execute, unless the start of the loop follows it.
    assign x_link = x_takes_back ? {loop_end, 1'b0} : f_progress.pc;
    // The address of an access: w_result may be the pointer that comes back.
    assign w_trap_value = w_early_exception ? w_result : w_address;

    always_ff @(posedge clock) begin
      if (f_progress.taken) x_takes_back <= take_back && f_progress.pc[1] == f_progress.is_compressed;
      if (!w_waiting) begin
        w_takes_back <= x_takes_back && x_fire;
        w_early_exception <= x_early_exception;
        w_address <= {x_address[31:2], x_is_nn && any_alignment ? 2'b00 : x_address[1:0]};
      end
    end
    logic unused_bits;
    assign unused_bits = ^x_target[1:0];
  end else begin : g_none
    assign x_nn = '0;
    assign x_sets_loop = 1'b0;
    assign {f_loop, x_loop_target} = '0;
    assign x_link = f_progress.pc;
    assign w_trap_value = w_result;
    logic unused_inputs;
    assign unused_inputs = ^{clock, reset, f_progress, x_go, x_valid, x_fire, x_begins_loop,
        x_is_nn, x_early_exception, x_instruction, x_pc, x_target, x_operand_1, x_operand_2, x_address, w_waiting, w_valid, w_trap,
        w_redirect, w_read_data};
  end
endmodule
