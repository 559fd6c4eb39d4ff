// The multiply-accumulate array: 4 outputs with weights of 8 bits, 8 with 4, or 16 with 2, of LANES activations each.
//
// A word of weights has the digits of sixteen dot units. Those of an output are added up, then accumulated. The results of
// the units for depthwise convolution and pooling take the same way.
module npu_array
  import npu_types::*;
#(
    parameter int LANES = 16
) (
    input  logic                clock,
    input  logic                is_convolution,
    input  logic [1:0]          width,
    input  logic [8*LANES-1:0]  activations,    // one cycle before the weights
    input  logic [32*LANES-1:0] weights,
    input  logic                enable,         // with the weights: a step is computed
    input  logic                accumulate,     // three cycles after the weights
    input  logic                first,          // then, too
    input  logic signed [25:0]  others[LANES],  // two cycles after the weights: other units' results
    output logic signed [31:0]  sums[16]        // four cycles after the weights
);
  // Which activation a digit meets: four orders, of a quarter of the digits of four outputs each.
  logic [8*LANES-1:0] ordered[4];
  for (genvar j = 0; j < 4; j++) begin : g_order
    for (genvar digit = 0; digit < LANES; digit++) begin : g_digit
      localparam int AT_8_BITS = (j * LANES + digit) / 4;
      localparam int AT_4_BITS = (j * LANES + digit) / 2 % LANES;
      always_ff @(posedge clock)
        if (width == 2'd0) ordered[j][8*digit+:8] <= activations[8*AT_8_BITS+:8];
        else if (width == 2'd1) ordered[j][8*digit+:8] <= activations[8*AT_4_BITS+:8];
        else ordered[j][8*digit+:8] <= activations[8*digit+:8];
    end
  end

  logic signed [17:0] dots[16];
  for (genvar unit = 0; unit < 16; unit++) begin : g_unit
    npu_dot #(
        .LANES(LANES)
    ) dot (
        .clock,
        .enable,
        .weights(weights[2*LANES*unit+:2*LANES]),
        .width,
        .activations(ordered[unit%4]),
        .sum(dots[unit])
    );
  end

  logic signed [18:0] pairs[8];
  logic signed [19:0] fours[4];
  for (genvar n = 0; n < 8; n++) begin : g_pair
    assign pairs[n] = dots[2*n] + dots[2*n+1];
  end
  for (genvar n = 0; n < 4; n++) begin : g_four
    assign fours[n] = pairs[2*n] + pairs[2*n+1];
  end

  for (genvar n = 0; n < 16; n++) begin : g_sum
    logic signed [19:0] dot;
    logic signed [25:0] other, addend;
    if (n < 4) assign dot = width == 2'd0 ? fours[n] : width == 2'd1 ? 20'(pairs[n]) : 20'(dots[n]);
    else if (n < 8) assign dot = width == 2'd1 ? 20'(pairs[n]) : 20'(dots[n]);
    else assign dot = 20'(dots[n]);
    if (n < LANES) assign other = others[n];
    else assign other = '0;
    always_ff @(posedge clock) begin
      addend <= is_convolution ? 26'(dot) : other;
      if (accumulate) sums[n] <= (first ? 32'sd0 : sums[n]) + 32'(addend);
    end
  end
endmodule
