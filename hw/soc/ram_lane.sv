// One byte lane of a memory in true dual-port block RAM: each port reads or writes in one cycle.
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
    input  logic                     write_b,
    input  logic [$clog2(DEPTH)-1:0] address_b,
    input  logic [7:0]               write_data_b,
    output logic [7:0]               read_data_b
);
  // A read of one port while the other writes the same byte gives either value, and of two writes either stays: only a
  // program that changes its own code without waiting can tell, or one that changes what it has given to the engine.
  (* no_rw_check *)
  logic [7:0] bytes[DEPTH]  /* verilator public_flat_rw */;

  if (CONTENTS != "") begin : g_contents
    initial $readmemh(CONTENTS, bytes);
  end

  // Processes of their own, and so not always_ff, tell synthesis that neither port's writes come first.
  always @(posedge clock)
    if (enable_a)
      if (write_a) bytes[address_a] <= write_data_a;
      else read_data_a <= bytes[address_a];
  always @(posedge clock)
    if (write_b) bytes[address_b] <= write_data_b;
    else read_data_b <= bytes[address_b];
endmodule
