// Drives dot units of the neural engine from standard input, a line a cycle: the fields of inputs_t as one hexadecimal
// number, and prints what the units with 16 and with 8 lanes give before each clock edge.
module npu_dot_bench;
  logic clock = 1'b0;

  typedef struct packed {
    logic [1:0]   width;
    logic [31:0]  weights;
    logic [127:0] activations;
  } inputs_t;
  inputs_t inputs, line;

  logic signed [17:0] sum_16, sum_8;
  npu_dot #(
      .LANES(16)
  ) dot_16 (
      .clock,
      .enable(1'b1),
      .weights(inputs.weights),
      .width(inputs.width),
      .activations(inputs.activations),
      .sum(sum_16)
  );
  npu_dot #(
      .LANES(8)
  ) dot_8 (
      .clock,
      .enable(1'b1),
      .weights(inputs.weights[15:0]),
      .width(inputs.width),
      .activations(inputs.activations[63:0]),
      .sum(sum_8)
  );

  initial begin
    while ($fscanf(32'h8000_0000, "%h\n", line) == 1) begin
      inputs = line;
      #1;
      $display("%h %h", sum_16, sum_8);
      clock = 1'b1;
      #1;
      clock = 1'b0;
    end
    $finish;
  end
endmodule
