// A small memory in the logic cells: a write at the clock edge, and a read in the same cycle.
module midge_nn_memory_distributed #(
    parameter int DEPTH = 16,
    parameter int WIDTH = 32
) (
    input  logic                     clock,
    input  logic                     write,
    input  logic [$clog2(DEPTH)-1:0] write_address,
    input  logic [WIDTH-1:0]         write_data,
    input  logic [$clog2(DEPTH)-1:0] read_address,
    output logic [WIDTH-1:0]         read_data
);
  (* ram_style = "distributed" *)
  logic [WIDTH-1:0] words[DEPTH];

  always_ff @(posedge clock) if (write) words[write_address] <= write_data;

  assign read_data = words[read_address];
endmodule
