// The parameters of the requantizer: of the last sixteen quads of outputs, as the weight buffer has them; for the rest what
// the descriptor says.
module npu_parameters
  import npu_package::*;
#(
    parameter int LANES = 16
) (
    input  logic                clock,
    input  logic [3:0]          kind,
    input  addition_t           addition,
    input  logic                write,
    input  logic                second,         // word of a quad's parameters
    input  logic [3:0]          write_place,
    input  logic [32*LANES-1:0] weights,
    input  logic [3:0]          place,
    input  logic [1:0]          pass,           // of an addition: its operands, its output
    // one cycle later
    output logic [31:0]         bias[4],
    output logic [31:0]         multiplier[4],  // times 2^32
    output logic [7:0]          shift[4]        // positive: to the right
);
  localparam logic IN_TWO_WORDS = LANES == 8;
  // Where a shift is in the word that has the shifts
  localparam int FIRST_SHIFT = LANES == 8 ? 0 : 256;

  logic [31:0] pass_multiplier;
  logic [7:0]  pass_shift;
  always_comb
    unique case (pass)
      2'd0: {pass_multiplier, pass_shift} = {addition.multiplier_a, addition.shift_a};
      2'd1: {pass_multiplier, pass_shift} = {addition.multiplier_b, addition.shift_b};
      default: {pass_multiplier, pass_shift} = {addition.multiplier_output, addition.shift_output};
    endcase

  for (genvar n = 0; n < 4; n++) begin : g_output
    logic [30:0] read_multiplier;
    logic [31:0] read_bias;
    logic [5:0]  read_shift;
    midge_nn_memory_distributed #(
        .WIDTH(63)
    ) factors (
        .clock,
        .write(write && !second),
        .write_address(write_place),
        .write_data({weights[128+32*n+:31], weights[32*n+:32]}),
        .read_address(place),
        .read_data({read_multiplier, read_bias})
    );
    midge_nn_memory_distributed #(
        .WIDTH(6)
    ) shifts (
        .clock,
        .write(write && second == IN_TWO_WORDS),
        .write_address(write_place),
        .write_data(weights[FIRST_SHIFT+32*n+:6]),
        .read_address(place),
        .read_data(read_shift)
    );
    always_ff @(posedge clock)
      unique case (kind)
        KIND_ADD: {bias[n], multiplier[n], shift[n]} <= {32'd0, pass_multiplier[30:0], 1'b0, -pass_shift};
        // Twice the value, divided by two
        KIND_MAX_POOL: {bias[n], multiplier[n], shift[n]} <= {32'd0, 32'h8000_0000, -8'd1};
        default:
        {bias[n], multiplier[n], shift[n]} <= {read_bias, read_multiplier, 1'b0, -{{2{read_shift[5]}}, read_shift}};
      endcase
  end

  logic unused_bits;
  assign unused_bits = ^{weights, addition, pass_multiplier[31]};
endmodule
