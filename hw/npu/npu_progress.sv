// How many descriptors of a list have been given to each unit, and how many each has finished.
module npu_progress (
    input  logic       clock,
    input  logic       reset,             // a list starts
    input  logic [2:0] given,             // to load, compute, store: pulses
    input  logic [2:0] done,
    output logic [9:0] loads,             // given
    output logic [9:0] computes,
    output logic [9:0] stores,
    output logic [9:0] all,
    output logic [9:0] loads_finished,
    output logic [9:0] computes_finished,
    output logic [9:0] stores_finished
);
  always_ff @(posedge clock)
    if (reset) begin
      loads <= '0;
      computes <= '0;
      stores <= '0;
      all <= '0;
      loads_finished <= '0;
      computes_finished <= '0;
      stores_finished <= '0;
    end else begin
      loads <= loads + 10'(given[0]);
      computes <= computes + 10'(given[1]);
      stores <= stores + 10'(given[2]);
      all <= all + 10'(given != 3'd0);
      loads_finished <= loads_finished + 10'(done[0]);
      computes_finished <= computes_finished + 10'(done[1]);
      stores_finished <= stores_finished + 10'(done[2]);
    end
endmodule
