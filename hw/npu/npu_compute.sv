// The compute unit of the neural engine: the buffers, and what works on them. One descriptor at a time.
//
// A step takes the same way whatever it is for. Cycles from the sequencer on: 1 address, 2 to 5 activations from the buffer,
// 6 ordered for the array, with the weights, 7 to 10 products and sums, 11 to the requantizer, 17 a result in words.
module npu_compute
  import npu_package::*;
  import npu_types::*;
#(
    parameter int LANES = 16,                // 8 or 16
    parameter int ACTIVATION_BYTES = 1 << 15,
    parameter int WEIGHT_BYTES = 1 << 15
) (
    input  logic               clock,
    input  logic               reset,
    // computations, already checked
    input  logic               descriptor_valid,
    output logic               descriptor_ready,
    input  logic [511:0]       descriptor,
    output logic               done,              // for a cycle: all results are in the buffer
    output logic               step,              // for counters: the array works
    output logic               throttled,         // or waits for the requantizer
    output logic               port_taken,        // or for the buffer
    // loads: a word at a time
    input  logic               load_valid,
    output logic               load_ready,
    input  logic               load_buffer,       // 0 activations, 1 weights
    input  logic [19:2]        load_address,
    input  logic [31:0]        load_data,
    // stores: a line at a time; the response comes STORE_LATENCY cycles after the grant
    input  logic               store_request,
    output logic               store_grant,
    input  logic [19:0]        store_address,     // in lines
    output logic               store_response,
    output logic [8*LANES-1:0] store_data
);
  // The descriptor in work
  logic      busy, start;
  layer_t    layer;
  addition_t addition;
  logic [3:0] kind;
  logic      is_add;
  assign addition = addition_t'(layer);
  assign kind = layer.header.kind;
  assign is_add = kind == KIND_ADD;
  assign descriptor_ready = !busy;
  always_ff @(posedge clock) begin
    start <= descriptor_valid && descriptor_ready && !reset;
    if (descriptor_ready) layer <= layer_t'(descriptor);
    if (reset || done) busy <= 1'b0;
    else if (descriptor_valid) busy <= 1'b1;
  end

  // What takes the port for reading from the sequencers: a store, and now and then a load that results do not let write.
  logic       load_waits, pauses;
  logic [2:0] load_wait;
  assign load_waits = load_valid && !load_ready;
  assign pauses = load_wait == 3'd7;
  always_ff @(posedge clock) load_wait <= load_waits ? load_wait + 3'd1 : 3'd0;

  logic taken, layer_ready, add_ready;
  assign taken = store_request || pauses;
  assign store_grant = store_request;
  assign step = (layer_ready || add_ready) && !taken;
  assign port_taken = (layer_ready || add_ready) && taken;

  place_t      layer_place, add_place;
  step_t       layer_step, add_step;
  logic [15:0] weight_word;
  npu_sequencer #(
      .LANES(LANES)
  ) sequencer (
      .clock,
      .reset,
      .start(start && !is_add),
      .descriptor(layer),
      .port_taken(taken),
      .ready(layer_ready),
      .throttled,
      .place(layer_place),
      .weight_word,
      .step(layer_step)
  );
  npu_add_sequencer add_sequencer (
      .clock,
      .reset,
      .start(start && is_add),
      .descriptor(addition),
      .port_taken(taken),
      .ready(add_ready),
      .place(add_place),
      .step(add_step)
  );

  // A step, and what it is in the cycles after
  step_t steps[14];
  assign steps[0] = is_add ? add_step : layer_step;
  for (genvar n = 1; n < 14; n++) begin : g_step
    always_ff @(posedge clock) steps[n] <= reset ? '0 : steps[n-1];
  end

  // Reading
  logic               store;
  logic [19:0]        store_line, read_address;
  logic [LANES-1:0]   outside;
  logic [8*LANES-1:0] activations;
  always_ff @(posedge clock) begin
    store <= store_request && !reset;
    store_line <= store_address;
  end
  npu_delay #(
      .CYCLES(STORE_LATENCY - 1)
  ) response_delay (
      .clock,
      .reset,
      .value(store),
      .delayed(store_response)
  );
  assign store_data = activations;

  npu_window #(
      .LANES(LANES)
  ) window (
      .clock,
      .descriptor(layer),
      .place(is_add ? add_place : layer_place),
      .store,
      .store_address(store_line),
      .address(read_address),
      .outside
  );

  logic        result_valid, activation_ready;
  logic [19:2] result_address;
  logic [31:0] result_data;
  assign load_ready = load_buffer || activation_ready;
  npu_activation_buffer #(
      .LANES(LANES),
      .BYTES(ACTIVATION_BYTES)
  ) activation_buffer (
      .clock,
      .address(read_address),
      .outside,
      .fill(layer.input_zero_point),
      .data(activations),
      .result_valid,
      .result_address,
      .result_data,
      .load_valid(load_valid && !load_buffer),
      .load_ready(activation_ready),
      .load_address,
      .load_data
  );

  logic [15:0]         read_word;
  logic [32*LANES-1:0] weights;
  npu_delay #(
      .WIDTH(16),
      .CYCLES(4)
  ) word_delay (
      .clock,
      .reset,
      .value(weight_word),
      .delayed(read_word)
  );
  npu_weight_buffer #(
      .LANES(LANES),
      .BYTES(WEIGHT_BYTES)
  ) weight_buffer (
      .clock,
      .word(read_word),
      .data(weights),
      .write(load_valid && load_buffer),
      .write_address(load_address),
      .write_data(load_data)
  );

  // Sums of products, and maxima
  logic                is_convolution, is_depthwise, is_pool;
  logic [8*LANES-1:0]  channels;
  logic signed [25:0]  depthwise_results[LANES], others[LANES];
  logic signed [7:0]   pool_results[LANES];
  logic signed [31:0]  sums[16];
  assign is_convolution = kind == KIND_CONVOLUTION;
  assign is_depthwise = kind == KIND_DEPTHWISE;
  assign is_pool = kind == KIND_MAX_POOL;
  always_ff @(posedge clock) if (!is_convolution) channels <= activations;
  npu_depthwise #(
      .LANES(LANES)
  ) depthwise (
      .clock,
      .taps(layer.kernel_width[2:0]),
      .activations(channels),
      .weights,
      .step(is_depthwise && steps[7].read),
      .first(steps[7].first),
      .shift(steps[7].shift),
      .last(steps[7].last),
      .results(depthwise_results)
  );
  npu_pool #(
      .LANES(LANES)
  ) pool (
      .clock,
      .activations(channels),
      .step(is_pool && steps[6].read),
      .first(steps[6].first),
      .last(is_pool && steps[7].last),
      .results(pool_results)
  );
  for (genvar lane = 0; lane < LANES; lane++) begin : g_other
    assign others[lane] = depthwise_results[lane] | 26'(pool_results[lane]);
  end
  npu_array #(
      .LANES(LANES)
  ) array (
      .clock,
      .is_convolution,
      .width(layer.header.width),
      .activations,
      .weights,
      .enable(is_convolution && steps[6].read),
      .accumulate(steps[9].read),
      .first(steps[9].first || !is_convolution),
      .others,
      .sums
  );

  // Results
  logic               pixel_valid, pixel_ends, value_valid, value_ends, result_ends;
  logic [3:0]         parameter_place;
  logic [19:2]        pixel_address, value_address;
  logic [1:0]         pass;
  logic signed [31:0] pixel_values[4], add_values[4], values[4];
  logic [31:0]        bias[4], multiplier[4], scaled[4];
  logic [7:0]         shift[4];
  npu_results pixel_results (
      .clock,
      .reset,
      .step(steps[10]),
      .is_add,
      .sums,
      .valid(pixel_valid),
      .values(pixel_values),
      .parameter_place,
      .address(pixel_address),
      .ends(pixel_ends)
  );
  npu_addition add (
      .clock,
      .descriptor(addition),
      .operand(activations[31:0]),
      .is_b(steps[5].second),
      .sum_passes(steps[13].last),
      .scaled,
      .pass,
      .values(add_values)
  );
  assign values = is_add ? add_values : pixel_values;
  assign value_valid = is_add ? steps[13].last : pixel_valid;
  assign value_address = is_add ? steps[13].output_address : pixel_address;
  assign value_ends = is_add ? steps[13].ends : pixel_ends;

  npu_parameters #(
      .LANES(LANES)
  ) parameters (
      .clock,
      .kind,
      .addition,
      .write(steps[6].parameters),
      .second(steps[6].second),
      .write_place(steps[6].parameter_place),
      .weights,
      .place(parameter_place),
      .pass,
      .bias,
      .multiplier,
      .shift
  );
  npu_requantizer requantizer (
      .clock,
      .values,
      .is_operand(is_add && !steps[13].last),
      .bias,
      .multiplier,
      .shift,
      .zero_point(is_pool ? 8'sd0 : layer.output_zero_point),
      .minimum(layer.clamp_min),
      .maximum(layer.clamp_max),
      .scaled,
      .results(result_data)
  );
  npu_delay #(
      .WIDTH(20),
      .CYCLES(6)
  ) result_delay (
      .clock,
      .reset,
      .value({value_valid, value_ends, value_address}),
      .delayed({result_valid, result_ends, result_address})
  );
  always_ff @(posedge clock) done <= result_valid && result_ends && !reset;
endmodule
