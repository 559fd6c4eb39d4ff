// A memory in block RAM: a write at the clock edge, and a read that answers in the next cycle.
module midge_nn_memory_block #(
    parameter int DEPTH = 64,
    parameter int WIDTH = 32
) (
    input  logic                     clock,
    input  logic                     enable,        // without it read_data stays, and nothing is written
    input  logic                     write,
    input  logic [$clog2(DEPTH)-1:0] write_address,
    input  logic [WIDTH-1:0]         write_data,
    input  logic [$clog2(DEPTH)-1:0] read_address,
    output logic [WIDTH-1:0]         read_data
);
  // What a read returns of the word that is just being written is left open; no instruction does that.
  (* ram_style = "block", no_rw_check *)
  logic [WIDTH-1:0] words[DEPTH];

  always_ff @(posedge clock) if (enable) begin
    if (write) words[write_address] <= write_data;
    read_data <= words[read_address];
  end
endmodule
