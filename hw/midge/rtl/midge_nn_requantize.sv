// Scales a 32-bit value as TensorFlow Lite Micro's requantization does, bit for bit: one value a cycle, six cycles each.
//
// + bias, left shift (wraps), times multiplier / 2^32 rounded to nearest with ties upward, right shift rounded to nearest
// with ties away from zero, + zero point, clamp. In table mode neither bias nor zero point is added and nothing is
// clamped, but the value is shifted left by left_shift too.
module midge_nn_requantize (
    input  logic               clock,
    input  logic               enable,      // without it everything stays as it is
    input  logic        [31:0] value,
    input  logic        [31:0] bias,        // this and the next two a cycle after value
    input  logic        [31:0] multiplier,
    input  logic        [7:0]  shift,       // positive: to the right
    // The rest stays while values are on their way.
    input  logic               table_mode,
    input  logic        [4:0]  left_shift,
    input  logic signed [7:0]  zero_point,
    input  logic signed [7:0]  minimum,
    input  logic signed [7:0]  maximum,
    output logic        [31:0] scaled,
    output logic        [7:0]  result
);
  // Bias, and how far to shift.
  logic signed [31:0] value_1, value_2, biased;
  logic        [31:0] multiplier_2;
  logic        [5:0]  left;
  logic        [4:0]  left_2, right_2, right_3, right_4;
  logic               unused_shift;
  assign left = {1'b0, shift[7] ? -shift[4:0] : 5'd0} + {1'b0, table_mode ? left_shift : 5'd0};
  midge_nn_selected_sum #(
      .WIDTH(32)
  ) bias_sum (
      .value(value_1),
      .addend_0($signed(bias)),
      .addend_1(32'sd0),
      .select(table_mode),
      .sum(biased)
  );
  assign unused_shift = ^shift[6:5];

  always_ff @(posedge clock) if (enable) begin
    value_1 <= $signed(value);
    value_2 <= left[5] ? 32'sd0 : biased;
    multiplier_2 <= multiplier;
    left_2 <= left[4:0];
    right_2 <= shift[7] ? 5'd0 : shift[4:0];
  end

  // Left shift, partial products.
  logic        [31:0] shifted;
  logic signed [16:0] value_low, value_high, multiplier_low, multiplier_high;
  logic signed [33:0] low_low, low_high, high_low, high_high;
  logic               negative_3;
  assign shifted = value_2 << left_2;
  assign value_low = {1'b0, shifted[15:0]};
  assign value_high = {shifted[31], shifted[31:16]};
  assign multiplier_low = {1'b0, multiplier_2[15:0]};
  assign multiplier_high = {1'b0, multiplier_2[31:16]};

  always_ff @(posedge clock) if (enable) begin
    low_low <= value_low * multiplier_low;
    low_high <= value_low * multiplier_high;
    high_low <= value_high * multiplier_low;
    high_high <= value_high * multiplier_high;
    negative_3 <= shifted[31];
    right_3 <= right_2;
  end

  // The product without its lowest 31 bits.
  logic [34:0] middle;
  logic [47:0] product;  // without its lowest 16 bits
  logic [32:0] product_4;
  logic        negative_4;
  logic        unused_product;
  assign middle = {low_high[33], low_high} + {high_low[33], high_low};
  assign product = {high_high[31:0], low_low[31:16]} + {{13{middle[34]}}, middle};
  assign unused_product = ^{high_high[33:32], low_low[33:32], low_low[15:0], product[14:0]};

  always_ff @(posedge clock) if (enable) begin
    product_4 <= product[47:15];
    negative_4 <= negative_3 && right_3 != 5'd0;
    right_4 <= right_3;
  end

  // Round, shift right. Ties of the shift go away from zero: a negative product is made smaller by one first, then
  // ties go upward. The sign of the factor serves as the sign of the rounded product: where this is 0, one less than
  // it is rounded back to 0.
  logic        [32:0] rounded;
  logic signed [32:0] to_shift, with_half_5;
  logic               unused_half;
  assign rounded = product_4 + {{32{negative_4}}, 1'b1};
  assign unused_half = rounded[0];
  assign to_shift = {rounded[32:1], 1'b0};

  always_ff @(posedge clock) if (enable) with_half_5 <= to_shift >>> right_4;

  // The half bit rounds: added to itself in a bit below, it is the carry. Zero point; clamp.
  logic        [31:0] sum;
  logic signed [7:0]  offset, lowest;
  logic               unused_lowest, fits, below, above;
  assign offset = table_mode ? 8'sd0 : zero_point;
  assign {sum, unused_lowest} = with_half_5 + {{24{offset[7]}}, offset, with_half_5[0]};
  assign lowest = $signed(sum[7:0]);
  assign fits = sum[31:7] == '0 || sum[31:7] == '1;
  assign below = fits ? lowest < minimum : sum[31];
  assign above = fits ? lowest > maximum : !sum[31];

  always_ff @(posedge clock) if (enable) begin
    scaled <= sum;
    result <= below ? minimum : above ? maximum : lowest;
  end
endmodule
