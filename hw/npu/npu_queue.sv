// Descriptors of one unit: those that wait, in order, and the record of the one that it works on.
//
// The first is offered when those that it waits for have finished.
module npu_queue
  import npu_front_types::*;
#(
    parameter int WIDTH = 64,
    parameter int DEPTH = 8
) (
    input  logic             clock,
    input  logic             reset,
    input  logic             in_valid,
    output logic             in_ready,
    input  logic [9:0]       in_index,         // in the list
    input  logic [29:0]      in_after,         // stores, computes, loads that must have finished
    input  logic [WIDTH-1:0] in_data,
    input  logic [9:0]       loads_finished,
    input  logic [9:0]       computes_finished,
    input  logic [9:0]       stores_finished,
    output logic             empty,
    // the unit
    output logic             out_valid,
    input  logic             out_ready,
    output logic [29:0]      out_after,
    output logic [WIDTH-1:0] out_data,
    input  logic             done,             // in the cycle of which the next may start
    output logic [9:0]       index,            // of the descriptor that it works on
    // events, and what the next descriptor moves
    input  logic             array,
    input  logic             starved,
    input  logic             port_taken,
    input  logic [15:0]      bytes,
    // the record of the last that is done
    output logic             record_valid,
    input  logic             record_taken,     // before the next is done
    output logic [7:0]       record_index,
    output record_t          record
);
  logic       valid, start;
  logic [9:0] next_index;
  midge_fifo #(
      .WIDTH(WIDTH + 40),
      .DEPTH(DEPTH)
  ) fifo (
      .clock,
      .reset,
      .in_valid,
      .in_ready,
      .in_data({in_index, in_after, in_data}),
      .out_valid(valid),
      .out_ready(start),
      .out_data({next_index, out_after, out_data})
  );
  assign empty = !valid;
  assign out_valid = valid && loads_finished >= out_after[9:0] && computes_finished >= out_after[19:10]
      && stores_finished >= out_after[29:20];
  assign start = out_valid && out_ready;

  record_t counts;
  always_ff @(posedge clock) begin
    if (start) begin
      index <= next_index;
      counts.bytes <= bytes;
    end
    counts.cycles <= start ? 32'd1 : counts.cycles + 32'd1;
    counts.array <= start ? 32'd0 : counts.array + 32'(array);
    counts.starved <= start ? 32'd0 : counts.starved + 32'(starved);
    counts.port <= start ? 32'd0 : counts.port + 32'(port_taken);
    // Counts on until the descriptor that waited is done.
    counts.waited <= (reset || done ? 32'd0 : counts.waited) + 32'(valid && !out_valid && out_ready);
  end

  always_ff @(posedge clock)
    if (reset) record_valid <= 1'b0;
    else record_valid <= done || (record_valid && !record_taken);
  always_ff @(posedge clock)
    if (done) begin
      record <= counts;
      record_index <= index[7:0];
    end
endmodule
