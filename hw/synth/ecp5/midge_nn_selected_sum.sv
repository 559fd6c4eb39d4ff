// midge/rtl/midge_nn_selected_sum.sv with the choice in the carry chain: a + (d ? b : c).
module midge_nn_selected_sum #(
    parameter int WIDTH = 8
) (
    input  logic signed [WIDTH-1:0] value,
    input  logic signed [WIDTH-1:0] addend_0,
    input  logic signed [WIDTH-1:0] addend_1,
    input  logic                    select,
    output logic signed [WIDTH-1:0] sum
);
  logic [WIDTH-1:0] bits;
  assign sum = signed'(bits);
  carry_chain #(
      .WIDTH(WIDTH),
      .TABLE(16'h665A)
  ) chain (
      .a(value),
      .b(addend_1),
      .c(addend_0),
      .d({WIDTH{select}}),
      .sum(bits)
  );
endmodule
