// A neural engine: does lists of descriptors (npu_package) that lie in memory, from memory to memory.
//
// A list is fetched and checked in order; loads, computations and stores go into queues of their own and work at the
// same time, each as soon as those that it waits for have finished. Control by AXI4-Lite (npu_registers), memory by AXI4
// with one id, of which the ports have none.
module npu
  import npu_front_types::*;
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
  logic [9:0] given, fetched, load_index, store_index;
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
      .refused_index(given),
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

  // From the list to the units
  logic [2:0]   offered, accepted, unit_busy, unit_done, starved, port_taken;
  logic         step;
  move_t        next_load, next_store;
  logic [511:0] next_compute;
  npu_dispatch #(
      .LANES(LANES),
      .ACTIVATION_BYTES(ACTIVATION_BYTES),
      .WEIGHT_BYTES(WEIGHT_BYTES)
  ) dispatch (
      .clock,
      .reset(forget),
      .start(start_list),
      .address(list[31:2]),
      .count(count[9:0]),
      .bases,
      .burst_valid(list_burst),
      .burst_ready(list_burst_ready),
      .burst_address(list_burst_address),
      .burst_words(list_burst_words),
      .word_valid(list_word && !word_error),
      .word,
      .fetched,
      .given,
      .finished,
      .refused,
      .refused_code,
      .offered,
      .accepted,
      .next_load,
      .next_compute,
      .next_store,
      .busy(unit_busy),
      .done(unit_done),
      .load_index,
      .store_index,
      .step,
      .starved,
      .port_taken,
      .record_select,
      .selected_record
  );

  // The units
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
      .move(next_load),
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
      .descriptor(next_compute),
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
      .move(next_store),
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
endmodule
