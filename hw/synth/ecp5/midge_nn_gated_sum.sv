// midge/rtl/midge_nn_gated_sum.sv with the gates in the carry chain: (a & b) + (c & d).
module midge_nn_gated_sum #(
    parameter int WIDTH = 8
) (
    input  logic signed [WIDTH-1:0] value_1,
    input  logic                    enable_1,
    input  logic signed [WIDTH-1:0] value_2,
    input  logic                    enable_2,
    output logic signed [WIDTH:0]   sum
);
  logic [WIDTH:0] bits;
  assign sum = signed'(bits);
  carry_chain #(
      .WIDTH(WIDTH + 1),
      .TABLE(16'h7888)
  ) chain (
      .a({value_1[WIDTH-1], value_1}),
      .b({(WIDTH + 1) {enable_1}}),
      .c({value_2[WIDTH-1], value_2}),
      .d({(WIDTH + 1) {enable_2}}),
      .sum(bits)
  );
endmodule
