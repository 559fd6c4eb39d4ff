// Xmidge, the neural-network extension: hidden registers, and the units that work on them (docs/xmidge.md).
//
//   execute     beats, addresses, checks           midge_nn_sequencer, midge_nn_check, midge_nn_registers, midge_nn_lanes
//   writeback   data from memory to the registers  midge_nn_activations
//   behind it   taps, dot products, accumulators   midge_nn_taps, midge_nn_accumulate
//               requantization, byte by byte       midge_nn_scale
//
// A beat hands an operation to writeback. What trails behind it needs no memory and is never held up; where an
// instruction depends on it in another way than its own pipeline provides for, the sequencer waits.
module midge_nn
  import midge_nn_package::*;
  import midge_nn_types::*;
(
    input  logic        clock,
    input  logic        reset,
    // execute
    input  logic        go,                 // the instruction is of this unit, may work now, and follows no jump or trap
    input  logic        clear,              // it leaves, or is discarded
    input  logic [31:7] instruction,
    input  logic [31:0] operand_1,
    input  logic [31:0] operand_2,
    output nn_beat_t    x,
    output logic        any_alignment,      // the lowest bits of the address do not count
    output logic [2:0]  loop_sets,          // count, start, end of the hardware loop become operand_1
    // registers of the hardware loop
    input  logic [31:0] loop_count,
    input  logic [31:2] loop_start,
    input  logic [31:2] loop_end,
    // writeback
    input  logic        w_waiting,          // memory has not answered yet
    input  logic        w_trap,
    input  logic [31:0] w_value,            // operand_1 of a beat that has no rd and no access
    input  logic [31:0] w_read_data
);
  // Execute
  logic [2:0] funct3;
  logic [6:0] funct7;
  logic       walk_illegal, check_illegal, value_illegal;
  logic       beat, resting, taps_pending, taps_blocking, loading, read, result_valid;
  logic       is_set, is_add;
  logic       illegal, started, held, more, request, write, aligned;
  logic [7:0] store_byte;
  logic [31:0] offset, step, result;
  logic [7:0] element;
  logic [5:0] parameter_index;
  nn_operation_t operation, w_operation;
  shape_t     shape;
  output_t    output_form;
  window_t    window;
  position_t  position;
  logic [31:0] pixel_step, column_step, output_step, register_value;
  logic       w_done, advance;
  assign funct3 = instruction[14:12];
  assign funct7 = instruction[31:25];
  assign is_set = funct3 == FUNCT3_SET;
  assign is_add = funct3 == FUNCT3_ADD && (funct7[2:0] == FUNCT7_ADD[2:0] || funct7[2:0] == FUNCT7_SUB[2:0]);

  midge_nn_check check (
      .instruction,
      .shape,
      .window,
      .operand_1,
      .operand_2,
      .value_illegal,
      .walk_illegal,
      .check_illegal
  );
  midge_nn_registers registers (
      .clock,
      .reset,
      .code(funct7),
      .write(beat && is_set),
      .value(operand_1),
      .value_illegal,
      .read_value(register_value),
      .loop_count,
      .loop_start,
      .loop_end,
      .advance,
      .shape,
      .output_form,
      .window,
      .position,
      .pixel_step,
      .column_step,
      .output_step
  );
  midge_nn_sequencer sequencer (
      .clock,
      .go,
      .clear(clear || reset),
      .enable(!w_waiting),
      .funct3,
      .funct7,
      .operand_2,
      .operand_1_low(operand_1[1:0]),
      .walk_illegal,
      .check_illegal,
      .illegal,
      .started,
      .held,
      .more,
      .beat,
      .request,
      .write,
      .offset,
      .operation,
      .shape,
      .window,
      .pixel_step,
      .output_step,
      .resting,
      .taps_pending,
      .taps_blocking,
      .loading,
      .read,
      .element,
      .parameter_index,
      .result_valid
  );
  assign any_alignment = funct3 == FUNCT3_LDA || funct3 == FUNCT3_COL;
  assign aligned = funct3 == FUNCT3_LDM || funct3 == FUNCT3_MAC || (is_add && !write);
  always_comb begin
    loop_sets = 3'b0;
    if (beat && is_set && funct7[4:3] == 2'd1) loop_sets = 3'b001 << funct7[1:0];
  end

  always_comb
    unique case (funct3)
      FUNCT3_LDM: step = {14'b0, operand_2[31:16], 2'b0};
      FUNCT3_LDA: step = 32'(shape.words) * 4 + 4;
      FUNCT3_MAC: step = 32'(shape.channels) * 4 + 4;
      FUNCT3_COL: step = funct7[2] ? 32'd0 : column_step;
      FUNCT3_ADD: step = 32'd4;
      default: step = 32'd0;
    endcase

  // Writeback: the operation of the beat that is there
  logic w_valid;
  logic [31:0] w_data;
  always_ff @(posedge clock)
    if (reset) w_valid <= 1'b0;
    else if (!w_waiting) w_valid <= beat;
  always_ff @(posedge clock) if (!w_waiting) w_operation <= operation;
  assign w_done = w_valid && !w_waiting && !w_trap;
  assign w_data = w_operation.access ? w_read_data : w_value;
  assign advance = w_done && w_operation.complete && w_operation.advance;
  assign loading = w_valid && w_operation.access;

  logic [7:0] w_writes;     // by code - 16
  assign w_writes = 8'(w_done && w_operation.array) << w_operation.code;

  logic [127:0] activations[4];
  logic [31:0]  column[4];
  logic [31:0]  hold;
  logic         transfer;
  midge_nn_activations activation_registers (
      .clock,
      .done(w_done),
      .operation(w_operation),
      .read_data(w_read_data),
      .data(w_data),
      .write_column(w_writes[1]),
      .transfer,
      .width(shape.width),
      .vector_mode(shape.vector_mode),
      .activations,
      .column,
      .hold
  );

  // Behind it
  logic        tap, tap_first, accumulating;
  logic [3:0]  tap_address, tap_slot;
  logic [31:0] accumulator, tap_weights, weights;
  midge_nn_taps taps (
      .clock,
      .reset,
      .start(w_done && w_operation.complete),
      .group(w_operation.group),
      .window,
      .position,
      .transfer,
      .active(tap),
      .weight_address(tap_address),
      .slot(tap_slot),
      .first(tap_first),
      .blocking(taps_blocking)
  );
  assign taps_pending = (w_valid && w_operation.complete) || transfer || tap;
  assign resting = !w_valid && !transfer && !tap && !accumulating;

  midge_nn_accumulate accumulate (
      .clock,
      .reset,
      .load(w_done && w_operation.weights),
      .mac(w_done && w_operation.mac),
      .tap,
      .load_data(w_read_data),
      .tap_address,
      .channel(tap ? tap_slot : w_operation.index[3:0]),
      .units(tap || !shape.vector_mode ? 4'b1111 : 4'b0001 << w_operation.index[5:4]),
      .first(tap ? tap_first : w_operation.first),
      .width(tap ? 2'd0 : shape.width),
      .activations,
      .busy(accumulating),
      .weights,
      .write_accumulator(w_writes[0]),
      .write_tap(w_writes[2]),
      .write_element(w_operation.index[5:0]),
      .write_data(w_data),
      .read_element(element[5:0]),
      .accumulator,
      .tap_weights
  );

  // Values: get's, and those that are requantized
  logic [31:0] read_bias, read_multiplier, read_shifts, read_table_a, read_table_b, read_value;
  midge_nn_scale scale (
      .clock,
      .enable(!w_waiting),
      .operation(funct7[2:0]),
      .shape,
      .output_form,
      .write_registers(w_writes),
      .write_element(w_operation.index),
      .write_data(w_data),
      .write_entry(result_valid),
      .entry(offset[7:0]),
      .read,
      .element,
      .read_bias,
      .read_multiplier,
      .read_shifts,
      .read_table_a,
      .read_table_b,
      .accumulator,
      .operand_1,
      .byte_a(weights[8*element[1:0]+:8]),
      .byte_b(hold[8*element[1:0]+:8]),
      .parameter_index,
      .result(store_byte)
  );

  always_ff @(posedge clock)
    if (!funct7[4]) read_value <= register_value;
    else
      unique case (funct7[2:0])
        REGISTER_ACCUMULATOR[2:0]: read_value <= accumulator;
        REGISTER_COLUMN[2:0]: read_value <= column[element[1:0]];
        REGISTER_WEIGHT[2:0]: read_value <= tap_weights;
        REGISTER_BIAS[2:0]: read_value <= read_bias;
        REGISTER_MULTIPLIER[2:0]: read_value <= read_multiplier;
        REGISTER_SHIFT[2:0]: read_value <= read_shifts;
        REGISTER_TABLE_A[2:0]: read_value <= read_table_a;
        default: read_value <= read_table_b;
      endcase

  logic [31:0] lanes_result;
  midge_nn_lanes lanes (
      .operand_1,
      .operand_2,
      .minimum(funct7[0]),
      .result(lanes_result)
  );
  always_comb
    unique case (funct3)
      FUNCT3_GET: result = read_value;
      FUNCT3_MAX4: result = lanes_result;
      default: result = {{24{store_byte[7]}}, store_byte};
    endcase

  assign x = '{
      illegal: illegal,
      started: started,
      held: held,
      more: more,
      request: request,
      write: write,
      aligned: aligned,
      store_byte: store_byte,
      offset: offset,
      step: step,
      result: result
  };
endmodule
