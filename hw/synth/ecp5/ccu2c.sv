// The two-bit carry cell of the Lattice ECP5. For synthesis a declaration, for simulation a model, the one of Yosys
// (techlibs/ecp5/cells_sim.v) without injected carries.
(* blackbox *)
module CCU2C #(
    parameter logic [15:0] INIT0 = 16'h0,
    parameter logic [15:0] INIT1 = 16'h0,
    parameter string       INJECT1_0 = "YES",
    parameter string       INJECT1_1 = "YES"
) (
    input  logic CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output logic S0, S1, COUT
);
  if (INJECT1_0 != "NO" || INJECT1_1 != "NO") $error("injected carries are not modelled");
  logic lut4_0, lut2_0, lut4_1, lut2_1, middle;
  assign lut4_0 = INIT0[{D0, C0, B0, A0}];
  assign lut2_0 = INIT0[{2'b0, B0, A0}];
  assign lut4_1 = INIT1[{D1, C1, B1, A1}];
  assign lut2_1 = INIT1[{2'b0, B1, A1}];
  assign S0 = lut4_0 ^ CIN;
  assign middle = lut4_0 ? CIN : lut2_0;
  assign S1 = lut4_1 ^ middle;
  assign COUT = lut4_1 ? middle : lut2_1;
endmodule
