// The dot product of LANES digits of two bits with as many activations, two cycles later: a fourth of the lanes of an output
// with weights of 8 bits, half of them with 4, all with 2.
//
// Each bit of a weight selects an activation or nothing. The bytes are added up for each of the eight bit positions; two
// positions make a plane, a digit of two bits whose upper bit counts negative where the digit is a weight's highest. The
// width decides that, and how far the planes are shifted when they are added up.
module npu_dot #(
    parameter int LANES = 16
) (
    input  logic               clock,
    input  logic               enable,       // the sum is used
    input  logic [2*LANES-1:0] weights,
    input  logic [1:0]         width,        // of a weight: 8 >> width bits; does not change between steps
    input  logic [8*LANES-1:0] activations,  // of each digit
    output logic signed [17:0] sum
);
  localparam int BYTES = LANES / 4;

  // To go on without it costs the hardware nothing; the simulator's namesake of this module, in sim, saves its time.
  logic unused_enable;
  assign unused_enable = enable;

  logic signed [11:0] planes[4];
  for (genvar j = 0; j < 4; j++) begin : g_plane
    logic signed [9:0] positions[2];
    for (genvar k = 0; k < 2; k++) begin : g_position
      logic signed [8:0] halves[BYTES/2];
      for (genvar i = 0; i < BYTES; i += 2) begin : g_bytes
        midge_nn_gated_sum gated_sum (
            .value_1(activations[8*(4*i+j)+:8]),
            .enable_1(weights[8*i+2*j+k]),
            .value_2(activations[8*(4*(i+1)+j)+:8]),
            .enable_2(weights[8*(i+1)+2*j+k]),
            .sum(halves[i/2])
        );
      end
      if (BYTES == 2) assign positions[k] = 10'(halves[0]);
      else assign positions[k] = halves[0] + halves[BYTES/2-1];
    end

    // The upper position counts twice, so the lowest bit is the lower position's.
    logic signed [10:0] upper_bits;
    midge_nn_signed_sum #(
        .WIDTH(11)
    ) plane_sum (
        .value_1({{2{positions[0][9]}}, positions[0][9:1]}),
        .value_2(11'(positions[1])),
        .subtract(j == 3 || width == 2'd2 || width == 2'd1 && j == 1),
        .sum(upper_bits)
    );
    always_ff @(posedge clock) planes[j] <= {upper_bits, positions[0][0]};
  end

  logic signed [13:0] low, high;
  midge_nn_selected_sum #(
      .WIDTH(14)
  ) low_sum (
      .value(14'(planes[0])),
      .addend_0({planes[1], 2'b0}),
      .addend_1(14'(planes[1])),
      .select(width[1]),
      .sum(low)
  );
  midge_nn_selected_sum #(
      .WIDTH(14)
  ) high_sum (
      .value(14'(planes[2])),
      .addend_0({planes[3], 2'b0}),
      .addend_1(14'(planes[3])),
      .select(width[1]),
      .sum(high)
  );
  logic signed [17:0] both;
  midge_nn_selected_sum #(
      .WIDTH(18)
  ) sum_of_both (
      .value(18'(low)),
      .addend_0({high, 4'b0}),
      .addend_1(18'(high)),
      .select(width != 2'd0),
      .sum(both)
  );
  always_ff @(posedge clock) sum <= both;
endmodule
