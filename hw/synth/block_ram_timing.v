// Timing of an ECP5 block RAM for technology mapping: its outputs come late in the cycle, so that logic behind
// them must be shallow. Yosys's own library leaves that out and would save area there instead of depth. With its
// route an output comes 7 to 8 ns after the clock edge at speed grade 6; 4 ns stand here, because the mapper
// counts half of what a lookup table and its wire really take.
(* blackbox *)
module DP16KD (
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
); // parameters: those that Yosys sets
  parameter ASYNC_RESET_RELEASE = 0;
  parameter CLKAMUX = 0;
  parameter CLKBMUX = 0;
  parameter CSDECODE_A = 0;
  parameter CSDECODE_B = 0;
  parameter DATA_WIDTH_A = 0;
  parameter DATA_WIDTH_B = 0;
  parameter GSR = 0;
  parameter REGMODE_A = 0;
  parameter REGMODE_B = 0;
  parameter RESETMODE = 0;
  parameter WRITEMODE_A = 0;
  parameter WRITEMODE_B = 0;
  parameter INITVAL_00 = 320'b0, INITVAL_01 = 320'b0, INITVAL_02 = 320'b0, INITVAL_03 = 320'b0;
  parameter INITVAL_04 = 320'b0, INITVAL_05 = 320'b0, INITVAL_06 = 320'b0, INITVAL_07 = 320'b0;
  parameter INITVAL_08 = 320'b0, INITVAL_09 = 320'b0, INITVAL_0A = 320'b0, INITVAL_0B = 320'b0;
  parameter INITVAL_0C = 320'b0, INITVAL_0D = 320'b0, INITVAL_0E = 320'b0, INITVAL_0F = 320'b0;
  parameter INITVAL_10 = 320'b0, INITVAL_11 = 320'b0, INITVAL_12 = 320'b0, INITVAL_13 = 320'b0;
  parameter INITVAL_14 = 320'b0, INITVAL_15 = 320'b0, INITVAL_16 = 320'b0, INITVAL_17 = 320'b0;
  parameter INITVAL_18 = 320'b0, INITVAL_19 = 320'b0, INITVAL_1A = 320'b0, INITVAL_1B = 320'b0;
  parameter INITVAL_1C = 320'b0, INITVAL_1D = 320'b0, INITVAL_1E = 320'b0, INITVAL_1F = 320'b0;
  parameter INITVAL_20 = 320'b0, INITVAL_21 = 320'b0, INITVAL_22 = 320'b0, INITVAL_23 = 320'b0;
  parameter INITVAL_24 = 320'b0, INITVAL_25 = 320'b0, INITVAL_26 = 320'b0, INITVAL_27 = 320'b0;
  parameter INITVAL_28 = 320'b0, INITVAL_29 = 320'b0, INITVAL_2A = 320'b0, INITVAL_2B = 320'b0;
  parameter INITVAL_2C = 320'b0, INITVAL_2D = 320'b0, INITVAL_2E = 320'b0, INITVAL_2F = 320'b0;
  parameter INITVAL_30 = 320'b0, INITVAL_31 = 320'b0, INITVAL_32 = 320'b0, INITVAL_33 = 320'b0;
  parameter INITVAL_34 = 320'b0, INITVAL_35 = 320'b0, INITVAL_36 = 320'b0, INITVAL_37 = 320'b0;
  parameter INITVAL_38 = 320'b0, INITVAL_39 = 320'b0, INITVAL_3A = 320'b0, INITVAL_3B = 320'b0;
  parameter INITVAL_3C = 320'b0, INITVAL_3D = 320'b0, INITVAL_3E = 320'b0, INITVAL_3F = 320'b0;
  specify
    (posedge CLKA => (DOA0 : 1'bx)) = 4000;
    (posedge CLKA => (DOA1 : 1'bx)) = 4000;
    (posedge CLKA => (DOA2 : 1'bx)) = 4000;
    (posedge CLKA => (DOA3 : 1'bx)) = 4000;
    (posedge CLKA => (DOA4 : 1'bx)) = 4000;
    (posedge CLKA => (DOA5 : 1'bx)) = 4000;
    (posedge CLKA => (DOA6 : 1'bx)) = 4000;
    (posedge CLKA => (DOA7 : 1'bx)) = 4000;
    (posedge CLKA => (DOA8 : 1'bx)) = 4000;
    (posedge CLKA => (DOA9 : 1'bx)) = 4000;
    (posedge CLKA => (DOA10 : 1'bx)) = 4000;
    (posedge CLKA => (DOA11 : 1'bx)) = 4000;
    (posedge CLKA => (DOA12 : 1'bx)) = 4000;
    (posedge CLKA => (DOA13 : 1'bx)) = 4000;
    (posedge CLKA => (DOA14 : 1'bx)) = 4000;
    (posedge CLKA => (DOA15 : 1'bx)) = 4000;
    (posedge CLKA => (DOA16 : 1'bx)) = 4000;
    (posedge CLKA => (DOA17 : 1'bx)) = 4000;
    (posedge CLKB => (DOB0 : 1'bx)) = 4000;
    (posedge CLKB => (DOB1 : 1'bx)) = 4000;
    (posedge CLKB => (DOB2 : 1'bx)) = 4000;
    (posedge CLKB => (DOB3 : 1'bx)) = 4000;
    (posedge CLKB => (DOB4 : 1'bx)) = 4000;
    (posedge CLKB => (DOB5 : 1'bx)) = 4000;
    (posedge CLKB => (DOB6 : 1'bx)) = 4000;
    (posedge CLKB => (DOB7 : 1'bx)) = 4000;
    (posedge CLKB => (DOB8 : 1'bx)) = 4000;
    (posedge CLKB => (DOB9 : 1'bx)) = 4000;
    (posedge CLKB => (DOB10 : 1'bx)) = 4000;
    (posedge CLKB => (DOB11 : 1'bx)) = 4000;
    (posedge CLKB => (DOB12 : 1'bx)) = 4000;
    (posedge CLKB => (DOB13 : 1'bx)) = 4000;
    (posedge CLKB => (DOB14 : 1'bx)) = 4000;
    (posedge CLKB => (DOB15 : 1'bx)) = 4000;
    (posedge CLKB => (DOB16 : 1'bx)) = 4000;
    (posedge CLKB => (DOB17 : 1'bx)) = 4000;
  endspecify
endmodule
