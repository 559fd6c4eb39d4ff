// One byte lane of a memory in true dual-port block RAM: port A reads or writes, port B reads; one cycle each.
// Lanes of eight bits map onto block RAMs of one or two bits' width without a multiplexer behind them.
module ram_lane #(
    parameter int    DEPTH = 1 << 14,
    parameter string CONTENTS = ""      // file of hexadecimal bytes; empty: zeros, or loaded by the simulator
) (
    input  logic                     clock,
    input  logic                     enable_a,
    input  logic                     write_a,
    input  logic [$clog2(DEPTH)-1:0] address_a,
    input  logic [7:0]               write_data_a,
    output logic [7:0]               read_data_a,   // kept while a write goes on
    input  logic [$clog2(DEPTH)-1:0] address_b,
    output logic [7:0]               read_data_b
);
  // A read of port B while port A writes the same byte gives either value: only a program that changes its own
  // code without waiting can tell.
  (* no_rw_check *)
  logic [7:0] bytes[DEPTH]  /* verilator public_flat_rw */;

  if (CONTENTS != "") begin : g_contents
    initial $readmemh(CONTENTS, bytes);
  end

  always_ff @(posedge clock) begin
    if (enable_a)
      if (write_a) bytes[address_a] <= write_data_a;
      else read_data_a <= bytes[address_a];
    read_data_b <= bytes[address_b];
  end
endmodule
