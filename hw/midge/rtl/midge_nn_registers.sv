// The registers of Xmidge that say how its instructions walk; those of the hardware loop are in midge_loop.
module midge_nn_registers
  import midge_nn_package::*;
(
    input  logic        clock,
    input  logic        reset,
    // set, get
    input  logic [6:0]  code,
    input  logic        write,
    input  logic [31:0] value,
    output logic        value_illegal,   // a field out of range
    output logic [31:0] read_value,
    input  logic [31:0] loop_count,
    input  logic [31:2] loop_start,
    input  logic [31:2] loop_end,
    // the window goes on to the next column
    input  logic        advance,
    output shape_t      shape,
    output output_t     output_form,
    output window_t     window,
    output position_t   position,
    output logic [31:0] pixel_step,
    output logic [31:0] column_step,
    output logic [31:0] output_step
);
  // Validity
  shape_t  new_shape;
  window_t new_window;
  logic    words_illegal;
  logic    unused_fields;
  assign new_shape = value;
  assign new_window = value;
  assign unused_fields = ^{new_window.zero_18, new_window.lanes, new_window.zero_14, new_window.stride,
      new_window.taps, new_window.zero_5, new_shape.zero_14, new_shape.shared, new_shape.channels[3:0]};
  always_comb
    unique case (new_shape.width)
      2'd0: words_illegal = new_shape.words != 2'd0;
      2'd1: words_illegal = new_shape.words[1];
      2'd2: words_illegal = new_shape.words == 2'd2;
      default: words_illegal = 1'b1;
    endcase
  always_comb
    unique case (code)
      REGISTER_SHAPE:
        value_illegal = (value & ~SHAPE_MASK) != 32'd0 || words_illegal
            || (new_shape.vector_mode ? new_shape.pixels != 2'd0 : new_shape.channels[5:4] != 2'd0);
      REGISTER_OUTPUT: value_illegal = (value & ~OUTPUT_MASK) != 32'd0;
      REGISTER_WINDOW:
        value_illegal = (value & ~WINDOW_MASK) != 32'd0 || {1'b0, new_window.rows} + {2'b0, new_window.first} > 4'd4;
      REGISTER_POSITION: value_illegal = (value & ~POSITION_MASK) != 32'd0;
      REGISTER_LOOP_START, REGISTER_LOOP_END: value_illegal = value[1:0] != 2'd0;
      default: value_illegal = 1'b0;
    endcase

  always_comb
    unique case (code)
      REGISTER_SHAPE: read_value = shape;
      REGISTER_PIXEL_STEP: read_value = pixel_step;
      REGISTER_COLUMN_STEP: read_value = column_step;
      REGISTER_OUTPUT_STEP: read_value = output_step;
      REGISTER_OUTPUT: read_value = output_form;
      REGISTER_WINDOW: read_value = window;
      REGISTER_POSITION: read_value = position;
      REGISTER_LOOP_COUNT: read_value = loop_count;
      REGISTER_LOOP_START: read_value = {loop_start, 2'b0};
      default: read_value = {loop_end, 2'b0};
    endcase

  position_t next_position;
  always_comb begin
    next_position = position;
    if (position.phase >= window.stride) begin
      next_position.phase = 2'd0;
      next_position.slot = position.slot + 4'd1;
    end else next_position.phase = position.phase + 2'd1;
  end

  always_ff @(posedge clock)
    if (reset) begin
      shape <= '0;
      output_form <= '0;
      window <= '0;
      position <= '0;
      pixel_step <= '0;
      column_step <= '0;
      output_step <= '0;
    end else begin
      if (write)
        unique case (code)
          REGISTER_SHAPE: shape <= value & SHAPE_MASK;
          REGISTER_PIXEL_STEP: pixel_step <= value;
          REGISTER_COLUMN_STEP: column_step <= value;
          REGISTER_OUTPUT_STEP: output_step <= value;
          REGISTER_OUTPUT: output_form <= value & OUTPUT_MASK;
          REGISTER_WINDOW: window <= value & WINDOW_MASK;
          REGISTER_POSITION: position <= value & POSITION_MASK;
          default: ;
        endcase
      if (advance) position <= next_position;
    end
endmodule
