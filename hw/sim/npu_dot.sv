// npu/npu_dot.sv as the simulator has it: what it computes, not how. The adders there, bit by bit, take most of the
// simulator's time.
module npu_dot #(
    parameter int LANES = 16
) (
    input  logic               clock,
    input  logic               enable,       // the sum is used: without it, it stays as it is
    input  logic [2*LANES-1:0] weights,
    input  logic [1:0]         width,        // of a weight: 8 >> width bits; does not change between steps
    input  logic [8*LANES-1:0] activations,  // of each digit
    output logic signed [17:0] sum           // two cycles later
);
  logic signed [17:0] product;
  always_ff @(posedge clock) begin
    sum <= product;
    if (enable) begin
      logic signed [31:0] total;
      total = 32'sd0;
      if (width == 2'd0)
        for (int i = 0; i < LANES / 4; i++)
          total += 32'($signed(weights[8*i+:8])) * 32'($signed(activations[32*i+:8]));
      else if (width == 2'd1)
        for (int i = 0; i < LANES / 2; i++)
          total += 32'($signed(weights[4*i+:4])) * 32'($signed(activations[16*i+:8]));
      else
        for (int i = 0; i < LANES; i++)
          total += 32'($signed(weights[2*i+:2])) * 32'($signed(activations[8*i+:8]));
      product <= 18'(total);
    end
  end
endmodule
