// The block RAM of the Lattice ECP5, which Yosys only declares: what synthesis uses of it. 2048 bytes of nine bits; a port
// that is narrower than a byte leaves the ninth alone. With 36 bits port A writes and port B reads, each over the data
// pins of both. Of a byte that one port reads while the other writes it, either value is right; here it is the older one.
module DP16KD #(
    parameter int DATA_WIDTH_A = 18,
    parameter int DATA_WIDTH_B = 18,
    parameter     WRITEMODE_A = "NORMAL",
    parameter     WRITEMODE_B = "NORMAL",
    parameter     REGMODE_A = "NOREG",
    parameter     REGMODE_B = "NOREG",
    parameter     CSDECODE_A = "0b000",
    parameter     CSDECODE_B = "0b000",
    parameter     CLKAMUX = "CLKA",
    parameter     CLKBMUX = "CLKB",
    parameter     RESETMODE = "SYNC",
    parameter     ASYNC_RESET_RELEASE = "SYNC",
    parameter     GSR = "AUTO",
    parameter     CONTENTS = ""               // a file of 2048 hexadecimal numbers in place of INITVAL_00 to _3F
) (
    input  logic CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input  logic ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input  logic DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16,
    input  logic DIA17,
    output logic DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16,
    output logic DOA17,
    input  logic CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input  logic ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input  logic DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16,
    input  logic DIB17,
    output logic DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16,
    output logic DOB17
);
  if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG") $error("registers behind a block RAM are not modelled");
  if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB") $error("block RAMs of the falling edge are not modelled");
  if (WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH") $error("reading what is written is not modelled");

  logic [13:0] address_a, address_b;
  logic [35:0] write_a, write_b, read_a, read_b;
  assign address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  assign address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  assign write_b = {18'b0, DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3,
                    DIB2, DIB1, DIB0};
  assign write_a = {write_b[17:0], DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
                    DIA3, DIA2, DIA1, DIA0};
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} =
      DATA_WIDTH_B == 36 ? read_b[17:0] : read_a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} =
      DATA_WIDTH_B == 36 ? read_b[35:18] : read_b[17:0];

  logic [8:0] bytes[2048];
  initial begin
    for (int i = 0; i < 2048; i++) bytes[i] = '0;
    if (CONTENTS != "") $readmemh(CONTENTS, bytes);
  end

  for (genvar port = 0; port < 2; port++) begin : g_port
    localparam int WIDTH = port == 0 ? DATA_WIDTH_A : DATA_WIDTH_B;
    localparam bit KEEPS_READING = (port == 0 ? WRITEMODE_A : WRITEMODE_B) == "READBEFOREWRITE";
    localparam int BYTES = WIDTH < 9 ? 1 : WIDTH / 9;
    logic        clock, selected, writes, resets;
    logic [13:0] address;
    logic [10:0] first;
    logic [35:0] written, found, read;
    assign clock = port == 0 ? CLKA : CLKB;
    assign selected = port == 0 ? CEA && {CSA2, CSA1, CSA0} == 3'd0 : CEB && {CSB2, CSB1, CSB0} == 3'd0;
    assign writes = port == 0 ? WEA : WEB;
    assign resets = port == 0 ? RSTA : RSTB;
    assign address = port == 0 ? address_a : address_b;
    assign first = address[13:3] & ~11'(BYTES - 1);
    assign written = port == 0 ? write_a : write_b;

    if (WIDTH < 9) begin : g_bits
      localparam logic [2:0] ALIGNED = ~3'(WIDTH - 1);
      assign found = 36'(WIDTH'(bytes[first] >> (address[2:0] & ALIGNED)));
      always_ff @(posedge clock)
        if (selected && writes && !resets)
          for (int i = 0; i < WIDTH; i++) bytes[first][4'(address[2:0] & ALIGNED) + 4'(i)] <= written[i];
    end else begin : g_bytes
      always_comb begin
        found = '0;
        for (int i = 0; i < BYTES; i++) found[9*i+:9] = bytes[first+11'(i)];
      end
      // The lowest bits of the address say which bytes of a wider word are written.
      always_ff @(posedge clock)
        if (selected && writes && !resets)
          for (int i = 0; i < BYTES; i++) if (BYTES == 1 || address[i]) bytes[first+11'(i)] <= written[9*i+:9];
    end

    if (RESETMODE == "SYNC") begin : g_synchronous
      always_ff @(posedge clock)
        if (resets) read <= '0;
        else if (selected && (!writes || KEEPS_READING)) read <= found;
    end else begin : g_asynchronous
      always_ff @(posedge clock or posedge resets)
        if (resets) read <= '0;
        else if (selected && (!writes || KEEPS_READING)) read <= found;
    end
  end
  assign read_a = g_port[0].read;
  assign read_b = g_port[1].read;

  logic unused;
  assign unused = ^{OCEA, OCEB};
endmodule
