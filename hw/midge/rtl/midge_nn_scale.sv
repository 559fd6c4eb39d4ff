// Requantization with its parameters, and the tables of residual additions.
module midge_nn_scale
  import midge_nn_package::*;
(
    input  logic        clock,
    input  logic        enable,             // the pipeline moves
    input  logic [2:0]  operation,          // funct7 of the instruction: rqc to sub
    input  shape_t      shape,
    input  output_t     output_form,
    // set, ldm, and the entries of a table
    input  logic [7:0]  write_registers,    // by code - 16
    input  logic [7:0]  write_element,
    input  logic [31:0] write_data,
    input  logic        write_entry,
    input  logic [7:0]  entry,
    // get, one cycle later
    input  logic        read,
    input  logic [7:0]  element,
    output logic [31:0] read_bias,
    output logic [31:0] read_multiplier,
    output logic [31:0] read_shifts,
    output logic [31:0] read_table_a,
    output logic [31:0] read_table_b,
    // values
    input  logic [31:0] accumulator,
    input  logic [31:0] operand_1,
    input  logic [7:0]  byte_a,             // operands of add and sub, a cycle earlier
    input  logic [7:0]  byte_b,
    input  logic [5:0]  parameter_index,
    output logic [7:0]  result
);
  localparam int FIRST = 16;

  // Parameters: read in the cycle after their value came
  logic [5:0] scale_index;
  logic [1:0] shift_byte;
  assign scale_index = shape.shared && !read ? 6'd0 : parameter_index;
  always_ff @(posedge clock) if (enable) shift_byte <= scale_index[1:0];

  midge_nn_memory_block bias (
      .clock,
      .enable,
      .write(write_registers[32'(REGISTER_BIAS)-FIRST]),
      .write_address(write_element[5:0]),
      .write_data,
      .read_address(parameter_index),
      .read_data(read_bias)
  );
  midge_nn_memory_block multiplier (
      .clock,
      .enable,
      .write(write_registers[32'(REGISTER_MULTIPLIER)-FIRST]),
      .write_address(write_element[5:0]),
      .write_data,
      .read_address(scale_index),
      .read_data(read_multiplier)
  );
  midge_nn_memory_block #(
      .DEPTH(16)
  ) shift (
      .clock,
      .enable,
      .write(write_registers[32'(REGISTER_SHIFT)-FIRST]),
      .write_address(write_element[3:0]),
      .write_data,
      .read_address(read ? element[3:0] : scale_index[5:2]),
      .read_data(read_shifts)
  );

  // Tables
  logic [31:0] scaled, table_data;
  logic [7:0]  table_element;
  assign table_data = write_entry ? scaled : write_data;
  assign table_element = write_entry ? entry : write_element;
  midge_nn_memory_block #(
      .DEPTH(256)
  ) table_a (
      .clock,
      .enable,
      .write(write_registers[32'(REGISTER_TABLE_A)-FIRST] || (write_entry && operation == FUNCT7_TABA[2:0])),
      .write_address(table_element),
      .write_data(table_data),
      .read_address(read ? element : byte_a),
      .read_data(read_table_a)
  );
  midge_nn_memory_block #(
      .DEPTH(256)
  ) table_b (
      .clock,
      .enable,
      .write(write_registers[32'(REGISTER_TABLE_B)-FIRST] || (write_entry && operation == FUNCT7_TABB[2:0])),
      .write_address(table_element),
      .write_data(table_data),
      .read_address(read ? element : byte_b),
      .read_data(read_table_b)
  );

  // Values
  logic        subtract, is_table;
  logic [31:0] table_sum, value;
  logic [8:0]  difference;
  assign subtract = operation == FUNCT7_SUB[2:0];
  assign is_table = operation == FUNCT7_TABA[2:0] || operation == FUNCT7_TABB[2:0];
  midge_nn_signed_sum #(
      .WIDTH(32)
  ) sum_of_tables (
      .value_1(read_table_a),
      .value_2(read_table_b),
      .subtract,
      .sum(table_sum)
  );
  assign difference = {element[7], element} - operand_1[8:0];
  always_comb
    unique case (operation)
      FUNCT7_ADD[2:0], FUNCT7_SUB[2:0]: value = table_sum;
      FUNCT7_RQV[2:0]: value = operand_1;
      FUNCT7_TABA[2:0], FUNCT7_TABB[2:0]: value = {{23{difference[8]}}, difference};
      default: value = accumulator;
    endcase

  logic [7:0] shift_amount;
  assign shift_amount = read_shifts[8*shift_byte+:8];
  midge_nn_requantize requantize (
      .clock,
      .enable,
      .value,
      .bias(read_bias),
      .multiplier(read_multiplier),
      .shift(shift_amount),
      .table_mode(is_table),
      .left_shift(output_form.left_shift),
      .zero_point(output_form.zero_point),
      .minimum(output_form.minimum),
      .maximum(output_form.maximum),
      .scaled,
      .result
  );

  logic unused_bits;
  assign unused_bits = ^{write_registers[2:0], shape, output_form.zero_29};
endmodule
