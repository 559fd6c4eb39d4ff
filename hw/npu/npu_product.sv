// A product of two bytes, one cycle later: of a multiplier, or, where an FPGA has too few of them, of adders. A weight's bits
// are taken by twos, which select multiples of the activation; the highest bit counts negative.
module npu_product #(
    parameter logic MULTIPLIER = 1'b1
) (
    input  logic               clock,
    input  logic signed [7:0]  activation,
    input  logic signed [7:0]  weight,
    output logic signed [15:0] product
);
  if (MULTIPLIER) begin : g_multiplier
    always_ff @(posedge clock) product <= activation * weight;
  end else begin : g_adders
    logic signed [9:0]  double, highest;
    logic signed [10:0] digits[4];
    logic signed [12:0] low, high;
    assign double = {activation[7], activation, 1'b0};
    assign highest = -double;
    for (genvar n = 0; n < 4; n++) begin : g_digit
      midge_nn_gated_sum #(
          .WIDTH(10)
      ) digit (
          .value_1(10'(activation)),
          .enable_1(weight[2*n]),
          .value_2(n == 3 ? highest : double),
          .enable_2(weight[2*n+1]),
          .sum(digits[n])
      );
    end
    assign low = {{2{digits[0][10]}}, digits[0]} + {digits[1], 2'b0};
    assign high = {{2{digits[2][10]}}, digits[2]} + {digits[3], 2'b0};
    always_ff @(posedge clock) product <= 16'(low) + {high[11:0], 4'b0};

    logic unused_sign;
    assign unused_sign = high[12];
  end
endmodule
