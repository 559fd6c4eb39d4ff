// Four values a cycle to results, six cycles later.
module npu_requantizer (
    input  logic               clock,
    input  logic signed [31:0] values[4],
    input  logic               is_operand,     // of an addition: only scaled
    input  logic [31:0]        bias[4],        // this and the next two a cycle after the values
    input  logic [31:0]        multiplier[4],
    input  logic [7:0]         shift[4],
    // The rest stays while values are on their way.
    input  logic signed [7:0]  zero_point,
    input  logic signed [7:0]  minimum,
    input  logic signed [7:0]  maximum,
    output logic [31:0]        scaled[4],
    output logic [31:0]        results
);
  // The zero point is added in the last cycle.
  logic was_operand;
  npu_delay #(
      .CYCLES(5)
  ) operand_delay (
      .clock,
      .reset(1'b0),
      .value(is_operand),
      .delayed(was_operand)
  );

  for (genvar n = 0; n < 4; n++) begin : g_value
    midge_nn_requantize requantize (
        .clock,
        .enable(1'b1),
        .value(values[n]),
        .bias(bias[n]),
        .multiplier(multiplier[n]),
        .shift(shift[n]),
        .table_mode(1'b0),
        .left_shift(5'd0),
        .zero_point(was_operand ? 8'sd0 : zero_point),
        .minimum,
        .maximum,
        .scaled(scaled[n]),
        .result(results[8*n+:8])
    );
  end
endmodule
