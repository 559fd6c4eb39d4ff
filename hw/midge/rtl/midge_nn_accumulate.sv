// Four dot units with their weights and their sixteen accumulators each. Two stages behind a weight: the dot product's
// planes, with the accumulator read; the sum, written.
module midge_nn_accumulate (
    input  logic         clock,
    input  logic         reset,
    // a word of weights from memory for all units, or a tap of each unit's own
    input  logic         load,
    input  logic         mac,
    input  logic         tap,
    input  logic [31:0]  load_data,
    input  logic [3:0]   tap_address,
    input  logic [3:0]   channel,
    input  logic [3:0]   units,             // that accumulate
    input  logic         first,
    input  logic [1:0]   width,
    input  logic [127:0] activations[4],    // in the next cycle
    output logic         busy,
    output logic [31:0]  weights,           // the word that was loaded last
    // set, ldm
    input  logic         write_accumulator,
    input  logic         write_tap,
    input  logic [5:0]   write_element,
    input  logic [31:0]  write_data,
    // get, requantization: while nothing is busy
    input  logic [5:0]   read_element,
    output logic [31:0]  accumulator,
    output logic [31:0]  tap_weights
);
  logic       m1_valid, m2_valid, m1_first;
  logic [3:0] m1_channel, m2_channel, m1_units, m2_units;
  logic [1:0] m1_width;
  assign busy = m1_valid || m2_valid;

  always_ff @(posedge clock) begin
    m1_valid <= (mac || tap) && !reset;
    m2_valid <= m1_valid && !reset;
    m1_first <= first;
    m1_channel <= channel;
    m2_channel <= m1_channel;
    m1_units <= units;
    m2_units <= m1_units;
    m1_width <= width;
  end

  logic [31:0] unit_weights[4], read_accumulators[4], read_taps[4];
  assign weights = unit_weights[0];
  assign accumulator = read_accumulators[read_element[5:4]];
  assign tap_weights = read_taps[read_element[5:4]];

  for (genvar p = 0; p < 4; p++) begin : g_unit
    logic               writes_here;
    logic signed [17:0] sum;
    logic signed [31:0] old_sum, new_sum;
    assign writes_here = write_element[5:4] == p;

    midge_nn_memory_distributed taps (
        .clock,
        .write(write_tap && writes_here),
        .write_address(write_element[3:0]),
        .write_data,
        .read_address(tap ? tap_address : read_element[3:0]),
        .read_data(read_taps[p])
    );
    always_ff @(posedge clock) if (load || tap) unit_weights[p] <= tap ? read_taps[p] : load_data;

    midge_nn_dot dot (
        .clock,
        .enable(m1_valid),
        .weights(unit_weights[p]),
        .width(m1_width),
        .activations(activations[p]),
        .sum
    );

    midge_nn_memory_distributed accumulators (
        .clock,
        .write(m2_valid ? m2_units[p] : write_accumulator && writes_here),
        .write_address(m2_valid ? m2_channel : write_element[3:0]),
        .write_data(new_sum),
        .read_address(m1_valid ? m1_channel : read_element[3:0]),
        .read_data(read_accumulators[p])
    );
    // Without a sum to add to it is 0, so that what is written can go through the adder.
    always_ff @(posedge clock) old_sum <= m1_first || !m1_valid ? 32'sd0 : $signed(read_accumulators[p]);
    midge_nn_selected_sum #(
        .WIDTH(32)
    ) next_sum (
        .value(old_sum),
        .addend_0($signed(write_data)),
        .addend_1(32'(sum)),
        .select(m2_valid),
        .sum(new_sum)
    );
  end
endmodule
