// Depthwise convolution: the products of LANES activations with four taps each. The four sums of a lane are of the windows
// that have begun one to four columns ago at most; at the end of a column they move on, and the last one is complete.
module npu_depthwise #(
    parameter int LANES = 16
) (
    input  logic                clock,
    input  logic [2:0]          taps,          // that are in use, the last ones: 1 to 4
    input  logic [8*LANES-1:0]  activations,
    input  logic [32*LANES-1:0] weights,
    input  logic                step,          // this and the next three one cycle later
    input  logic                first,         // of the column
    input  logic                shift,         // the column ends
    input  logic                last,          // and a result is complete
    output logic signed [25:0]  results[LANES] // two cycles later; 0 otherwise
);
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic signed [15:0] products[4];
    // At most 4 * 255 products of 2^14.
    logic signed [25:0] sums[4], next_sums[4];
    for (genvar tap = 0; tap < 4; tap++) begin : g_tap
      logic starts;
      assign starts = first && 3'(tap) + taps <= 3'd4;
      assign next_sums[tap] = (starts ? 26'sd0 : sums[tap]) + 26'(products[tap]);
      // A device that is too small for 16 lanes has too few multipliers, too.
      npu_product #(
          .MULTIPLIER(LANES == 16)
      ) multiply (
          .clock,
          .activation($signed(activations[8*lane+:8])),
          .weight($signed(weights[8*(tap*LANES+lane)+:8])),
          .product(products[tap])
      );
      if (tap == 0) begin : g_first
        always_ff @(posedge clock) if (step) sums[tap] <= next_sums[tap];
      end else begin : g_next
        always_ff @(posedge clock) if (step) sums[tap] <= shift ? next_sums[tap-1] : next_sums[tap];
      end
    end
    always_ff @(posedge clock) results[lane] <= step && last ? next_sums[3] : 26'sd0;
  end
endmodule
