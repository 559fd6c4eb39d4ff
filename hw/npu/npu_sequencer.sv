// The loops of a convolution, depthwise convolution or max pool: the step that starts in each cycle.
//
// Blocks of output channels, rows, columns, kernel rows, and innermost the parts of a kernel row: chunks of a convolution,
// columns of a pool. The columns of a depthwise convolution are those of its input; an output is complete with some.
// Counts are kept less 2: the last round is the one with a negative count, a bit of a register.
module npu_sequencer
  import npu_package::*;
  import npu_types::*;
#(
    parameter int LANES = 16
) (
    input  logic        clock,
    input  logic        reset,
    input  logic        start,          // on a new descriptor, which stays until all its results are written
    input  layer_t      descriptor,
    input  logic        port_taken,     // by a store
    output logic        ready,          // has a step for this cycle, if the port is free
    output logic        throttled,      // waits for the requantizer
    output place_t      place,
    output logic [15:0] weight_word,
    output step_t       step
);
  localparam logic TWO_WORDS = LANES == 8;  // hold the parameters of a quad, not one

  typedef enum logic [1:0] {
    IDLE,
    PREPARE,
    PARAMETERS,
    STEPS
  } state_t;
  state_t state;

  logic is_convolution, is_depthwise, is_pool;
  assign is_convolution = descriptor.header.kind == KIND_CONVOLUTION;
  assign is_depthwise = descriptor.header.kind == KIND_DEPTHWISE;
  assign is_pool = descriptor.header.kind == KIND_MAX_POOL;

  logic [2:0] block_quads;
  assign block_quads = is_convolution ? 3'd1 << descriptor.header.width : 3'(LANES / 4);

  // Counts
  logic [8:0]  parts, kernel_rows, outputs_wait;
  logic [16:0] columns, rows, blocks;
  logic [8:0]  all_parts;
  always_comb begin
    all_parts = 9'h1ff;
    if (is_convolution) all_parts = {1'b0, descriptor.chunks} - 9'd2;
    if (is_pool) all_parts = {1'b0, descriptor.kernel_width} - 9'd2;
  end

  logic kernel_row_ends, column_ends, gives_output, row_ends, block_ends, ends;
  assign kernel_row_ends = parts[8];
  assign column_ends = kernel_row_ends && kernel_rows[8];
  assign gives_output = column_ends && (outputs_wait[8] || !is_depthwise);
  assign row_ends = gives_output && columns[16];
  assign block_ends = row_ends && rows[16];
  assign ends = block_ends && blocks[16];

  // The requantizer takes a quad a cycle.
  logic [2:0] quads, quads_wait;
  logic       waits, steps;
  assign waits = gives_output && quads_wait != 3'd0;
  assign ready = state == STEPS && !waits;
  assign throttled = state == STEPS && waits;
  assign steps = ready && !port_taken;

  always_ff @(posedge clock)
    if (steps && gives_output) quads_wait <= quads - 3'd1;
    else if (state == IDLE) quads_wait <= 3'd0;
    else if (quads_wait != 3'd0) quads_wait <= quads_wait - 3'd1;

  always_ff @(posedge clock)
    if (state == PREPARE) begin
      parts <= all_parts;
      kernel_rows <= {1'b0, descriptor.kernel_rows} - 9'd2;
      outputs_wait <= {1'b0, descriptor.kernel_width} - 9'd2;
      columns <= {1'b0, descriptor.output_width} - 17'd2;
      rows <= {1'b0, descriptor.output_rows} - 17'd2;
      blocks <= {1'b0, descriptor.blocks} - 17'd2;
    end else if (steps) begin
      parts <= kernel_row_ends ? all_parts : parts - 9'd1;
      if (kernel_row_ends)
        kernel_rows <= column_ends ? {1'b0, descriptor.kernel_rows} - 9'd2 : kernel_rows - 9'd1;
      if (column_ends)
        outputs_wait <= row_ends ? {1'b0, descriptor.kernel_width} - 9'd2
                      : gives_output ? {1'b0, descriptor.stride_x} - 9'd2 : outputs_wait - 9'd1;
      if (gives_output) columns <= row_ends ? {1'b0, descriptor.output_width} - 17'd2 : columns - 17'd1;
      if (row_ends) rows <= block_ends ? {1'b0, descriptor.output_rows} - 17'd2 : rows - 17'd1;
      if (block_ends) blocks <= blocks - 17'd1;
    end

  // What takes a multiplication is added up before the first step: the row that pad_top reaches, the step of a pool.
  logic [7:0]  rows_above, columns_left;
  logic [17:0] column_advance;
  logic [19:0] first_row_address;
  logic        prepared;
  assign prepared = rows_above == 8'd0 && columns_left == 8'd0;
  always_ff @(posedge clock)
    if (start) begin
      rows_above <= descriptor.pad_top;
      first_row_address <= descriptor.input_address;
      columns_left <= is_pool ? descriptor.stride_x : 8'd1;
      column_advance <= 18'd0;
    end else begin
      if (rows_above != 8'd0) begin
        rows_above <= rows_above - 8'd1;
        first_row_address <= first_row_address - {4'd0, descriptor.input_row_bytes};
      end
      if (columns_left != 8'd0) begin
        columns_left <= columns_left - 8'd1;
        column_advance <= column_advance + {2'd0, descriptor.column_step};
      end
    end

  // Positions in a row
  logic signed [17:0] position, column_position, row_position, next_row_position, next_column_position;
  logic        [17:0] part_advance;
  assign part_advance = is_pool ? {2'd0, descriptor.column_step} : 18'(LANES);
  assign next_row_position = row_position + (block_ends && !is_convolution ? 18'(LANES) : 18'sd0);
  assign next_column_position = row_ends ? next_row_position : column_position + column_advance;
  always_ff @(posedge clock)
    if (state == PREPARE) begin
      row_position <= -{2'd0, descriptor.pad_left_bytes};
      column_position <= -{2'd0, descriptor.pad_left_bytes};
      position <= -{2'd0, descriptor.pad_left_bytes};
    end else if (steps) begin
      position <= column_ends ? next_column_position : kernel_row_ends ? column_position : position + part_advance;
      if (column_ends) column_position <= next_column_position;
      if (row_ends) row_position <= next_row_position;
    end

  // Rows
  logic        [19:0] row_address, window_address, next_window_address;
  logic signed [17:0] row, window_row, next_window_row;
  assign next_window_address = block_ends ? first_row_address : window_address + descriptor.row_step;
  assign next_window_row = block_ends ? -{10'd0, descriptor.pad_top} : window_row + {14'd0, descriptor.stride_y};
  always_ff @(posedge clock)
    if (state == PREPARE) begin
      row_address <= first_row_address;
      window_address <= first_row_address;
      row <= -{10'd0, descriptor.pad_top};
      window_row <= -{10'd0, descriptor.pad_top};
    end else if (steps && kernel_row_ends) begin
      row_address <= row_ends ? next_window_address
                   : column_ends ? window_address : row_address + {4'd0, descriptor.input_row_bytes};
      row <= row_ends ? next_window_row : column_ends ? window_row : row + 18'd1;
      if (row_ends) window_address <= next_window_address;
      if (row_ends) window_row <= next_window_row;
    end

  // Outputs
  logic [19:2] pixel_output, row_output, block_output, next_block_output, next_row_output;
  logic [15:0] channels;
  logic        is_full;
  assign next_block_output = block_output + {15'd0, block_quads};
  assign next_row_output = block_ends ? next_block_output : row_output + {4'd0, descriptor.output_row_bytes[15:2]};
  assign is_full = channels >= {11'd0, block_quads, 2'd0};
  assign quads = is_full ? block_quads : {1'b0, channels[3:2]} + {2'd0, channels[1:0] != 2'd0};
  always_ff @(posedge clock)
    if (state == PREPARE) begin
      pixel_output <= descriptor.output_address[19:2];
      row_output <= descriptor.output_address[19:2];
      block_output <= descriptor.output_address[19:2];
      channels <= descriptor.channels;
    end else if (steps && gives_output) begin
      pixel_output <= row_ends ? next_row_output : pixel_output + {4'd0, descriptor.output_pixel_bytes[15:2]};
      if (row_ends) row_output <= next_row_output;
      if (block_ends) block_output <= next_block_output;
      if (block_ends) channels <= channels - {11'd0, block_quads, 2'd0};
    end

  // Weights: the parameters of a block, then its kernel, again for each pixel.
  logic [15:0] next_word, word, kernel_word;
  logic [3:0]  parameter_place, block_parameters;
  logic [2:0]  parameter_quad;
  logic        second, quad_ends, parameters_end;
  assign next_word = word + 16'd1;
  assign quad_ends = second == TWO_WORDS;
  assign parameters_end = quad_ends && parameter_quad == block_quads - 3'd1;
  always_ff @(posedge clock)
    if (state == PREPARE) begin
      word <= descriptor.weight_word;
      parameter_place <= 4'd0;
      parameter_quad <= 3'd0;
      second <= 1'b0;
    end else if (state == PARAMETERS) begin
      word <= next_word;
      kernel_word <= next_word;
      second <= !quad_ends;
      if (parameter_quad == 3'd0 && !second) block_parameters <= parameter_place;
      if (quad_ends) parameter_place <= parameter_place + 4'd1;
      if (quad_ends) parameter_quad <= parameters_end ? 3'd0 : parameter_quad + 3'd1;
    end else if (steps) word <= column_ends && !block_ends ? kernel_word : next_word;

  always_ff @(posedge clock)
    if (reset) state <= IDLE;
    else
      unique case (state)
        IDLE: if (start) state <= PREPARE;
        PREPARE: if (prepared) state <= is_pool ? STEPS : PARAMETERS;
        PARAMETERS: if (parameters_end) state <= STEPS;
        STEPS: if (steps && block_ends) state <= ends ? IDLE : is_pool ? STEPS : PARAMETERS;
      endcase

  logic column_starts;
  always_ff @(posedge clock)
    if (state == PREPARE) column_starts <= 1'b1;
    else if (steps) column_starts <= column_ends;

  logic unused_fields;
  assign unused_fields = ^descriptor;

  always_ff @(posedge clock) begin
    place <= '{padded: 1'b1, row_address: row_address, row: row, position: position};
    weight_word <= word;
    step <= '{
        read: steps,
        parameters: state == PARAMETERS,
        second: second,
        first: column_starts,
        shift: column_ends,
        last: steps && gives_output,
        ends: ends,
        quads: quads,
        parameter_place: state == PARAMETERS ? parameter_place : block_parameters,
        output_address: pixel_output
    };
    if (reset) step <= '0;
  end
endmodule
