// midge/rtl/midge_nn_dot.sv as the simulator has it: what it computes, not how. The adders there, bit by bit, take half of the
// simulator's time.
module midge_nn_dot (
    input  logic               clock,
    input  logic               enable,       // the sum is used: without it, it stays as it is
    input  logic [31:0]        weights,
    input  logic [1:0]         width,        // of a weight: 8 >> width bits
    input  logic [127:0]       activations,  // for byte i and plane j at bits 8 * (4 * i + j)
    output logic signed [17:0] sum           // one cycle later
);
  // A plane has a digit of two bits of each byte; sign is 2 where the digit's upper bit counts negative, otherwise 0.
  // (x ^ s) - s, with s the value of the highest bit, extends the sign of x.
  always_ff @(posedge clock)
    if (enable) begin
      logic [31:0] sign[4], planes[4];
      sign[0] = width == 2'd2 ? 32'd2 : 32'd0;
      sign[1] = width != 2'd0 ? 32'd2 : 32'd0;
      sign[2] = sign[0];
      sign[3] = 32'd2;
      for (int j = 0; j < 4; j++) begin
        planes[j] = 32'd0;
        for (int i = 0; i < 4; i++)
          planes[j] += (({24'd0, activations[8*(4*i+j)+:8]} ^ 32'h80) - 32'h80)
              * (({30'd0, weights[8*i+2*j+:2]} ^ sign[j]) - sign[j]);
      end
      if (width == 2'd0) sum <= 18'(planes[0] + (planes[1] << 2) + (planes[2] << 4) + (planes[3] << 6));
      else if (width == 2'd1) sum <= 18'(planes[0] + planes[2] + ((planes[1] + planes[3]) << 2));
      else sum <= 18'(planes[0] + planes[1] + planes[2] + planes[3]);
    end
endmodule
