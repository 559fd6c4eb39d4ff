// The look-up table of the Lattice ECP5 for simulation, with its contents as an input: as a parameter, there would be
// thousands of modules.
module LUT4 (
    input  logic [15:0] INIT,
    input  logic        A, B, C, D,
    output logic        Z
);
  assign Z = INIT[{D, C, B, A}];
endmodule
