// Residual addition: what passes through the requantizer of four operands a and b, then of their sums eight cycles after a.
module npu_addition
  import npu_package::*;
  import npu_types::*;
(
    input  logic               clock,
    input  addition_t          descriptor,
    input  logic [31:0]        operand,
    input  logic               is_b,           // with the operand
    input  logic               sum_passes,
    input  logic [31:0]        scaled[4],      // from the requantizer, six cycles after the value
    output logic [1:0]         pass,           // this and the values a cycle after the operand
    output logic signed [31:0] values[4]
);
  localparam int LEFT_SHIFT = 20;

  logic is_b_2;
  assign pass = sum_passes ? 2'd2 : {1'b0, is_b_2};
  always_ff @(posedge clock) is_b_2 <= is_b;

  for (genvar n = 0; n < 4; n++) begin : g_value
    logic signed [7:0]  zero_point;
    logic signed [8:0]  difference;
    logic signed [31:0] previous, sum;
    assign zero_point = is_b ? descriptor.b_zero_point : descriptor.input_zero_point;
    assign values[n] = sum_passes ? sum : {{3{difference[8]}}, difference, LEFT_SHIFT'(0)};
    always_ff @(posedge clock) begin
      difference <= $signed(operand[8*n+:8]) - zero_point;
      previous <= $signed(scaled[n]);
      sum <= previous + $signed(scaled[n]);
    end
  end

  logic unused_fields;
  assign unused_fields = ^descriptor;
endmodule
