// Fetch stage: keeps up to three words fetched ahead, cuts instructions of 16 or 32 bits out of them, and
// hands one per cycle to the execute stage.
//
// Memory port: a request (fetch_request with the word address fetch_address) is taken in a cycle with fetch_ready.
// Its answer is fetch_response for one cycle, no earlier than the next cycle. A new request may be taken in
// the cycle of an answer; there is never more than one unanswered otherwise. The word is fetch_data, which may come late in
// the cycle, with fetch_late, otherwise fetch_early_data, which comes from registers.
module midge_fetch
  import midge_package::*;
#(
    parameter logic [31:0] RESET_ADDRESS = 32'h0,
    parameter bit          NN = 0          // with the hardware loop
) (
    input  logic        clock,
    input  logic        reset,
    // memory
    output logic        fetch_request,
    output logic [31:2] fetch_address,
    input  logic        fetch_ready,
    input  logic        fetch_response,
    input  logic        fetch_late,
    input  logic [31:0] fetch_data,
    input  logic [31:0] fetch_early_data,
    input  logic        fetch_error,
    // execute stage
    input  logic        redirect,          // discard everything and go on at redirect_target
    input  logic [31:1] redirect_target,
    input  logic        take,              // the instruction offered is taken, if there is one
    // hardware loop (midge_loop)
    input  fetch_loop_t loop,
    output fetch_progress_t progress,
    output logic        valid,
    output fetched_t    fetched            // pc: the address after the instruction in execute, if none is offered
);
  // Words waiting, oldest first. Three let the fetch port run at full rate although a request is made
  // without knowing yet what is consumed in the same cycle.
  localparam int DEPTH = 3;
  logic [32:0] word_0, word_1, word_2;      // error bit and 32 bits of code
  logic [1:0]  count;
  logic        unanswered, discard;         // discard: the answer to come is from before a redirect
  logic [31:2] last_address;                // asked for in the last cycle, and whether it was taken
  logic        last_accepted;

  logic [31:1] pc;
  logic [31:0] raw, immediate_32, immediate_16;
  logic [4:0]  rs1, rs2;
  logic        is_compressed, fault, fault_second_half, taken;
  assign fetched = {pc, raw, immediate_32, immediate_16, rs1, rs2, is_compressed, fault, fault_second_half};

  // Requests
  logic arrives, has_room, accepted;
  assign arrives = fetch_response && !discard;
  assign has_room = 3'(count) + 3'(unanswered) < 3'(DEPTH);
  assign fetch_request = (redirect || has_room) && (!unanswered || fetch_response) && !reset;
  assign fetch_address = redirect ? redirect_target[31:2]
      : loop.request_back ? loop.start : last_address + {29'b0, last_accepted};
  assign progress = {last_accepted, last_address, taken, pc, is_compressed};
  assign accepted = fetch_request && fetch_ready;

  always_ff @(posedge clock)
    if (reset) begin
      last_address <= RESET_ADDRESS[31:2];
      last_accepted <= 1'b0;
      unanswered <= 1'b0;
      discard <= 1'b0;
    end else begin
      last_address <= fetch_address;
      last_accepted <= accepted;
      unanswered <= accepted || (unanswered && !fetch_response);
      discard <= !accepted && unanswered && !fetch_response && (redirect || discard);
    end

  // The instruction at pc, from the two oldest words; straight from memory where the queue is that short. Which
  // half comes from where is known from registers, so a word that arrives late passes one choice only.
  logic [32:0] arriving;
  logic        head_valid, second_valid, head_error, second_error;
  logic        low_from_low, low_from_high, high_from_low, high_from_high;  // half of raw from half of arriving
  logic [15:0] queued_low, queued_high, early_low, early_high;
  assign arriving = {fetch_error, fetch_late ? fetch_data : fetch_early_data};
  assign head_valid = count != 2'd0 || arrives;
  assign second_valid = count[1] || (count != 2'd0 && arrives);
  assign head_error = count != 2'd0 ? word_0[32] : fetch_error;
  assign second_error = count[1] ? word_1[32] : fetch_error;

  assign low_from_low = count == 2'd0 && !pc[1];
  assign low_from_high = count == 2'd0 && pc[1];
  assign high_from_low = !count[1] && pc[1];
  assign high_from_high = count == 2'd0 && !pc[1];
  assign queued_low = pc[1] ? word_0[31:16] : word_0[15:0];
  assign queued_high = pc[1] ? word_1[15:0] : word_0[31:16];
  assign early_low = low_from_low ? fetch_early_data[15:0] : low_from_high ? fetch_early_data[31:16] : queued_low;
  assign early_high = high_from_high ? fetch_early_data[31:16] : high_from_low ? fetch_early_data[15:0] : queued_high;
  midge_late_choice #(
      .WIDTH(16)
  ) low_choice (
      .late(fetch_late && (low_from_low || low_from_high)),
      .first(low_from_low),
      .late_1(fetch_data[15:0]),
      .late_0(fetch_data[31:16]),
      .early(early_low),
      .value(raw[15:0])
  );
  midge_late_choice #(
      .WIDTH(16)
  ) high_choice (
      .late(fetch_late && (high_from_low || high_from_high)),
      .first(high_from_low),
      .late_1(fetch_data[15:0]),
      .late_0(fetch_data[31:16]),
      .early(early_high),
      .value(raw[31:16])
  );

  logic straddles;
  assign is_compressed = raw[1:0] != 2'b11;
  assign straddles = pc[1] && !is_compressed;
  assign valid = head_valid && (!straddles || second_valid);
  assign fault_second_half = straddles && !head_error && second_error;
  assign fault = head_error || fault_second_half;

  midge_sources sources (
      .raw(raw[24:0]),
      .rs1,
      .rs2
  );
  midge_immediate immediate_generator (
      .raw,
      .immediate_32,
      .immediate_16
  );

  // The address after the instruction. The loop's choice is made before is_compressed is known, which comes late.
  logic [31:1] next_pc;
  if (NN) begin : g_loop
    logic [31:2] next_word, word_after;
    assign next_word = pc[31:2] + 30'd1;
    assign word_after = loop.take_back ? loop.start : next_word;
    assign next_pc = is_compressed ? {pc[1] ? word_after : pc[31:2], !pc[1]} : {pc[1] ? next_word : word_after, pc[1]};
  end else begin : g_no_loop
    assign next_pc = pc + (is_compressed ? 31'd1 : 31'd2);
    logic unused_take_back;
    assign unused_take_back = loop.take_back;
  end

  // The queue
  logic pop;
  logic [1:0] count_kept;
  assign taken = valid && take;
  assign pop = taken && (pc[1] || !is_compressed);
  assign count_kept = count + {1'b0, arrives} - {1'b0, pop};

  always_ff @(posedge clock)
    if (reset) begin
      pc <= RESET_ADDRESS[31:1];
      count <= 2'd0;
    end else if (redirect) begin
      pc <= redirect_target;
      count <= 2'd0;
    end else begin
      if (taken) pc <= next_pc;
      count <= count_kept;
    end

  always_ff @(posedge clock) begin
    word_0 <= pop ? (count[1] ? word_1 : arriving) : (count != 2'd0 ? word_0 : arriving);
    word_1 <= pop ? (count == 2'd3 ? word_2 : arriving) : (count[1] ? word_1 : arriving);
    word_2 <= count == 2'd3 ? word_2 : arriving;
  end
endmodule
