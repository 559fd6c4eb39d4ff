// The carry cell of the Lattice ECP5 for simulation, as in Yosys (share/ecp5/ccu2c_sim.vh), with its tables as inputs: as
// parameters, there would be hundreds of modules.
module CCU2C #(
    parameter INJECT1_0 = "YES",
    parameter INJECT1_1 = "YES"
) (
    input  logic [15:0] INIT0, INIT1,
    input  logic        CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output logic        S0, S1, COUT
);
  logic table_0, table_1, middle;
  assign table_0 = INIT0[{D0, C0, B0, A0}];
  assign table_1 = INIT1[{D1, C1, B1, A1}];
  assign S0 = table_0 ^ (INJECT1_0 == "YES" ? 1'b0 : CIN);
  assign middle = table_0 ? CIN : INJECT1_0 == "YES" ? 1'b0 : INIT0[{2'b0, B0, A0}];
  assign S1 = table_1 ^ (INJECT1_1 == "YES" ? 1'b0 : middle);
  assign COUT = table_1 ? middle : INJECT1_1 == "YES" ? 1'b0 : INIT1[{2'b0, B1, A1}];
endmodule
