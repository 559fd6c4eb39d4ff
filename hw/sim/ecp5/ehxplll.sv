// The PLL of the Lattice ECP5 for simulation: it has locked, and its clock is the one that comes in. Nothing depends on the
// ratio, where there is only one clock; of a system with more there is no netlist to simulate.
module EHXPLLL #(
    parameter int CLKI_DIV = 1,
    parameter int CLKFB_DIV = 1,
    parameter int CLKOP_DIV = 8,
    parameter int CLKOP_CPHASE = 0,
    parameter int CLKOP_FPHASE = 0,
    parameter     CLKOP_ENABLE = "ENABLED",
    parameter int CLKOS_DIV = 8,
    parameter int CLKOS_CPHASE = 0,
    parameter     CLKOS_ENABLE = "DISABLED",
    parameter int CLKOS2_DIV = 8,
    parameter int CLKOS2_CPHASE = 0,
    parameter     CLKOS2_ENABLE = "DISABLED",
    parameter     FEEDBK_PATH = "CLKOP"
) (
    input  logic CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC, ENCLKOP,
    output logic CLKOP, LOCK
);
  assign CLKOP = CLKI;
  assign LOCK = 1'b1;
endmodule
