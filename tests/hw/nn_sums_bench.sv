// Compares the sums and choices that the ECP5 flow replaces with what they stand for, for every operand of five bits.
module nn_sums_bench;
  localparam int WIDTH = 5;
  logic signed [WIDTH-1:0] value_1, value_2, value_3, subtracted, selected;
  logic signed [WIDTH:0]   gated;
  logic enable_1, enable_2;
  logic [WIDTH-1:0] chosen;
  int wrong = 0;

  midge_nn_gated_sum #(
      .WIDTH(WIDTH)
  ) gated_sum (
      .value_1,
      .enable_1,
      .value_2,
      .enable_2,
      .sum(gated)
  );
  midge_nn_signed_sum #(
      .WIDTH(WIDTH)
  ) signed_sum (
      .value_1,
      .value_2,
      .subtract(enable_1),
      .sum(subtracted)
  );
  midge_nn_selected_sum #(
      .WIDTH(WIDTH)
  ) selected_sum (
      .value(value_1),
      .addend_0(value_2),
      .addend_1(value_3),
      .select(enable_1),
      .sum(selected)
  );
  midge_late_choice #(
      .WIDTH(WIDTH)
  ) late_choice (
      .late(enable_1),
      .first(enable_2),
      .late_1(value_1),
      .late_0(value_2),
      .early(value_3),
      .value(chosen)
  );

  initial begin
    for (int n = 0; n < 1 << (3 * WIDTH + 2); n++) begin
      {enable_2, enable_1, value_3, value_2, value_1} = n[3*WIDTH+1:0];
      #1;
      if (32'(gated) != 32'(value_1) * enable_1 + 32'(value_2) * enable_2) wrong++;
      if (subtracted != WIDTH'(enable_1 ? value_1 - value_2 : value_1 + value_2)) wrong++;
      if (selected != WIDTH'(value_1 + (enable_1 ? value_3 : value_2))) wrong++;
      if (chosen != (!enable_1 ? value_3 : enable_2 ? value_1 : value_2)) wrong++;
    end
    $display("%0d wrong", wrong);
    $finish;
  end
endmodule
