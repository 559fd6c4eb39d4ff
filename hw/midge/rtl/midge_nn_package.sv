// Encoding and registers of the neural-network extension Xmidge: made by hw/midge/xmidge.py
// from hw/midge/xmidge.toml.
package midge_nn_package;

  // The whole table is here, used or not.
  // verilator lint_off UNUSEDPARAM

  // Major opcodes (instruction bits 6:2).
  localparam logic [4:0] OPCODE_CUSTOM_0 = 5'b00010;
  localparam logic [4:0] OPCODE_CUSTOM_1 = 5'b01010;

  // funct3 and funct7 of the instructions; where a group is in funct7, it is in bits 1:0.
  localparam logic [2:0] FUNCT3_SET = 3'd0;
  localparam logic [2:0] FUNCT3_GET = 3'd1;
  localparam logic [2:0] FUNCT3_LDM = 3'd2;
  localparam logic [2:0] FUNCT3_LDA = 3'd3;
  localparam logic [6:0] FUNCT7_LDA = 7'd0;
  localparam logic [2:0] FUNCT3_MAC = 3'd4;
  localparam logic [6:0] FUNCT7_MAC = 7'd0;
  localparam logic [2:0] FUNCT3_MACF = 3'd4;
  localparam logic [6:0] FUNCT7_MACF = 7'd1;
  localparam logic [2:0] FUNCT3_COL = 3'd5;
  localparam logic [6:0] FUNCT7_COL = 7'd0;
  localparam logic [2:0] FUNCT3_COLA = 3'd5;
  localparam logic [6:0] FUNCT7_COLA = 7'd8;
  localparam logic [2:0] FUNCT3_COLV = 3'd5;
  localparam logic [6:0] FUNCT7_COLV = 7'd4;
  localparam logic [2:0] FUNCT3_COLVA = 3'd5;
  localparam logic [6:0] FUNCT7_COLVA = 7'd12;
  localparam logic [2:0] FUNCT3_RQC = 3'd6;
  localparam logic [6:0] FUNCT7_RQC = 7'd0;
  localparam logic [2:0] FUNCT3_RQW = 3'd6;
  localparam logic [6:0] FUNCT7_RQW = 7'd1;
  localparam logic [2:0] FUNCT3_RQV = 3'd6;
  localparam logic [6:0] FUNCT7_RQV = 7'd2;
  localparam logic [2:0] FUNCT3_TABA = 3'd6;
  localparam logic [6:0] FUNCT7_TABA = 7'd3;
  localparam logic [2:0] FUNCT3_TABB = 3'd6;
  localparam logic [6:0] FUNCT7_TABB = 7'd4;
  localparam logic [2:0] FUNCT3_ADD = 3'd6;
  localparam logic [6:0] FUNCT7_ADD = 7'd5;
  localparam logic [2:0] FUNCT3_SUB = 3'd6;
  localparam logic [6:0] FUNCT7_SUB = 7'd6;
  localparam logic [2:0] FUNCT3_MAX4 = 3'd7;
  localparam logic [6:0] FUNCT7_MAX4 = 7'd0;
  localparam logic [2:0] FUNCT3_MIN4 = 3'd7;
  localparam logic [6:0] FUNCT7_MIN4 = 7'd1;
  localparam logic [2:0] FUNCT3_LOOP = 3'd0;

  // Registers: code (funct7 of set, get and ldm) and number of elements.
  localparam logic [6:0] REGISTER_SHAPE = 7'd0;
  localparam logic [8:0] LENGTH_SHAPE = 9'd1;
  localparam logic [6:0] REGISTER_PIXEL_STEP = 7'd1;
  localparam logic [8:0] LENGTH_PIXEL_STEP = 9'd1;
  localparam logic [6:0] REGISTER_COLUMN_STEP = 7'd2;
  localparam logic [8:0] LENGTH_COLUMN_STEP = 9'd1;
  localparam logic [6:0] REGISTER_OUTPUT_STEP = 7'd3;
  localparam logic [8:0] LENGTH_OUTPUT_STEP = 9'd1;
  localparam logic [6:0] REGISTER_OUTPUT = 7'd4;
  localparam logic [8:0] LENGTH_OUTPUT = 9'd1;
  localparam logic [6:0] REGISTER_WINDOW = 7'd5;
  localparam logic [8:0] LENGTH_WINDOW = 9'd1;
  localparam logic [6:0] REGISTER_POSITION = 7'd6;
  localparam logic [8:0] LENGTH_POSITION = 9'd1;
  localparam logic [6:0] REGISTER_LOOP_COUNT = 7'd8;
  localparam logic [8:0] LENGTH_LOOP_COUNT = 9'd1;
  localparam logic [6:0] REGISTER_LOOP_START = 7'd9;
  localparam logic [8:0] LENGTH_LOOP_START = 9'd1;
  localparam logic [6:0] REGISTER_LOOP_END = 7'd10;
  localparam logic [8:0] LENGTH_LOOP_END = 9'd1;
  localparam logic [6:0] REGISTER_ACCUMULATOR = 7'd16;
  localparam logic [8:0] LENGTH_ACCUMULATOR = 9'd64;
  localparam logic [6:0] REGISTER_COLUMN = 7'd17;
  localparam logic [8:0] LENGTH_COLUMN = 9'd4;
  localparam logic [6:0] REGISTER_WEIGHT = 7'd18;
  localparam logic [8:0] LENGTH_WEIGHT = 9'd64;
  localparam logic [6:0] REGISTER_BIAS = 7'd19;
  localparam logic [8:0] LENGTH_BIAS = 9'd64;
  localparam logic [6:0] REGISTER_MULTIPLIER = 7'd20;
  localparam logic [8:0] LENGTH_MULTIPLIER = 9'd64;
  localparam logic [6:0] REGISTER_SHIFT = 7'd21;
  localparam logic [8:0] LENGTH_SHIFT = 9'd16;
  localparam logic [6:0] REGISTER_TABLE_A = 7'd22;
  localparam logic [8:0] LENGTH_TABLE_A = 9'd256;
  localparam logic [6:0] REGISTER_TABLE_B = 7'd23;
  localparam logic [8:0] LENGTH_TABLE_B = 9'd256;

  typedef struct packed {
    logic [17:0] zero_14;
    logic [5:0] channels;  // channels - 1: words of weights per step
    logic [1:0] words;  // words of activations per pixel and step, - 1
    logic [1:0] pixels;  // pixels - 1
    logic shared;  // one multiplier and shift (element 0) for all channels
    logic vector_mode;  // one pixel, up to 64 channels: accumulator c is [c / 16][c % 16], and lda writes the activations of all pixels
    logic [1:0] width;  // weights of 8 (0), 4 (1) or 2 (2) bits
  } shape_t;
  localparam logic [31:0] SHAPE_MASK = 32'h00003fff;

  typedef struct packed {
    logic [2:0] zero_29;
    logic [4:0] left_shift;  // of the entries of a table (taba, tabb)
    logic [7:0] maximum;  // int8, the largest output
    logic [7:0] minimum;  // int8, the least output
    logic [7:0] zero_point;  // int8, added
  } output_t;
  localparam logic [31:0] OUTPUT_MASK = 32'h1fffffff;

  typedef struct packed {
    logic [13:0] zero_18;
    logic [1:0] lanes;  // channels - 1
    logic [1:0] zero_14;
    logic [1:0] stride;  // columns from one window to the next, - 1
    logic [3:0] taps;  // columns of a window - 1
    logic [2:0] zero_5;
    logic [2:0] rows;  // rows that are loaded, 0 to 4
    logic [1:0] first;  // first row that is loaded
  } window_t;
  localparam logic [31:0] WINDOW_MASK = 32'h00033f1f;

  typedef struct packed {
    logic [25:0] zero_6;
    logic [1:0] phase;  // columns since then
    logic [3:0] slot;  // accumulators of the window that starts at this column, or started last
  } position_t;
  localparam logic [31:0] POSITION_MASK = 32'h0000003f;

  // verilator lint_on UNUSEDPARAM
endpackage
