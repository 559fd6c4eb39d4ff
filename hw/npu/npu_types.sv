// What travels through the pipeline of the neural engine's compute unit.
package npu_types;

  // Where a step reads: at `position` of the row of bytes that begins at `row_address`.
  typedef struct packed {
    logic               padded;       // bytes outside of the image are replaced
    logic [19:0]        row_address;
    logic signed [17:0] row;          // number of the row in the image
    logic signed [17:0] position;
  } place_t;

  // A step of the array, or a word of parameters.
  typedef struct packed {
    logic        read;             // activations
    logic        parameters;       // the word of weights has parameters
    logic        second;           // the second word of a quad's; of an addition: b is read, not a
    logic        first;            // of the sums of a pixel (depthwise: of a column)
    logic        shift;            // depthwise: the column ends
    logic        last;             // the sums are complete
    logic        ends;             // they are the descriptor's last
    logic [2:0]  quads;            // words that they become
    logic [3:0]  parameter_place;  // place of a quad's parameters, of the first quad
    logic [19:2] output_address;
  } step_t;

endpackage
