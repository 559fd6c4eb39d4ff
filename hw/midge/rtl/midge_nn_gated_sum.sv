// The sum of two signed numbers, each of which counts only where it is enabled: two rows of a product by bits.
module midge_nn_gated_sum #(
    parameter int WIDTH = 8
) (
    input  logic signed [WIDTH-1:0] value_1,
    input  logic                    enable_1,
    input  logic signed [WIDTH-1:0] value_2,
    input  logic                    enable_2,
    output logic signed [WIDTH:0]   sum
);
  logic signed [WIDTH-1:0] addend_1, addend_2;
  assign addend_1 = enable_1 ? value_1 : '0;
  assign addend_2 = enable_2 ? value_2 : '0;
  assign sum = addend_1 + addend_2;
endmodule
