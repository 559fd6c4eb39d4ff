// Cells of the Lattice ECP5 at its pins, what boards/ecp5_sdram_pins.sv uses of them. For synthesis declarations; their
// models are in sim/ecp5.
(* blackbox *)
module OFS1P3BX (input logic PD, D, SP, SCLK, output logic Q);
endmodule

(* blackbox *)
module OFS1P3DX (input logic CD, D, SP, SCLK, output logic Q);
endmodule

(* blackbox *)
module IFS1P3DX (input logic CD, D, SP, SCLK, output logic Q);
endmodule

(* blackbox *)
module ODDRX1F (input logic D0, D1, RST, SCLK, output logic Q);
endmodule

(* blackbox *)
module BB (input logic I, T, output logic O, inout wire B);
endmodule
