// The activations of four pixels, the column that is being loaded, and the hold register for words at any address.
module midge_nn_activations
  import midge_nn_types::*;
(
    input  logic          clock,
    input  logic          done,             // the operation happens in this cycle
    input  nn_operation_t operation,
    input  logic [31:0]   read_data,
    input  logic [31:0]   data,             // read_data, or the first operand
    input  logic          write_column,     // set, ldm: element `index`
    input  logic          transfer,         // the column becomes the activations, transposed
    input  logic [1:0]    width,
    input  logic          vector_mode,
    output logic [127:0]  activations[4],   // of each pixel: byte i of word j at bits 8 * (4 * i + j)
    output logic [31:0]   column[4],
    output logic [31:0]   hold              // the word that memory sent last
);
  logic [31:0] word;
  always_comb
    unique case (operation.low)
      2'd0: word = read_data;
      2'd1: word = {read_data[7:0], hold[31:8]};
      2'd2: word = {read_data[15:0], hold[31:16]};
      default: word = {read_data[23:0], hold[31:24]};
    endcase

  always_ff @(posedge clock) if (done && operation.access) hold <= read_data;

  // A word of narrow weights meets one word of activations per digit of a byte; wider weights have several digits, whose
  // activations are the same.
  logic [3:0] writes_word;
  always_comb
    unique case (width)
      2'd0: writes_word = 4'b1111;
      2'd1: writes_word = operation.word[0] ? 4'b1100 : 4'b0011;
      default: writes_word = 4'b0001 << operation.word;
    endcase

  logic [31:0] next_row;
  logic        sets_row;
  assign sets_row = operation.fill || write_column;
  assign next_row = sets_row ? data : word;

  for (genvar p = 0; p < 4; p++) begin : g_pixel
    logic        writes_pixel;
    logic [31:0] next_word;
    assign writes_pixel = done && operation.activation && (vector_mode || operation.row == p);
    assign next_word = transfer ? {column[3][8*p+:8], column[2][8*p+:8], column[1][8*p+:8], column[0][8*p+:8]} : word;

    for (genvar j = 0; j < 4; j++) begin : g_word
      logic [31:0] stored;
      always_ff @(posedge clock) if (transfer || (writes_pixel && writes_word[j])) stored <= next_word;
    end
    // One expression, which the simulator evaluates faster than sixteen assignments.
    assign activations[p] = {
      g_word[3].stored[31:24], g_word[2].stored[31:24], g_word[1].stored[31:24], g_word[0].stored[31:24],
      g_word[3].stored[23:16], g_word[2].stored[23:16], g_word[1].stored[23:16], g_word[0].stored[23:16],
      g_word[3].stored[15:8], g_word[2].stored[15:8], g_word[1].stored[15:8], g_word[0].stored[15:8],
      g_word[3].stored[7:0], g_word[2].stored[7:0], g_word[1].stored[7:0], g_word[0].stored[7:0]
    };

    logic writes_row;
    assign writes_row = sets_row ? operation.fill || operation.index[1:0] == p : operation.column && operation.row == p;
    always_ff @(posedge clock) if (done && writes_row) column[p] <= next_row;
  end

  logic unused_fields;
  assign unused_fields = ^{operation.complete, operation.advance, operation.group, operation.weights, operation.mac,
      operation.first, operation.array, operation.code, operation.index[7:2]};
endmodule
