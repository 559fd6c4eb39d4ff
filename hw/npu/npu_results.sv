// The sums of a pixel on their way to the requantizer, four a cycle.
module npu_results
  import npu_types::*;
(
    input  logic               clock,
    input  logic               reset,
    input  step_t              step,
    input  logic               is_add,         // whose sums are not here
    input  logic signed [31:0] sums[16],
    output logic               valid,
    output logic signed [31:0] values[4],
    output logic [3:0]         parameter_place,
    output logic [19:2]        address,
    output logic               ends
);
  logic signed [31:0] left[16];
  logic [2:0]         quads;
  logic               pixel_ends;
  assign valid = quads != 3'd0;
  assign ends = pixel_ends && quads == 3'd1;
  assign values = left[0:3];

  for (genvar n = 0; n < 16; n++) begin : g_value
    always_ff @(posedge clock)
      if (step.last) left[n] <= sums[n];
      else if (n < 12) left[n] <= left[(n+4)%16];
  end

  always_ff @(posedge clock)
    if (reset) quads <= 3'd0;
    else if (step.last) quads <= is_add ? 3'd0 : step.quads;
    else if (valid) quads <= quads - 3'd1;

  always_ff @(posedge clock)
    if (step.last) begin
      parameter_place <= step.parameter_place;
      address <= step.output_address;
      pixel_ends <= step.ends;
    end else begin
      parameter_place <= parameter_place + 4'd1;
      address <= address + 18'd1;
    end

  logic unused_fields;
  assign unused_fields = ^step;
endmodule
