// The descriptor of the neural engine: sixteen 32-bit words, the first in the lowest bits, in one of three forms. Which bits
// are zero_* must be zero.
package npu_package;

  // Each module uses some of it.
  // verilator lint_off UNUSEDPARAM

  // Kinds
  localparam logic [3:0] KIND_LOAD = 4'd1;
  localparam logic [3:0] KIND_STORE = 4'd2;
  localparam logic [3:0] KIND_CONVOLUTION = 4'd3;
  localparam logic [3:0] KIND_DEPTHWISE = 4'd4;
  localparam logic [3:0] KIND_MAX_POOL = 4'd5;
  localparam logic [3:0] KIND_ADD = 4'd6;

  // Widths of weights
  localparam logic [1:0] WIDTH_8 = 2'd0;
  localparam logic [1:0] WIDTH_4 = 2'd1;
  localparam logic [1:0] WIDTH_2 = 2'd2;

  // Why a descriptor is refused, or a list stopped
  localparam logic [7:0] ERROR_UNKNOWN_KIND = 8'd1;
  localparam logic [7:0] ERROR_MUST_BE_ZERO = 8'd2;
  localparam logic [7:0] ERROR_MISALIGNED = 8'd3;
  localparam logic [7:0] ERROR_OUTSIDE = 8'd4;
  localparam logic [7:0] ERROR_SIZE = 8'd5;
  localparam logic [7:0] ERROR_WAITS = 8'd6;
  localparam logic [7:0] ERROR_BUS = 8'd7;
  localparam logic [7:0] ERROR_WIDTH = 8'd8;
  localparam logic [7:0] ERROR_BUSY = 8'd9;

  // Cycles from the grant of a store's read to its response
  localparam int STORE_LATENCY = 6;

  // Words 0 and 1, the same in all forms
  typedef struct packed {
    // word 1
    logic [1:0]  zero_1;
    logic [9:0]  after_stores;
    logic [9:0]  after_computes;
    logic [9:0]  after_loads;
    // word 0
    logic [20:0] zero_0;
    logic        target;          // of a load: 0 the activation buffer, 1 the weight buffer
    logic [1:0]  base;
    logic [1:0]  zero_0_6;
    logic [1:0]  width;
    logic [3:0]  kind;
  } header_t;

  // Load, store
  typedef struct packed {
    logic [351:0] zero_5;
    logic [31:0]  bytes;          // word 4
    logic [31:0]  buffer_address;
    logic [31:0]  memory_offset;
    header_t      header;
  } transfer_t;

  // Convolution, depthwise convolution, max pool
  typedef struct packed {
    logic [63:0] zero_14;
    // word 13
    logic [15:0] zero_13;
    logic [15:0] channels;
    // word 12
    logic signed [7:0] clamp_max;
    logic signed [7:0] clamp_min;
    logic signed [7:0] output_zero_point;
    logic signed [7:0] input_zero_point;
    // word 11
    logic [15:0] blocks;
    logic [15:0] weight_word;
    // word 10
    logic [15:0] output_row_bytes;
    logic [15:0] output_pixel_bytes;
    // word 9
    logic [11:0] zero_9;
    logic [19:0] output_address;
    // word 8
    logic [15:0] output_rows;
    logic [15:0] output_width;
    // word 7
    logic [15:0] zero_7;
    logic [7:0]  stride_x;
    logic [7:0]  kernel_width;
    // word 6
    logic [3:0]  zero_6;
    logic [3:0]  stride_y;
    logic [7:0]  chunks;
    logic [7:0]  kernel_rows;
    logic [7:0]  pad_top;
    // word 5
    logic [15:0] column_step;
    logic [15:0] pad_left_bytes;
    // word 4
    logic [11:0] zero_4;
    logic [19:0] row_step;
    // word 3
    logic [15:0] input_rows;
    logic [15:0] input_row_bytes;
    // word 2
    logic [11:0] zero_2;
    logic [19:0] input_address;
    header_t     header;
  } layer_t;

  // Addition
  typedef struct packed {
    logic [63:0] zero_14;
    // word 13
    logic [23:0] zero_13;
    logic signed [7:0] b_zero_point;
    // word 12
    logic signed [7:0] clamp_max;
    logic signed [7:0] clamp_min;
    logic signed [7:0] output_zero_point;
    logic signed [7:0] input_zero_point;  // of a
    logic [63:0] zero_10;
    // word 9
    logic [7:0]  zero_9;
    logic [7:0]  shift_output;
    logic [7:0]  shift_b;
    logic [7:0]  shift_a;
    logic [31:0] multiplier_output;  // word 8
    logic [31:0] multiplier_b;
    logic [31:0] multiplier_a;
    logic [31:0] bytes;
    logic [31:0] output_address;
    logic [31:0] b_address;
    logic [31:0] a_address;
    header_t     header;
  } addition_t;

endpackage
