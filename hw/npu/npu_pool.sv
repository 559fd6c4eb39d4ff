// Max pooling: the largest of LANES activations each.
module npu_pool #(
    parameter int LANES = 16
) (
    input  logic               clock,
    input  logic [8*LANES-1:0] activations,
    input  logic               step,           // with the activations
    input  logic               first,
    input  logic               last,           // one cycle later: a result is complete
    output logic signed [7:0]  results[LANES]  // two cycles later; 0 otherwise
);
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic signed [7:0] activation, largest;
    assign activation = $signed(activations[8*lane+:8]);
    always_ff @(posedge clock) begin
      if (step && (first || activation > largest)) largest <= activation;
      results[lane] <= last ? largest : 8'sd0;
    end
  end
endmodule
