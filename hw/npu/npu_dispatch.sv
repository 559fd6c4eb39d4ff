// Takes a list apart: fetches descriptors, has them checked, and gives each to the queue of its unit.
//
// Vectors of three stand for the units: load, compute, store.
module npu_dispatch
  import npu_package::*;
  import npu_front_types::*;
#(
    parameter int LANES = 16,
    parameter int ACTIVATION_BYTES = 1 << 15,
    parameter int WEIGHT_BYTES = 1 << 15
) (
    input  logic             clock,
    input  logic             reset,           // also forgets the list
    // the list
    input  logic             start,
    input  logic [31:2]      address,
    input  logic [9:0]       count,
    input  logic [3:0][31:0] bases,
    output logic             burst_valid,
    input  logic             burst_ready,
    output logic [31:2]      burst_address,
    output logic [4:0]       burst_words,
    input  logic             word_valid,
    input  logic [31:0]      word,
    output logic [9:0]       fetched,         // descriptors
    output logic [9:0]       given,           // to queues, thus also the index of the next
    output logic             finished,        // all of them
    output logic             refused,         // the next is illegal
    output logic [7:0]       refused_code,
    // the units
    output logic [2:0]       offered,
    input  logic [2:0]       accepted,
    output move_t            next_load,
    output logic [511:0]     next_compute,
    output move_t            next_store,
    input  logic [2:0]       busy,
    input  logic [2:0]       done,
    output logic [9:0]       load_index,      // of the descriptor that the unit works on
    output logic [9:0]       store_index,
    // records
    input  logic             step,
    input  logic [2:0]       starved,
    input  logic [2:0]       port_taken,
    input  logic [7:0]       record_select,
    output record_t          selected_record
);
  logic         valid, legal, taken;
  logic [511:0] descriptor;
  transfer_t    transfer;
  header_t      header;
  npu_list list (
      .clock,
      .reset,
      .start,
      .address,
      .count,
      .burst_valid,
      .burst_ready,
      .burst_address,
      .burst_words,
      .word_valid,
      .word,
      .fetched,
      .valid,
      .taken,
      .descriptor
  );
  assign transfer = descriptor;
  assign header = transfer.header;

  logic [9:0] loads, computes, stores, loads_finished, computes_finished, stores_finished;
  npu_check #(
      .LANES(LANES),
      .ACTIVATION_BYTES(ACTIVATION_BYTES),
      .WEIGHT_BYTES(WEIGHT_BYTES)
  ) check (
      .clock,
      .reset,
      .valid,
      .descriptor,
      .taken,
      .base_low(bases[header.base][1:0]),
      .loads,
      .computes,
      .stores,
      .legal,
      .refused,
      .code(refused_code)
  );

  logic [2:0] for_unit, give, room, empty;
  assign for_unit = header.kind == KIND_LOAD ? 3'b001 : header.kind == KIND_STORE ? 3'b100 : 3'b010;
  assign give = legal ? for_unit & room : 3'b000;
  assign taken = give != 3'b000;
  npu_progress progress (
      .clock,
      .reset(reset || start),
      .given(give),
      .done,
      .loads,
      .computes,
      .stores,
      .all(given),
      .loads_finished,
      .computes_finished,
      .stores_finished
  );
  assign finished = given == count && empty == 3'b111 && busy == 3'b000;

  // Queues
  logic    [31:0]     memory_address;
  move_t              move;
  logic    [29:0]     after, load_after, compute_after, store_after;
  logic    [447:64]   compute_words;
  logic    [31:0]     compute_header;
  logic    [9:0]      unused_index;
  logic    [2:0]      record_valid, record_taken;
  logic    [2:0][7:0] record_indices;
  record_t [2:0]      records;
  assign memory_address = bases[header.base] + transfer.memory_offset;
  assign move = {memory_address[31:2], transfer.buffer_address[19:2], transfer.bytes[15:0], header.target};
  assign after = {header.after_stores, header.after_computes, header.after_loads};

  npu_queue #(
      .WIDTH($bits(move_t))
  ) load_queue (
      .clock,
      .reset,
      .in_valid(give[0]),
      .in_ready(room[0]),
      .in_index(given),
      .in_after(after),
      .in_data(move),
      .loads_finished,
      .computes_finished,
      .stores_finished,
      .empty(empty[0]),
      .out_valid(offered[0]),
      .out_ready(accepted[0]),
      .out_after(load_after),
      .out_data(next_load),
      .done(done[0]),
      .index(load_index),
      .array(1'b0),
      .starved(starved[0]),
      .port_taken(port_taken[0]),
      .bytes(next_load.bytes),
      .record_valid(record_valid[0]),
      .record_taken(record_taken[0]),
      .record_index(record_indices[0]),
      .record(records[0])
  );
  npu_queue #(
      .WIDTH(416)
  ) compute_queue (
      .clock,
      .reset,
      .in_valid(give[1]),
      .in_ready(room[1]),
      .in_index(given),
      .in_after(after),
      .in_data({descriptor[447:64], descriptor[31:0]}),
      .loads_finished,
      .computes_finished,
      .stores_finished,
      .empty(empty[1]),
      .out_valid(offered[1]),
      .out_ready(accepted[1]),
      .out_after(compute_after),
      .out_data({compute_words, compute_header}),
      .done(done[1]),
      .index(unused_index),
      .array(step),
      .starved(starved[1]),
      .port_taken(port_taken[1]),
      .bytes(16'd0),
      .record_valid(record_valid[1]),
      .record_taken(record_taken[1]),
      .record_index(record_indices[1]),
      .record(records[1])
  );
  npu_queue #(
      .WIDTH($bits(move_t))
  ) store_queue (
      .clock,
      .reset,
      .in_valid(give[2]),
      .in_ready(room[2]),
      .in_index(given),
      .in_after(after),
      .in_data(move),
      .loads_finished,
      .computes_finished,
      .stores_finished,
      .empty(empty[2]),
      .out_valid(offered[2]),
      .out_ready(accepted[2]),
      .out_after(store_after),
      .out_data(next_store),
      .done(done[2]),
      .index(store_index),
      .array(1'b0),
      .starved(starved[2]),
      .port_taken(port_taken[2]),
      .bytes(next_store.bytes),
      .record_valid(record_valid[2]),
      .record_taken(record_taken[2]),
      .record_index(record_indices[2]),
      .record(records[2])
  );
  assign next_compute = {64'b0, compute_words, 2'b0, compute_after, compute_header};

  npu_records memory_of_records (
      .clock,
      .valid(record_valid),
      .taken(record_taken),
      .indices(record_indices),
      .records,
      .select(record_select),
      .selected(selected_record)
  );

  logic unused_fields;
  assign unused_fields = ^{load_after, store_after, memory_address[1:0], header, transfer, unused_index};
endmodule
