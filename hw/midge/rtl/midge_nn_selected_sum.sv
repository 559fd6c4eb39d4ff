// value plus one of two addends. The sum has as many bits as the caller knows it needs.
module midge_nn_selected_sum #(
    parameter int WIDTH = 8
) (
    input  logic signed [WIDTH-1:0] value,
    input  logic signed [WIDTH-1:0] addend_0,
    input  logic signed [WIDTH-1:0] addend_1,
    input  logic                    select,
    output logic signed [WIDTH-1:0] sum
);
  assign sum = value + (select ? addend_1 : addend_0);
endmodule
