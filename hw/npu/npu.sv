// A neural engine: does lists of descriptors (npu_package) that lie in memory, from memory to memory.
//
// A list is fetched and checked in order; loads, computations and stores go into queues of their own and work at the
// same time, each as soon as those that it waits for have finished. Control by AXI4-Lite (npu_registers), memory by AXI4
// with one id, of which the ports have none.
module npu
  import npu_package::*;
  import npu_record_types::*;
#(
    parameter int LANES = 16,                // input channels per cycle: 8 or 16
    parameter int ACTIVATION_BYTES = 1 << 15,  // powers of two
    parameter int WEIGHT_BYTES = 1 << 15
) (
    (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 clock CLK",
       X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axi:m_axi, ASSOCIATED_RESET reset" *)
    input  logic        clock,
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 reset RST", X_INTERFACE_PARAMETER = "POLARITY ACTIVE_HIGH" *)
    input  logic        reset,               // synchronous
    (* X_INTERFACE_INFO = "xilinx.com:signal:interrupt:1.0 irq INTERRUPT",
       X_INTERFACE_PARAMETER = "SENSITIVITY LEVEL_HIGH" *)
    output logic        irq,
    output logic        busy,                // with a list
    // control
    input  logic [11:0] s_axi_awaddr,
    input  logic [2:0]  s_axi_awprot,
    input  logic        s_axi_awvalid,
    output logic        s_axi_awready,
    input  logic [31:0] s_axi_wdata,
    input  logic [3:0]  s_axi_wstrb,
    input  logic        s_axi_wvalid,
    output logic        s_axi_wready,
    output logic [1:0]  s_axi_bresp,
    output logic        s_axi_bvalid,
    input  logic        s_axi_bready,
    input  logic [11:0] s_axi_araddr,
    input  logic [2:0]  s_axi_arprot,
    input  logic        s_axi_arvalid,
    output logic        s_axi_arready,
    output logic [31:0] s_axi_rdata,
    output logic [1:0]  s_axi_rresp,
    output logic        s_axi_rvalid,
    input  logic        s_axi_rready,
    // memory
    output logic [31:0] m_axi_awaddr,
    output logic [7:0]  m_axi_awlen,
    output logic [2:0]  m_axi_awsize,
    output logic [1:0]  m_axi_awburst,
    output logic [3:0]  m_axi_awcache,
    output logic [2:0]  m_axi_awprot,
    output logic        m_axi_awvalid,
    input  logic        m_axi_awready,
    output logic [31:0] m_axi_wdata,
    output logic [3:0]  m_axi_wstrb,
    output logic        m_axi_wlast,
    output logic        m_axi_wvalid,
    input  logic        m_axi_wready,
    input  logic [1:0]  m_axi_bresp,
    input  logic        m_axi_bvalid,
    output logic        m_axi_bready,
    output logic [31:0] m_axi_araddr,
    output logic [7:0]  m_axi_arlen,
    output logic [2:0]  m_axi_arsize,
    output logic [1:0]  m_axi_arburst,
    output logic [3:0]  m_axi_arcache,
    output logic [2:0]  m_axi_arprot,
    output logic        m_axi_arvalid,
    input  logic        m_axi_arready,
    input  logic [31:0] m_axi_rdata,
    input  logic [1:0]  m_axi_rresp,
    input  logic        m_axi_rlast,
    input  logic        m_axi_rvalid,
    output logic        m_axi_rready
);
  localparam logic [2:0] WORDS = 3'b010;     // 4 bytes a beat
  localparam logic [1:0] INCREMENTING = 2'b01;
  localparam logic [3:0] MODIFIABLE = 4'b0011;

  assign {m_axi_awsize, m_axi_awburst, m_axi_awcache, m_axi_awprot} = {WORDS, INCREMENTING, MODIFIABLE, 3'b000};
  assign {m_axi_arsize, m_axi_arburst, m_axi_arcache, m_axi_arprot} = {WORDS, INCREMENTING, MODIFIABLE, 3'b000};
  logic unused_protection;
  assign unused_protection = ^{s_axi_awprot, s_axi_arprot};

  // Control
  logic             start, abort, clear_done, clear_error, interrupt_enable;
  logic [31:0]      list, count, cycles, bytes_read, bytes_written;
  logic [3:0][31:0] bases;
  logic [7:0]       record_select, error_code;
  logic [9:0]       error_index;
  logic             done, error;
  record_t          selected_record;
  npu_registers #(
      .LANES(LANES),
      .ACTIVATION_BYTES(ACTIVATION_BYTES),
      .WEIGHT_BYTES(WEIGHT_BYTES)
  ) registers (
      .clock,
      .reset,
      .s_axi_awaddr,
      .s_axi_awvalid,
      .s_axi_awready,
      .s_axi_wdata,
      .s_axi_wstrb,
      .s_axi_wvalid,
      .s_axi_wready,
      .s_axi_bresp,
      .s_axi_bvalid,
      .s_axi_bready,
      .s_axi_araddr,
      .s_axi_arvalid,
      .s_axi_arready,
      .s_axi_rdata,
      .s_axi_rresp,
      .s_axi_rvalid,
      .s_axi_rready,
      .start,
      .abort,
      .clear_done,
      .clear_error,
      .interrupt_enable,
      .list,
      .count,
      .bases,
      .record_select,
      .busy,
      .done,
      .error,
      .error_code,
      .error_index,
      .cycles,
      .bytes_read,
      .bytes_written,
      .record(selected_record)
  );
  assign irq = interrupt_enable && (done || error);

  logic       start_list, stop, forget, finished, word_read, word_written, read_idle, store_idle;
  logic       refused, list_word, load_word, word_error, store_error;
  logic [7:0] refused_code;
  logic [9:0] given_all, fetched, load_index, store_index, unused_index;
  npu_control control (
      .clock,
      .reset,
      .start,
      .abort,
      .clear_done,
      .clear_error,
      .list_low(list[1:0]),
      .count,
      .busy,
      .done,
      .error,
      .error_code,
      .error_index,
      .cycles,
      .bytes_read,
      .bytes_written,
      .start_list,
      .stop,
      .finished,
      .bus_idle(read_idle && store_idle),
      .word_read,
      .word_written,
      .refused,
      .refused_code,
      .refused_index(given_all),
      .list_error(list_word && word_error),
      .list_index(fetched),
      .load_error(load_word && word_error),
      .load_index,
      .store_error,
      .store_index
  );
  assign forget = reset || stop;

  // Memory, read
  logic        list_burst, list_burst_ready, load_burst, load_burst_ready, load_word_ready;
  logic [31:2] list_burst_address, load_burst_address;
  logic [4:0]  list_burst_words, load_burst_words;
  logic [31:0] word;
  npu_read read (
      .clock,
      .reset,
      .stop,
      .idle(read_idle),
      .beat(word_read),
      .list_valid(list_burst),
      .list_ready(list_burst_ready),
      .list_address(list_burst_address),
      .list_words(list_burst_words),
      .load_valid(load_burst),
      .load_ready(load_burst_ready),
      .load_address(load_burst_address),
      .load_words(load_burst_words),
      .list_word_valid(list_word),
      .load_word_valid(load_word),
      .load_word_ready,
      .word,
      .error(word_error),
      .m_axi_araddr,
      .m_axi_arlen,
      .m_axi_arvalid,
      .m_axi_arready,
      .m_axi_rdata,
      .m_axi_rresp,
      .m_axi_rlast,
      .m_axi_rvalid,
      .m_axi_rready
  );

  // From the list to the queues
  logic         descriptor_valid, descriptor_taken, legal;
  logic [511:0] descriptor;
  header_t      header;
  transfer_t    transfer;
  npu_list fetch (
      .clock,
      .reset(forget),
      .start(start_list),
      .address(list[31:2]),
      .count(count[9:0]),
      .burst_valid(list_burst),
      .burst_ready(list_burst_ready),
      .burst_address(list_burst_address),
      .burst_words(list_burst_words),
      .word_valid(list_word && !word_error),
      .word,
      .fetched,
      .valid(descriptor_valid),
      .taken(descriptor_taken),
      .descriptor
  );
  assign transfer = descriptor;
  assign header = transfer.header;

  // Each of load, compute, store
  logic [2:0] for_unit, given, room, empty, offered, accepted, unit_busy, unit_done;
  logic [9:0] loads, computes, stores, loads_finished, computes_finished, stores_finished;
  npu_check #(
      .LANES(LANES),
      .ACTIVATION_BYTES(ACTIVATION_BYTES),
      .WEIGHT_BYTES(WEIGHT_BYTES)
  ) check (
      .clock,
      .reset(forget),
      .valid(descriptor_valid),
      .descriptor,
      .taken(descriptor_taken),
      .base_low(bases[header.base][1:0]),
      .loads,
      .computes,
      .stores,
      .legal,
      .refused,
      .code(refused_code)
  );
  assign for_unit = header.kind == KIND_LOAD ? 3'b001 : header.kind == KIND_STORE ? 3'b100 : 3'b010;
  assign given = legal ? for_unit & room : 3'b000;
  assign descriptor_taken = given != 3'b000;
  npu_progress progress (
      .clock,
      .reset(reset || start_list),
      .given,
      .done(unit_done),
      .loads,
      .computes,
      .stores,
      .all(given_all),
      .loads_finished,
      .computes_finished,
      .stores_finished
  );
  assign finished = given_all == count[9:0] && empty == 3'b111 && unit_busy == 3'b000;

  logic [2:0]      starved, port_taken, record_valid, record_taken;
  logic [2:0][7:0] record_indices;
  record_t [2:0]   records;
  logic            step;
  logic [31:0] memory_address;
  logic [15:0] load_bytes, store_bytes;
  logic [31:2] load_memory_address, store_memory_address;
  logic [19:2] load_buffer_address, store_buffer_address;
  logic        load_target;
  logic [29:0] load_after, compute_after, store_after;
  logic [31:0] compute_header;
  logic [447:64] compute_words;
  assign memory_address = bases[header.base] + transfer.memory_offset;

  npu_queue #(
      .WIDTH(65)
  ) load_queue (
      .clock,
      .reset(forget),
      .in_valid(given[0]),
      .in_ready(room[0]),
      .in_index(given_all),
      .in_after(descriptor[61:32]),
      .in_data({memory_address[31:2], transfer.buffer_address[19:2], transfer.bytes[15:0], header.target}),
      .loads_finished,
      .computes_finished,
      .stores_finished,
      .empty(empty[0]),
      .out_valid(offered[0]),
      .out_ready(accepted[0]),
      .out_after(load_after),
      .out_data({load_memory_address, load_buffer_address, load_bytes, load_target}),
      .done(unit_done[0]),
      .index(load_index),
      .array(1'b0),
      .starved(starved[0]),
      .port_taken(port_taken[0]),
      .bytes(load_bytes),
      .record_valid(record_valid[0]),
      .record_taken(record_taken[0]),
      .record_index(record_indices[0]),
      .record(records[0])
  );
  npu_queue #(
      .WIDTH(416)
  ) compute_queue (
      .clock,
      .reset(forget),
      .in_valid(given[1]),
      .in_ready(room[1]),
      .in_index(given_all),
      .in_after(descriptor[61:32]),
      .in_data({descriptor[447:64], descriptor[31:0]}),
      .loads_finished,
      .computes_finished,
      .stores_finished,
      .empty(empty[1]),
      .out_valid(offered[1]),
      .out_ready(accepted[1]),
      .out_after(compute_after),
      .out_data({compute_words, compute_header}),
      .done(unit_done[1]),
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
      .WIDTH(64)
  ) store_queue (
      .clock,
      .reset(forget),
      .in_valid(given[2]),
      .in_ready(room[2]),
      .in_index(given_all),
      .in_after(descriptor[61:32]),
      .in_data({memory_address[31:2], transfer.buffer_address[19:2], transfer.bytes[15:0]}),
      .loads_finished,
      .computes_finished,
      .stores_finished,
      .empty(empty[2]),
      .out_valid(offered[2]),
      .out_ready(accepted[2]),
      .out_after(store_after),
      .out_data({store_memory_address, store_buffer_address, store_bytes}),
      .done(unit_done[2]),
      .index(store_index),
      .array(1'b0),
      .starved(starved[2]),
      .port_taken(port_taken[2]),
      .bytes(store_bytes),
      .record_valid(record_valid[2]),
      .record_taken(record_taken[2]),
      .record_index(record_indices[2]),
      .record(records[2])
  );
  logic unused_after;
  assign unused_after = ^{load_after, store_after, memory_address[1:0], header, transfer};

  // Units
  logic                     load_valid, load_ready, load_buffer, compute_ready, compute_busy;
  logic                     store_request, store_grant, store_response;
  logic [19:2]              load_address;
  logic [31:0]              load_data;
  logic [19:0]              store_address;
  logic [8*LANES-1:0]       store_data;
  npu_load load (
      .clock,
      .reset(forget),
      .busy(unit_busy[0]),
      .done(unit_done[0]),
      .starved(starved[0]),
      .port_taken(port_taken[0]),
      .valid(offered[0]),
      .ready(accepted[0]),
      .memory_address(load_memory_address),
      .buffer(load_target),
      .buffer_address(load_buffer_address),
      .words(15'((17'(load_bytes) + 17'd3) >> 2)),
      .burst_valid(load_burst),
      .burst_ready(load_burst_ready),
      .burst_address(load_burst_address),
      .burst_words(load_burst_words),
      .word_valid(load_word),
      .word_ready(load_word_ready),
      .word,
      .word_error,
      .load_valid,
      .load_ready,
      .load_buffer,
      .load_address,
      .load_data
  );

  npu_compute #(
      .LANES(LANES),
      .ACTIVATION_BYTES(ACTIVATION_BYTES),
      .WEIGHT_BYTES(WEIGHT_BYTES)
  ) compute (
      .clock,
      .reset(forget),
      .descriptor_valid(offered[1] && !compute_busy),
      .descriptor_ready(compute_ready),
      .descriptor({64'b0, compute_words, 2'b0, compute_after, compute_header}),
      .done(unit_done[1]),
      .step,
      .throttled(starved[1]),
      .port_taken(port_taken[1]),
      .load_valid,
      .load_ready,
      .load_buffer,
      .load_address,
      .load_data,
      .store_request,
      .store_grant,
      .store_address,
      .store_response,
      .store_data
  );
  assign accepted[1] = compute_ready && !compute_busy;
  assign unit_busy[1] = compute_busy;
  always_ff @(posedge clock)
    if (forget) compute_busy <= 1'b0;
    else compute_busy <= (offered[1] && accepted[1]) || (compute_busy && !unit_done[1]);

  npu_store #(
      .LANES(LANES)
  ) store (
      .clock,
      .reset,
      .stop,
      .busy(unit_busy[2]),
      .idle(store_idle),
      .done(unit_done[2]),
      .error(store_error),
      .beat(word_written),
      .starved(starved[2]),
      .port_taken(port_taken[2]),
      .valid(offered[2]),
      .ready(accepted[2]),
      .memory_address(store_memory_address),
      .buffer_address(store_buffer_address),
      .bytes(store_bytes),
      .store_request,
      .store_grant,
      .store_address,
      .store_response,
      .store_data,
      .m_axi_awaddr,
      .m_axi_awlen,
      .m_axi_awvalid,
      .m_axi_awready,
      .m_axi_wdata,
      .m_axi_wstrb,
      .m_axi_wlast,
      .m_axi_wvalid,
      .m_axi_wready,
      .m_axi_bresp,
      .m_axi_bvalid,
      .m_axi_bready
  );

  npu_records memory_of_records (
      .clock,
      .valid(record_valid),
      .taken(record_taken),
      .indices(record_indices),
      .records,
      .select(record_select),
      .selected(selected_record)
  );
endmodule
