// From a place to an address and to which bytes there lie outside of the image.
module npu_window
  import npu_package::*;
  import npu_types::*;
#(
    parameter int LANES = 16
) (
    input  logic               clock,
    input  layer_t             descriptor,
    input  place_t             place,
    input  logic               store,          // reads instead
    input  logic [19:0]        store_address,  // in lines
    output logic [19:0]        address,        // one cycle later
    output logic [LANES-1:0]   outside         // four cycles later
);
  localparam int LANE_BITS = $clog2(LANES);

  // How many bytes lie before the row and up to its end: 0 to LANES, the rest counts as that.
  function automatic logic [LANE_BITS:0] clamped(input logic signed [17:0] count);
    if (count < 18'sd0) return '0;
    if (count >= 18'(LANES)) return (LANE_BITS + 1)'(LANES);
    return count[LANE_BITS:0];
  endfunction

  logic               padded, row_outside;
  logic signed [17:0] before_row, to_end;
  logic [LANE_BITS:0] first_inside, first_after;
  logic               all_outside;
  logic [LANES-1:0]   next_outside, outside_3;
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    assign next_outside[lane] = all_outside || first_inside > (LANE_BITS + 1)'(lane)
        || first_after <= (LANE_BITS + 1)'(lane);
  end

  always_ff @(posedge clock) begin
    address <= store ? 20'({store_address, LANE_BITS'(0)})
             : place.row_address + {{2{place.position[17]}}, place.position};
    padded <= place.padded && !store;
    row_outside <= place.row < 18'sd0 || place.row >= $signed({2'd0, descriptor.input_rows});
    before_row <= -place.position;
    to_end <= $signed({2'd0, descriptor.input_row_bytes}) - place.position;

    all_outside <= padded && row_outside;
    first_inside <= padded ? clamped(before_row) : '0;
    first_after <= padded ? clamped(to_end) : (LANE_BITS + 1)'(LANES);

    outside_3 <= next_outside;
    outside <= outside_3;
  end

  logic unused_fields;
  assign unused_fields = ^descriptor;
endmodule
