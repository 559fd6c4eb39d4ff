// Depthwise convolution after a column is complete: one tap a cycle, while the next column is loaded.
module midge_nn_taps
  import midge_nn_package::*;
(
    input  logic       clock,
    input  logic       reset,
    input  logic       start,          // the column is complete; not while `blocking` two cycles before
    input  logic [1:0] group,
    input  window_t    window,
    input  position_t  position,
    output logic       transfer,       // the column is copied to the activations in this cycle
    output logic       active,         // a tap starts in this cycle
    output logic [3:0] weight_address,
    output logic [3:0] slot,           // of the accumulators
    output logic       first,          // they are overwritten
    output logic       blocking        // a tap is left to start after the next cycle
);
  logic [3:0] tap, tap_count, first_weight;
  logic [4:0] next_tap, tap_after;
  logic [2:0] stride;
  logic       first_group;
  logic       unused_fields;
  assign unused_fields = ^{window.zero_18, window.lanes, window.zero_14, window.zero_5, window.rows, window.first,
      position.zero_6};

  // group * tap_count
  assign tap_count = window.taps + 4'd1;
  assign first_weight = (group[0] ? tap_count : 4'd0) + (group[1] ? {tap_count[2:0], 1'b0} : 4'd0);
  assign stride = {1'b0, window.stride} + 3'd1;
  assign next_tap = {1'b0, tap} + {2'b0, stride};
  assign tap_after = {1'b0, tap} + {1'b0, stride, 1'b0};
  assign first = tap == 4'd0 && first_group;
  assign blocking = active && tap_after <= {1'b0, window.taps};

  always_ff @(posedge clock)
    if (reset) begin
      transfer <= 1'b0;
      active <= 1'b0;
    end else begin
      transfer <= start;
      if (start) active <= {2'b0, position.phase} <= window.taps;
      else active <= active && next_tap <= {1'b0, window.taps};
    end

  always_ff @(posedge clock)
    if (start) begin
      first_group <= group == 2'd0;
      tap <= {2'b0, position.phase};
      slot <= position.slot;
      weight_address <= first_weight + {2'b0, position.phase};
    end else begin
      tap <= next_tap[3:0];
      slot <= slot - 4'd1;
      weight_address <= weight_address + {1'b0, stride};
    end
endmodule
