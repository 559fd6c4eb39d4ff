// In the place of a memory chip where there is none.
module no_chip;
  logic [31:0] words[1]  /* verilator public_flat_rw */;
  logic [7:0]  bytes[1]  /* verilator public_flat_rw */;
endmodule
