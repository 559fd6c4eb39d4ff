// Cells of the Lattice ECP5 at its pins, for simulation: what boards/ecp5_sdram_pins.sv uses of them.
module OFS1P3BX (
    input  logic PD, D, SP, SCLK,
    output logic Q
);
  initial Q = 1'b1;
  always_ff @(posedge SCLK or posedge PD)
    if (PD) Q <= 1'b1;
    else if (SP) Q <= D;
endmodule

module OFS1P3DX (
    input  logic CD, D, SP, SCLK,
    output logic Q
);
  initial Q = 1'b0;
  always_ff @(posedge SCLK or posedge CD)
    if (CD) Q <= 1'b0;
    else if (SP) Q <= D;
endmodule

module IFS1P3DX (
    input  logic CD, D, SP, SCLK,
    output logic Q
);
  initial Q = 1'b0;
  always_ff @(posedge SCLK or posedge CD)
    if (CD) Q <= 1'b0;
    else if (SP) Q <= D;
endmodule

// For a clock, with constants at D0 and D1; so the cycles that the cell is behind them do not matter.
module ODDRX1F (
    input  logic D0, D1, RST, SCLK,
    output logic Q
);
  assign Q = !RST && (SCLK ? D0 : D1);
endmodule

module BB (
    input  logic I, T,
    output logic O,
    inout  wire  B
);
  assign B = T ? 1'bz : I;
  assign O = B;
endmodule
