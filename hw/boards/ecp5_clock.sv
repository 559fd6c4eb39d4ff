// The system's clock from the board's, by a PLL of the Lattice ECP5: clock_in / INPUT_DIVIDER * FEEDBACK_DIVIDER.
// The PLL's oscillator runs OUTPUT_DIVIDER times as fast as its output, between 400 and 800 MHz.
module ecp5_clock #(
    parameter int INPUT_DIVIDER = 1,
    parameter int FEEDBACK_DIVIDER = 1,
    parameter int OUTPUT_DIVIDER = 16
) (
    input  logic clock_in,
    output logic clock,
    output logic locked
);
  // The attributes are the loop filter, as Lattice's and Trellis's tools set it for every ratio.
  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
      .CLKI_DIV(INPUT_DIVIDER),
      .CLKFB_DIV(FEEDBACK_DIVIDER),
      .CLKOP_DIV(OUTPUT_DIVIDER),
      .CLKOP_CPHASE(OUTPUT_DIVIDER / 2 - 1),  // in phase with clock_in
      .FEEDBK_PATH("CLKOP")
  ) pll (
      .CLKI(clock_in),
      .CLKFB(clock),
      .RST(1'b0),
      .STDBY(1'b0),
      .PHASESEL0(1'b0),
      .PHASESEL1(1'b0),
      .PHASEDIR(1'b0),
      .PHASESTEP(1'b0),
      .PHASELOADREG(1'b0),
      .PLLWAKESYNC(1'b0),
      .ENCLKOP(1'b0),
      .CLKOP(clock),
      .LOCK(locked)
  );
endmodule
