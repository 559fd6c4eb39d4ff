// Queue with valid/ready on both sides, in distributed memory.
module midge_fifo #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 16              // a power of two
) (
    input  logic             clock,
    input  logic             reset,
    input  logic             in_valid,
    output logic             in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic             out_valid,
    input  logic             out_ready,
    output logic [WIDTH-1:0] out_data
);
  localparam int INDEX_BITS = $clog2(DEPTH);

  (* ram_style = "distributed" *)
  logic [WIDTH-1:0]    entries[DEPTH];
  logic [INDEX_BITS:0] written, taken;    // one bit wider than the index, to tell full from empty

  assign in_ready = written - taken != (INDEX_BITS + 1)'(DEPTH);
  assign out_valid = written != taken;
  assign out_data = entries[taken[INDEX_BITS-1:0]];

  always_ff @(posedge clock)
    if (reset) begin
      written <= '0;
      taken <= '0;
    end else begin
      if (in_valid && in_ready) written <= written + 1'b1;
      if (out_valid && out_ready) taken <= taken + 1'b1;
    end
  always_ff @(posedge clock)
    if (in_valid && in_ready) entries[written[INDEX_BITS-1:0]] <= in_data;
endmodule
