// The datapath modules of the neural-network extension side by side, for nn_datapath_bench: as they are, or synthesized.
module nn_datapath (
    input  logic         clock,
    input  logic [31:0]  weights,
    input  logic [1:0]   width,
    input  logic [127:0] activations,
    output logic signed [17:0] sum,
    input  logic         enable,
    input  logic         table_mode,
    input  logic [31:0]  value,
    input  logic [31:0]  bias,
    input  logic [31:0]  multiplier,
    input  logic [7:0]   shift,
    input  logic [4:0]   left_shift,
    input  logic signed [7:0] zero_point,
    input  logic signed [7:0] minimum,
    input  logic signed [7:0] maximum,
    output logic [31:0]  scaled,
    output logic [7:0]   result,
    input  logic         write,
    input  logic [3:0]   write_address,
    input  logic [31:0]  write_data,
    input  logic [3:0]   read_address,
    output logic [31:0]  distributed_data,
    output logic [31:0]  block_data
);
  midge_nn_dot dot (.*);
  midge_nn_requantize requantize (.*);
  midge_nn_memory_distributed #(
      .DEPTH(16)
  ) distributed (
      .read_data(distributed_data),
      .*
  );
  midge_nn_memory_block #(
      .DEPTH(16)
  ) block (
      .read_data(block_data),
      .*
  );
endmodule
