// Program and weight memory: read-only for the core, 32 bits per word, a fetch port and a data port.
//
// WAIT_STATES = 0: dual-port block RAM, both ports answer in the next cycle.
// WAIT_STATES > 0: one flash device behind both ports. An access takes WAIT_STATES extra cycles unless it is for
// the word after the last one read (a burst goes on); the device serves one port at a time, so a load from
// flash interrupts the burst of the fetch port and both pay the wait states again. The data port keeps the last
// word that it read, so the bytes of one word cost one access.
// CHANGES = 1, with WAIT_STATES = 0: flash_controller or program_loader changes what it holds, and both ports wait.
// The engine, with WAIT_STATES = 0, reads through the data port in cycles in which the core asks for nothing.
module program_memory #(
    parameter int    BYTES = 1 << 20,
    parameter int    WAIT_STATES = 0,
    parameter int    CHANGES = 0,
    parameter string CONTENTS = ""        // CONTENTS.0 to .3: hexadecimal bytes of each lane; empty: loaded otherwise
) (
    input  logic        clock,
    input  logic        reset,
    // fetch port, protocol of midge_fetch
    input  logic        fetch_request,
    input  logic [31:2] fetch_address,
    output logic        fetch_ready,
    output logic        fetch_response,
    output logic [31:0] fetch_data,
    // data port, protocol of midge_core
    input  logic        data_request,
    input  logic [31:2] data_address,
    output logic        data_response,
    output logic [31:0] data_read_data,
    input  logic        engine_request,   // never together with data_request
    input  logic [31:2] engine_address,
    output logic        engine_ready,
    // flash_controller or program_loader
    input  logic        change_busy,
    input  logic        change,
    input  logic [31:2] change_address,
    input  logic [31:0] change_data,
    output logic [31:0] held_data
);
  if (CHANGES == 0) begin : g_unchanged
    logic unused_change;
    assign unused_change = ^{change_busy, change, change_address, change_data};
  end

  localparam int DEPTH = BYTES / 4;
  localparam int INDEX_BITS = $clog2(DEPTH);
  typedef logic [INDEX_BITS-1:0] index_t;

  index_t fetch_index, data_index, engine_index;
  assign engine_index = engine_address[2+:INDEX_BITS];
  assign fetch_index = fetch_address[2+:INDEX_BITS];
  assign data_index = data_address[2+:INDEX_BITS];
  logic unused_high_bits;
  assign unused_high_bits =
      ^{fetch_address[31:2+INDEX_BITS], data_address[31:2+INDEX_BITS], engine_address[31:2+INDEX_BITS],
        change_address[31:2+INDEX_BITS]};

  logic        enable;
  index_t      index_a;
  logic [31:0] data_a, data_b;
  for (genvar lane = 0; lane < 4; lane++) begin : g_lane
    localparam string SUFFIX = lane == 0 ? ".0" : lane == 1 ? ".1" : lane == 2 ? ".2" : ".3";
    ram_lane #(
        .DEPTH(DEPTH),
        .CONTENTS(CONTENTS == "" ? "" : {CONTENTS, SUFFIX})
    ) ram (
        .clock,
        .enable_a(enable),
        .write_a(CHANGES != 0 && change),
        .address_a(index_a),
        .write_data_a(CHANGES != 0 ? change_data[8*lane+:8] : 8'b0),
        .read_data_a(data_a[8*lane+:8]),
        .write_b(1'b0),
        .address_b(fetch_index),
        .write_data_b(8'b0),
        .read_data_b(data_b[8*lane+:8])
    );
  end

  assign held_data = data_a;

  if (CHANGES != 0) begin : g_changes
    logic   data_waiting;               // a load that came during an operation
    index_t data_waiting_index;
    assign fetch_ready = !change_busy;
    assign enable = 1'b1;
    assign engine_ready = !change_busy && !data_waiting;
    assign index_a = change_busy ? change_address[2+:INDEX_BITS] : data_waiting ? data_waiting_index
        : engine_request ? engine_index : data_index;
    assign fetch_data = data_b;
    assign data_read_data = data_a;
    always_ff @(posedge clock) begin
      fetch_response <= fetch_request && fetch_ready && !reset;
      data_response <= (data_request || data_waiting) && !change_busy && !reset;
      data_waiting <= (data_request || data_waiting) && change_busy && !reset;
      if (data_request) data_waiting_index <= data_index;
    end
  end else if (WAIT_STATES == 0) begin : g_block_ram
    assign fetch_ready = 1'b1;
    assign enable = 1'b1;
    assign engine_ready = 1'b1;
    assign index_a = engine_request ? engine_index : data_index;
    assign fetch_data = data_b;
    assign data_read_data = data_a;
    always_ff @(posedge clock) begin
      fetch_response <= fetch_request && !reset;
      data_response <= data_request && !reset;
    end
  end else begin : g_flash
    localparam int WAIT_BITS = $clog2(WAIT_STATES + 1);

    logic                 data_waiting;              // a load that has not reached the device yet
    index_t               data_waiting_index;
    logic                 buffer_valid;
    index_t               buffer_index;
    logic [31:0]          buffer;
    logic                 busy, serves_data;
    logic [WAIT_BITS-1:0] wait_left;
    index_t               index, burst_index;        // being read; the word that the burst would give next
    logic                 burst_valid;
    logic                 answers, free;

    assign answers = busy && wait_left == '0;
    assign free = !busy || answers;
    assign fetch_ready = free && !data_waiting;

    // What the device starts on in this cycle: a load that waits, then fetches, then a load just asked for.
    logic   buffer_hit, refills, start, start_data;
    index_t start_index;
    // A load is answered from the buffer one cycle later, so what counts is the word that it holds then.
    assign refills = answers && serves_data;
    assign buffer_hit = refills ? data_index == index : buffer_valid && data_index == buffer_index;
    assign start_data = data_waiting || !fetch_request;
    assign start = free && (data_waiting || fetch_request || (data_request && !buffer_hit));
    assign start_index = data_waiting ? data_waiting_index : fetch_request ? fetch_index : data_index;

    assign enable = start;
    assign index_a = start_index;
    assign engine_ready = 1'b0;
    logic unused_engine;
    assign unused_engine = ^{engine_request, engine_index};
    logic unused_port_b;
    assign unused_port_b = ^data_b;

    logic buffer_answers;
    assign fetch_response = answers && !serves_data;
    assign fetch_data = data_a;
    assign data_response = buffer_answers || (answers && serves_data);
    assign data_read_data = buffer_answers ? buffer : data_a;

    always_ff @(posedge clock)
      if (reset) begin
        busy <= 1'b0;
        data_waiting <= 1'b0;
        buffer_valid <= 1'b0;
        burst_valid <= 1'b0;
        buffer_answers <= 1'b0;
      end else begin
        buffer_answers <= data_request && buffer_hit;
        if (data_request && !buffer_hit && !(start && start_data)) data_waiting <= 1'b1;
        else if (start && start_data) data_waiting <= 1'b0;
        if (refills) buffer_valid <= 1'b1;
        if (start) begin
          busy <= 1'b1;
          burst_valid <= 1'b1;
        end else if (answers) busy <= 1'b0;
      end

    always_ff @(posedge clock) begin
      if (data_request) data_waiting_index <= data_index;
      if (refills) begin
        buffer_index <= index;
        buffer <= data_a;
      end
      if (start) begin
        index <= start_index;
        burst_index <= start_index + 1'b1;
        serves_data <= start_data;
        wait_left <= (burst_valid && start_index == burst_index) ? '0 : WAIT_BITS'(WAIT_STATES);
      end else if (busy && !answers) wait_left <= wait_left - 1'b1;
    end
  end
endmodule
