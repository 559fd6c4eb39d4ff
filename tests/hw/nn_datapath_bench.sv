// Drives the datapath modules of the neural-network extension from standard input, a line a cycle: the fields of
// inputs_t as one hexadecimal number, and prints what they give before each clock edge.
module nn_datapath_bench;
  logic clock = 1'b0;

  logic [31:0]        weights;
  logic [1:0]         width;
  logic [127:0]       activations;
  logic signed [17:0] sum;
  logic enable, table_mode;
  logic [31:0] value, bias, multiplier, scaled;
  logic [7:0] shift, zero_point, minimum, maximum, result;
  logic [4:0] left_shift;
  logic write;
  logic [3:0] write_address, read_address;
  logic [31:0] write_data, distributed_data, block_data;
  nn_datapath nn_datapath (.*);

  // Everything of a line at once, so that the simulator sees a single variable change.
  typedef struct packed {
    logic [31:0]  weights;
    logic [1:0]   width;
    logic [127:0] activations;
    logic         enable, table_mode;
    logic [31:0]  value, bias, multiplier;
    logic [7:0]   shift;
    logic [4:0]   left_shift;
    logic [7:0]   zero_point, minimum, maximum;
    logic         write;
    logic [3:0]   write_address;
    logic [31:0]  write_data;
    logic [3:0]   read_address;
  } inputs_t;
  inputs_t inputs, line;
  assign {weights, width, activations, enable, table_mode, value, bias, multiplier, shift, left_shift, zero_point,
          minimum, maximum, write, write_address, write_data, read_address} = inputs;

  initial begin
    while ($fscanf(32'h8000_0000, "%h\n", line) == 1) begin
      inputs = line;
      #1;
      $display("%h %h %h %h %h", sum, scaled, result, distributed_data, block_data);
      clock = 1'b1;
      #1;
      clock = 1'b0;
    end
    $finish;
  end
endmodule
