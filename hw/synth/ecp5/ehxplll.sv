// The PLL of the Lattice ECP5, what the boards' clocks use of it. For synthesis a declaration; there is no model.
(* blackbox *)
module EHXPLLL #(
    parameter int    CLKI_DIV = 1,
    parameter int    CLKFB_DIV = 1,
    parameter int    CLKOP_DIV = 8,
    parameter int    CLKOP_CPHASE = 0,
    parameter int    CLKOP_FPHASE = 0,
    parameter string CLKOP_ENABLE = "ENABLED",
    parameter int    CLKOS_DIV = 8,
    parameter int    CLKOS_CPHASE = 0,
    parameter string CLKOS_ENABLE = "DISABLED",
    parameter int    CLKOS2_DIV = 8,
    parameter int    CLKOS2_CPHASE = 0,
    parameter string CLKOS2_ENABLE = "DISABLED",
    parameter string FEEDBK_PATH = "CLKOP"
) (
    input  logic CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC, ENCLKOP,
    output logic CLKOP, CLKOS, CLKOS2, LOCK
);
endmodule
