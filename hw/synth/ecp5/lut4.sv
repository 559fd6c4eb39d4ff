// The look-up table of the Lattice ECP5. For synthesis a declaration, for simulation a model.
(* blackbox *)
module LUT4 #(
    parameter logic [15:0] INIT = 16'h0
) (
    input  logic A, B, C, D,
    output logic Z
);
  assign Z = INIT[{D, C, B, A}];
endmodule
