// The multiplier of the Lattice ECP5, of which Yosys has no model: what synthesis and pack_product_registers
// (sdk/smidgen/fpga/netlist.py) use of it, the product and its register.
module MULT18X18D #(
    parameter REG_OUTPUT_CLK = "NONE"
) (
    input  logic A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
    input  logic B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
    input  logic C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
    input  logic SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
    output logic P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18, P19, P20, P21, P22,
    output logic P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
  logic signed [18:0] a, b;
  logic signed [35:0] product, kept;
  assign a = {SIGNEDA && A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  assign b = {SIGNEDB && B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  assign product = 36'(a * b);
  if (REG_OUTPUT_CLK == "NONE") begin : g_plain
    assign kept = product;
  end else begin : g_register
    always_ff @(posedge CLK0) if (RST0) kept <= '0; else if (CE0) kept <= product;
  end
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13,
          P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = kept;

  // Inputs that come from a neighbour are not modelled; C takes no part in a product.
  always_ff @(posedge CLK0) if (SOURCEA || SOURCEB) $fatal(1, "a multiplier takes its inputs from another one");
  logic unused_c;
  assign unused_c =
      ^{C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0};
endmodule
