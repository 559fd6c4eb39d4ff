// max4, min4: the larger or the smaller of two signed bytes, four times.
module midge_nn_lanes (
    input  logic [31:0] operand_1,
    input  logic [31:0] operand_2,
    input  logic        minimum,
    output logic [31:0] result
);
  for (genvar i = 0; i < 4; i++) begin : g_lane
    logic signed [7:0] byte_1, byte_2;
    assign byte_1 = operand_1[8*i+:8];
    assign byte_2 = operand_2[8*i+:8];
    assign result[8*i+:8] = ((byte_1 < byte_2) == minimum) ? byte_1 : byte_2;
  end
endmodule
