// value_1 + value_2, or value_1 - value_2 with `subtract`. The sum has as many bits as the caller knows it needs.
module midge_nn_signed_sum #(
    parameter int WIDTH = 8
) (
    input  logic signed [WIDTH-1:0] value_1,
    input  logic signed [WIDTH-1:0] value_2,
    input  logic                    subtract,
    output logic signed [WIDTH-1:0] sum
);
  assign sum = subtract ? value_1 - value_2 : value_1 + value_2;
endmodule
