// Checks a descriptor by every rule of the engine; of several that it breaks the first in this order gives the code.
//
// All but the last rule are decided in one cycle. That nothing reaches beyond a buffer needs products: they are added up
// a bit per cycle. The parts of an extent are added in turn, and compared after each, which only comes earlier to the
// same end.
module npu_check
  import npu_package::*;
#(
    parameter int LANES = 16,
    parameter int ACTIVATION_BYTES = 1 << 15,
    parameter int WEIGHT_BYTES = 1 << 15
) (
    input  logic         clock,
    input  logic         reset,
    input  logic         valid,            // until it is taken
    input  logic [511:0] descriptor,
    input  logic         taken,
    input  logic [1:0]   base_low,         // lowest bits of the base register that it names
    input  logic [9:0]   loads,            // that come before it in the list
    input  logic [9:0]   computes,
    input  logic [9:0]   stores,
    output logic         legal,
    output logic         refused,
    output logic [7:0]   code
);
  localparam int WEIGHT_WORDS = WEIGHT_BYTES / (4 * LANES);
  localparam int QUAD_WORDS = (48 + 4 * LANES - 1) / (4 * LANES);  // parameters of four outputs

  localparam int DEPTHWISE_PARAMETERS = LANES / 4 * QUAD_WORDS;

  header_t    header;
  transfer_t  transfer;
  layer_t     layer;
  addition_t  addition;
  logic [3:0] kind;
  logic [1:0] width;
  logic       is_load, is_transfer, is_convolution, is_depthwise, is_pool, is_layer, is_add;
  assign {transfer, layer, addition} = {3{descriptor}};
  assign header = transfer.header;
  assign {kind, width} = {header.kind, header.width};
  assign is_load = kind == KIND_LOAD;
  assign is_transfer = is_load || kind == KIND_STORE;
  assign is_convolution = kind == KIND_CONVOLUTION;
  assign is_depthwise = kind == KIND_DEPTHWISE;
  assign is_pool = kind == KIND_MAX_POOL;
  assign is_layer = is_convolution || is_depthwise || is_pool;
  assign is_add = kind == KIND_ADD;

  // Bits that have a name
  logic [15:0][31:0] named;
  always_comb begin
    named = '0;
    named[0] = 32'h0000_003f;
    named[1] = 32'h3fff_ffff;
    if (is_transfer) begin
      named[0] = is_load ? 32'h0000_073f : 32'h0000_033f;
      named[2] = 32'hffff_ffff;
      named[3] = 32'h000f_ffff;
      named[4] = 32'h0000_ffff;
    end else if (is_add) begin
      named[4:2] = {3{32'h000f_ffff}};
      named[5] = 32'h0000_ffff;
      named[8:6] = '1;
      named[9] = 32'h00ff_ffff;
      named[12] = 32'hffff_ffff;
      named[13] = 32'h0000_00ff;
    end else begin
      named[2] = 32'h000f_ffff;
      named[3] = 32'hffff_ffff;
      named[4] = 32'h000f_ffff;
      named[5] = 32'hffff_ffff;
      named[6] = is_convolution ? 32'h0fff_ffff : 32'h0f00_ffff;
      named[7] = is_convolution ? 32'h0000_0000 : 32'h0000_ffff;
      named[8] = 32'hffff_ffff;
      named[9] = 32'h000f_ffff;
      named[12:10] = '1;
      named[13] = 32'h0000_ffff;
    end
  end

  // The rules of one cycle
  logic [1:0]  low_bits;                   // of all that must be a multiple of 4
  logic        wrong_size, waits_forever;
  logic [15:0] bytes;
  logic [7:0]  broken;                     // code of the first rule that is, or 0
  logic [16:0] full_blocks;                // that the channels take
  assign bytes = is_add ? addition.bytes[15:0] : transfer.bytes[15:0];
  always_comb
    if (!is_convolution) full_blocks = (17'(layer.channels) + 17'(LANES - 1)) / 17'(LANES);
    else full_blocks = (17'(layer.channels) + (17'd4 << width) - 17'd1) >> (3'd2 + 3'(width));
  always_comb begin
    if (is_transfer) low_bits = transfer.memory_offset[1:0] | transfer.buffer_address[1:0] | base_low;
    else if (is_add)
      low_bits = addition.a_address[1:0] | addition.b_address[1:0] | addition.output_address[1:0] | addition.bytes[1:0];
    else low_bits = layer.output_address[1:0] | layer.output_pixel_bytes[1:0] | layer.output_row_bytes[1:0];

    if (!is_layer) wrong_size = bytes == 16'd0;
    else
      wrong_size = layer.input_row_bytes == 16'd0 || layer.input_rows == 16'd0 || layer.kernel_rows == 8'd0
          || layer.stride_y == 4'd0 || layer.output_width == 16'd0 || layer.output_rows == 16'd0
          || layer.blocks == 16'd0 || layer.channels == 16'd0
          || (is_convolution ? layer.chunks == 8'd0 : layer.kernel_width == 8'd0 || layer.stride_x == 8'd0)
          || (is_depthwise && layer.kernel_width > 8'd4) || 17'(layer.blocks) != full_blocks;

    waits_forever = header.after_loads > loads || header.after_computes > computes || header.after_stores > stores;

    if (!is_transfer && !is_layer && !is_add) broken = ERROR_UNKNOWN_KIND;
    else if ((descriptor & ~named) != '0) broken = ERROR_MUST_BE_ZERO;
    else if (is_convolution ? width == 2'd3 : width != 2'd0) broken = ERROR_WIDTH;
    else if (low_bits != 2'd0) broken = ERROR_MISALIGNED;
    else if (wrong_size) broken = ERROR_SIZE;
    else if (waits_forever) broken = ERROR_WAITS;
    else broken = 8'd0;
  end

  // Extents: first + factor_1 * factor_2, or the sum so far instead of first, against a limit.
  //   part        0           1                2                   3                  4
  //   transfer    buffer
  //   add         a           b                output
  //   layer       input       output: rows     and columns         words of a block   of all blocks
  logic [2:0]  part;
  logic        last_part;
  logic [33:0] sum, first, limit;
  logic [33:0] factor_1, factor_1_left;
  logic [15:0] factor_2, factor_2_left;
  always_comb begin
    first = 34'(layer.input_address);
    factor_1 = 34'(layer.input_row_bytes);
    factor_2 = layer.input_rows;
    limit = 34'(ACTIVATION_BYTES);
    last_part = 1'b0;
    if (is_transfer) begin
      first = 34'(transfer.buffer_address);
      factor_1 = (34'(bytes) + 34'd3) & ~34'd3;
      factor_2 = 16'd1;
      if (is_load && header.target) limit = 34'(WEIGHT_BYTES);
      last_part = 1'b1;
    end else if (is_add) begin
      unique case (part)
        3'd0: first = 34'(addition.a_address);
        3'd1: first = 34'(addition.b_address);
        default: first = 34'(addition.output_address);
      endcase
      factor_1 = 34'(bytes);
      factor_2 = 16'd1;
      last_part = part == 3'd2;
    end else
      unique case (part)
        3'd1: begin
          first = 34'(layer.output_address) + ((34'(layer.channels) + 34'd3) & ~34'd3);
          factor_1 = 34'(layer.output_row_bytes);
          factor_2 = layer.output_rows - 16'd1;
        end
        3'd2: begin
          first = sum;
          factor_1 = 34'(layer.output_pixel_bytes);
          factor_2 = layer.output_width - 16'd1;
          last_part = is_pool;
        end
        3'd3: begin
          first = is_depthwise ? 34'(DEPTHWISE_PARAMETERS) : 34'(QUAD_WORDS) << width;
          factor_1 = is_depthwise ? 34'd1 : 34'(layer.chunks);
          factor_2 = 16'(layer.kernel_rows);
          limit = 34'(WEIGHT_WORDS);
        end
        3'd4: begin
          first = 34'(layer.weight_word);
          factor_1 = sum;
          factor_2 = layer.blocks;
          limit = 34'(WEIGHT_WORDS);
          last_part = 1'b1;
        end
        default: ;
      endcase
  end

  typedef enum logic [2:0] {
    RULES,
    TAKE_PART,
    MULTIPLY,
    COMPARE,
    LEGAL,
    REFUSED
  } state_t;
  state_t state;
  assign legal = state == LEGAL;
  assign refused = state == REFUSED;

  always_ff @(posedge clock)
    if (reset) state <= RULES;
    else
      unique case (state)
        RULES:
          if (valid) begin
            code <= broken;
            state <= broken != 8'd0 ? REFUSED : TAKE_PART;
          end
        TAKE_PART: state <= MULTIPLY;
        MULTIPLY: if (factor_2_left[15:1] == 15'd0) state <= COMPARE;
        COMPARE: begin
          code <= ERROR_OUTSIDE;
          state <= sum > limit ? REFUSED : last_part ? LEGAL : TAKE_PART;
        end
        LEGAL: if (taken) state <= RULES;
        default: ;
      endcase

  always_ff @(posedge clock)
    unique case (state)
      RULES: part <= 3'd0;
      TAKE_PART: begin
        sum <= first;
        factor_1_left <= factor_1;
        factor_2_left <= factor_2;
      end
      MULTIPLY: begin
        if (factor_2_left[0]) sum <= sum + factor_1_left;
        factor_1_left <= factor_1_left << 1;
        factor_2_left <= factor_2_left >> 1;
      end
      COMPARE: part <= part + 3'd1;
      default: ;
    endcase

  // The three forms overlap.
  logic unused_fields;
  assign unused_fields = ^{header, transfer, layer, addition};
endmodule
