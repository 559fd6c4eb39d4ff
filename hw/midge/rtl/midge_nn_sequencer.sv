// Takes an instruction of Xmidge through execute: one beat after the other, at most one memory access in each.
//
// set, get, ldm and all that requantizes spend a first cycle on the check of their operands and wait until what trails
// behind older instructions has come to rest. Requantizing instructions issue values into a pipeline, and make a beat of
// each result that comes out of it.
module midge_nn_sequencer
  import midge_nn_package::*;
  import midge_nn_types::*;
(
    input  logic          clock,
    // the instruction in execute
    input  logic          go,                // it is one of this unit, may work now, and is not older than a jump or trap
    input  logic          clear,             // it leaves, or is discarded
    input  logic          enable,            // memory is not waited for
    input  logic [2:0]    funct3,
    input  logic [6:0]    funct7,
    input  logic [31:0]   operand_2,
    input  logic [1:0]    operand_1_low,
    input  logic          walk_illegal,      // lda, mac, col, max4, min4
    input  logic          check_illegal,     // the others
    output logic          illegal,
    output logic          started,           // it cannot be given up for an interrupt any more
    output logic          held,              // no beat in this cycle
    output logic          more,              // another beat follows
    output logic          beat,
    output logic          request,
    output logic          write,
    output logic [31:0]   offset,            // of the address from the first operand
    output nn_operation_t operation,
    // registers
    input  shape_t        shape,
    input  window_t       window,
    input  logic [31:0]   pixel_step,
    input  logic [31:0]   output_step,
    // what trails behind
    input  logic          resting,           // nothing does
    input  logic          taps_pending,      // taps are not all started
    input  logic          taps_blocking,     // nor will they be in the next cycle
    input  logic          loading,           // the operation of an earlier beat waits in writeback
    // requantization
    output logic          read,              // get: the element is read
    output logic [7:0]    element,           // accumulator, byte, or entry of a table or register array
    output logic [5:0]    parameter_index,
    output logic          result_valid
);
  localparam int LATENCY = 6;                // of midge_nn_requantize

  logic is_set, is_get, is_ldm, is_lda, is_mac, is_col, is_rqc, is_rqw, is_rqv, is_table, is_add;
  logic is_quantizer, is_checked, is_value;
  assign is_set = funct3 == FUNCT3_SET;
  assign is_get = funct3 == FUNCT3_GET;
  assign is_ldm = funct3 == FUNCT3_LDM;
  assign is_lda = funct3 == FUNCT3_LDA;
  assign is_mac = funct3 == FUNCT3_MAC;
  assign is_col = funct3 == FUNCT3_COL;
  assign is_value = is_col && funct7[2];     // colv, colva
  assign is_quantizer = funct3 == FUNCT3_RQC;
  assign is_rqc = is_quantizer && funct7[2:0] == FUNCT7_RQC[2:0];
  assign is_rqw = is_quantizer && funct7[2:0] == FUNCT7_RQW[2:0];
  assign is_rqv = is_quantizer && funct7[2:0] == FUNCT7_RQV[2:0];
  assign is_table = is_quantizer && (funct7[2:0] == FUNCT7_TABA[2:0] || funct7[2:0] == FUNCT7_TABB[2:0]);
  assign is_add = is_quantizer && (funct7[2:0] == FUNCT7_ADD[2:0] || funct7[2:0] == FUNCT7_SUB[2:0]);
  assign is_checked = is_set || is_get || is_ldm || is_quantizer;

  logic unused_bits;
  assign unused_bits = ^{funct7[6:5], operand_2[31:24], operand_2[15:13], shape.zero_14, shape.shared, shape.width,
      window.zero_18, window.zero_14, window.stride, window.taps, window.zero_5};

  // The check of the operands, and what is kept of them
  logic       checked, refused;
  logic [7:0] index, last_index;
  logic [5:0] first_parameter;
  assign illegal = is_checked ? checked && refused : walk_illegal;

  // Walking: `inner` runs up to its last value, then `outer` goes up by one.
  logic       finished, second_load, issuing, issue;
  logic [5:0] inner, outer, inner_last, outer_last;
  logic [1:0] low, row_low;                 // lowest bits of this row's address: `low` from the second beat on
  logic       any_alignment, misaligned, inner_end, outer_end;
  always_comb begin
    inner_last = 6'd0;
    outer_last = 6'd0;
    unique case (funct3)
      FUNCT3_LDA: begin
        inner_last = 6'(shape.words);
        outer_last = 6'(shape.pixels);
      end
      FUNCT3_MAC: inner_last = shape.channels;
      FUNCT3_COL: outer_last = 6'(window.rows) - 6'd1;
      default:
        unique case (funct7[2:0])
          FUNCT7_RQC[2:0]: begin
            inner_last = 6'(shape.pixels);
            outer_last = shape.channels;
          end
          FUNCT7_RQW[2:0]: begin
            inner_last = 6'(window.lanes);
            outer_last = 6'(last_index);
          end
          FUNCT7_ADD[2:0], FUNCT7_SUB[2:0]: inner_last = shape.channels;
          default: ;
        endcase
    endcase
  end
  // A row at an address that is no multiple of four has a word more. The first operand comes late in the cycle.
  logic at_last, beyond_last;
  assign at_last = inner == inner_last;
  assign beyond_last = inner == inner_last + 6'd1;
  assign any_alignment = is_lda || is_col;
  assign row_low = started ? low : operand_1_low;
  assign misaligned = any_alignment && row_low != 2'd0;
  assign inner_end = misaligned ? beyond_last : at_last;
  assign outer_end = outer == outer_last;

  // Beats
  logic ready, start, rowless, one_word, starts_with_beat, stores, last_beat;
  logic result_inner_end, result_last, issue_last;
  typedef struct packed {
    logic valid;
    logic inner_end;
    logic last;
  } tag_t;
  tag_t issued, looked_up, tags[1:LATENCY];
  assign rowless = is_value || window.rows == 3'd0;
  assign ready = is_checked ? checked && resting : !((is_lda || is_mac) && taps_pending);
  assign starts_with_beat = !(is_get || (is_quantizer && !is_add));
  assign start = go && !illegal && !started && ready;
  assign one_word = is_lda && shape.pixels == 2'd0 && shape.words == 2'd0 && operand_1_low == 2'd0 && !started;
  assign stores = is_rqc || is_rqw || (is_add && started && !second_load);
  always_comb begin
    held = !(ready && starts_with_beat);
    if (started)
      if (is_get) held = inner != 6'd2;
      else if (is_col) held = last_beat && taps_blocking;
      else held = is_quantizer && !second_load && !result_valid;
    if (started && is_table) held = !(result_valid && result_last);
    if (checked && refused) held = 1'b0;
  end
  assign beat = go && !held && !illegal;
  assign more = (is_ldm || is_lda || is_mac || is_col || is_rqc || is_rqw || is_add) && !last_beat && !one_word;
  assign request = is_ldm || ((is_lda || is_mac) && !finished) || (is_col && !finished && !rowless)
      || is_rqc || is_rqw || is_add;
  assign write = stores;

  // Whether the last beat is here decides late in the cycle what is fetched, so it is found out one beat ahead. Only an lda
  // of a single aligned word has no beat before.
  logic [1:0] next_low;
  logic       before_last;
  assign next_low = inner_end ? row_low + pixel_step[1:0] : row_low;
  assign before_last = inner + 6'd1 == inner_last;
  always_ff @(posedge clock)
    if (clear) last_beat <= 1'b0;
    else if (is_quantizer) begin
      if (enable) last_beat <= tags[LATENCY-1].valid && tags[LATENCY-1].last;
    end else if (is_ldm) begin
      if (beat) last_beat <= index + 8'd1 == last_index;
      else if (go && !checked) last_beat <= operand_2[23:16] == 8'd1;
    end else if (beat)
      if (finished || (is_col && rowless)) last_beat <= 1'b1;
      else if (!inner_end) last_beat <= outer_end && (misaligned ? at_last : before_last);
      else
        last_beat <= outer_end
            || (outer + 6'd1 == outer_last && inner_last == 6'd0 && !(any_alignment && next_low != 2'd0));

  logic walks;
  assign issue = (issuing || (start && is_quantizer && !is_add)) && enable && !loading;
  assign issue_last = is_table ? index == 8'd255 : is_rqv || (inner_end && outer_end);
  assign read = is_get && started;
  assign walks = (beat && (is_lda || is_mac || is_col)) || issue || read;

  always_ff @(posedge clock)
    if (clear) begin
      started <= 1'b0;
      checked <= 1'b0;
      finished <= 1'b0;
      second_load <= 1'b0;
      issuing <= 1'b0;
      inner <= 6'd0;
      outer <= 6'd0;
    end else begin
      if (start) started <= 1'b1;
      if (go) checked <= is_checked;
      if (walks)
        if (inner_end && !read) begin
          inner <= 6'd0;
          outer <= outer + 6'd1;
          if (outer_end) finished <= 1'b1;
        end else inner <= inner + 6'd1;
      if (start) second_load <= is_add;
      else if (beat) second_load <= 1'b0;
      if (issue) issuing <= !issue_last;
      else if (second_load && beat) issuing <= 1'b1;
    end

  always_ff @(posedge clock) begin
    if (go && !checked) begin
      refused <= check_illegal;
      index <= is_table ? 8'd0 : operand_2[7:0];
      last_index <= is_rqw ? 8'(operand_2[12:8]) - 8'd1 : operand_2[7:0] + operand_2[23:16] - 8'd1;
      first_parameter <= is_rqw ? operand_2[21:16] : operand_2[5:0];
    end else if ((is_ldm && beat) || (is_table && issue)) index <= index + 8'd1;
    if (beat) low <= next_low;
  end

  // The address. `base` is the row's, the output's or the window's first.
  logic        to_outer, moves;
  logic [31:0] base, step, next_offset;
  always_comb begin
    to_outer = 1'b0;
    step = 32'd4;
    unique case (funct3)
      FUNCT3_LDA, FUNCT3_COL: begin
        to_outer = inner_end;
        step = inner_end ? pixel_step : 32'd4;
      end
      FUNCT3_RQC:
        if (is_rqc) begin
          to_outer = result_inner_end;
          step = result_inner_end ? 32'd1 : output_step;
        end else if (is_rqw) begin
          to_outer = result_inner_end;
          step = result_inner_end ? output_step : 32'd1;
        end else if (is_add && !stores) begin
          to_outer = 1'b1;
          step = second_load ? output_step : pixel_step;
        end else step = 32'd1;
      default: ;
    endcase
  end
  assign next_offset = (to_outer ? base : offset) + step;
  assign moves = beat || (is_table && started && result_valid);

  always_ff @(posedge clock)
    if (clear) begin
      offset <= 32'd0;
      base <= 32'd0;
    end else if (moves) begin
      offset <= next_offset;
      if (to_outer && !is_add) base <= next_offset;
    end

  // What the beat does in writeback
  always_comb begin
    operation = '0;
    operation.access = request && !write;
    operation.row = is_col ? window.first + outer[1:0] : outer[1:0];
    operation.word = inner[1:0] - 2'(misaligned);
    operation.low = row_low;
    operation.activation = is_lda && !finished && !(misaligned && inner == 6'd0);
    operation.column = is_col && !finished && !rowless && !(misaligned && inner == 6'd0);
    operation.fill = is_value;
    operation.complete = is_col && last_beat;
    operation.advance = funct7[3];
    operation.group = funct7[1:0];
    operation.mac = is_mac && !finished;
    operation.first = funct7[0];
    operation.weights = operation.mac || (is_add && !started);
    operation.array = (is_set && funct7[4]) || is_ldm;
    operation.code = funct7[2:0];
    operation.index = is_mac ? {2'b0, inner} : index;
  end

  // What the values that are issued are made of
  always_comb begin
    element = index;
    if (is_rqc) element = shape.vector_mode ? {2'b0, outer} : {2'b0, inner[1:0], outer[3:0]};
    if (is_rqw) element = {2'b0, inner[1:0], index[3:0] + outer[3:0]};
    if (is_add) element = {2'b0, inner};
    parameter_index = first_parameter;
    if (is_rqc) parameter_index = first_parameter + outer;
    if (is_rqw) parameter_index = first_parameter + inner;
    if (is_get) parameter_index = index[5:0];
  end

  // Tags of the values on their way. add's enter a cycle earlier, with the addresses of the tables.
  assign issued = '{valid: issue, inner_end: inner_end, last: issue_last};
  always_ff @(posedge clock)
    if (clear) begin
      looked_up <= '0;
      for (int i = 1; i <= LATENCY; i++) tags[i] <= '0;
    end else if (enable) begin
      looked_up <= issued;
      tags[1] <= is_add ? looked_up : issued;
      for (int i = 2; i <= LATENCY; i++) tags[i] <= tags[i-1];
    end
  assign result_valid = tags[LATENCY].valid;
  assign result_inner_end = tags[LATENCY].inner_end;
  assign result_last = tags[LATENCY].last;
endmodule
