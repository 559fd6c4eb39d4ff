// midge/rtl/midge_nn_signed_sum.sv with a lowest cell that makes the carry of a subtraction: a + (b ^ c).
module midge_nn_signed_sum #(
    parameter int WIDTH = 8
) (
    input  logic signed [WIDTH-1:0] value_1,
    input  logic signed [WIDTH-1:0] value_2,
    input  logic                    subtract,
    output logic signed [WIDTH-1:0] sum
);
  logic unused_lowest;
  carry_chain #(
      .WIDTH(WIDTH + 1),
      .TABLE(16'h96AA)
  ) chain (
      .a({value_1, subtract}),
      .b({value_2, subtract}),
      .c({{WIDTH{subtract}}, 1'b0}),
      .d('1),
      .sum({sum, unused_lowest})
  );
endmodule
