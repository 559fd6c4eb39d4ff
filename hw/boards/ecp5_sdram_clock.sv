// As ecp5_clock, with the two clocks of a SDRAM chip beside the system's: of the registers in the FPGA's pins, twice as fast
// and in phase with it, and of the chip itself, three quarters of a period later (a little less, where the oscillator's
// periods do not divide so). Why so late: see ecp5_sdram_pins.
module ecp5_sdram_clock #(
    parameter int INPUT_DIVIDER = 1,
    parameter int FEEDBACK_DIVIDER = 1,
    parameter int OUTPUT_DIVIDER = 16
) (
    input  logic clock_in,
    output logic clock,
    output logic pin_clock,
    output logic chip_clock,
    output logic locked
);
  // An odd one does not halve; with one more the oscillator is faster, the system's clock is the same.
  localparam int HALF_DIVIDER = (OUTPUT_DIVIDER + 1) / 2;
  localparam int PHASE = HALF_DIVIDER - 1;         // in phase with clock_in, counted in periods of the oscillator

  // The attributes are the loop filter, as for ecp5_clock.
  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
      .CLKI_DIV(INPUT_DIVIDER),
      .CLKFB_DIV(FEEDBACK_DIVIDER),
      .CLKOP_DIV(2 * HALF_DIVIDER),
      .CLKOP_CPHASE(PHASE),
      .CLKOS_ENABLE("ENABLED"),
      .CLKOS_DIV(HALF_DIVIDER),
      .CLKOS_CPHASE(PHASE),
      .CLKOS2_ENABLE("ENABLED"),
      .CLKOS2_DIV(HALF_DIVIDER),
      .CLKOS2_CPHASE(PHASE + 3 * HALF_DIVIDER / 4),
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
      .CLKOS(pin_clock),
      .CLKOS2(chip_clock),
      .LOCK(locked)
  );
endmodule
