// Controller of a PSRAM chip on four data pins (QPI) that runs at twice the system's clock: a byte a cycle. An access
// begins with a command, an address and, to read, some clocks of waiting; words that follow each other need that once,
// as long as they lie in one page and the chip, which refreshes itself only while it is not selected, is let go in time.
// The bytes of a word that are written lie side by side.
module psram_controller
  import external_package::*;
#(
    parameter int unsigned CLOCK_HZ = 50_000_000,
    parameter int BYTES = 8 << 20,
    parameter int LATENCY = 6,           // clocks of the chip from address to data when reading, even
    parameter int PAGE_BYTES = 1024,
    parameter int T_CEM_NS = 8000,       // longest that it may be selected
    parameter int T_CPH_NS = 50,         // shortest between two accesses
    parameter int POWER_UP_US = 150
) (
    input  logic                     clock,
    input  logic                     reset,
    input  logic                     request,
    output logic                     ready,
    input  logic                     write,
    input  logic                     tag,             // of a read, comes back with the answer
    input  logic [$clog2(BYTES)-1:2] address,
    input  logic [3:0]               byte_lanes,
    input  logic [31:0]              write_data,
    output logic                     response,        // to a read
    output logic                     response_tag,
    output logic [31:0]              read_data,
    output psram_t                   pins,
    input  logic [7:0]               pins_read_data   // READ_CYCLES after the clocks that ask for it
);
  localparam int READ_CYCLES = 2;        // a cycle each way in the pins' registers
  localparam logic [7:0] READ = 8'heb;
  localparam logic [7:0] WRITE = 8'h38;
  localparam int POWER_UP_CYCLES = POWER_UP_US * (CLOCK_HZ / 1_000_000);
  localparam int WORD_CYCLES = 4;
  localparam int SELECTED_CYCLES = T_CEM_NS * (CLOCK_HZ / 1000) / 1_000_000 - WORD_CYCLES - 2;
  localparam int APART_CYCLES = (T_CPH_NS * (CLOCK_HZ / 1000) + 999_999) / 1_000_000;
  localparam int TIME_BITS = $clog2(POWER_UP_CYCLES + SELECTED_CYCLES + 1);
  localparam int PAGE_WORD_BITS = $clog2(PAGE_BYTES) - 2;
  // Before it understands four pins: reset enable, reset, enter QPI, a bit of each on every clock.
  localparam logic [31:0] START[3] = '{32'h0110_0110, 32'h1001_1001, 32'h0011_0101};

  typedef logic [$clog2(BYTES)-1:2] address_t;
  logic        head_valid, head_write, head_tag, head_taken;
  address_t    head_address;
  logic [3:0]  head_lanes;
  logic [31:0] head_data;
  midge_fifo #(
      .WIDTH($clog2(BYTES) - 2 + 38),
      .DEPTH(2)
  ) requests (
      .clock,
      .reset,
      .in_valid(request && (!write || byte_lanes != 4'b0)),
      .in_ready(ready),
      .in_data({write, tag, address, byte_lanes, write_data}),
      .out_valid(head_valid),
      .out_ready(head_taken),
      .out_data({head_write, head_tag, head_address, head_lanes, head_data})
  );
  logic [1:0] first_lane, last_lane;     // of the head
  always_comb begin
    first_lane = head_lanes[0] ? 2'd0 : head_lanes[1] ? 2'd1 : head_lanes[2] ? 2'd2 : 2'd3;
    last_lane = head_lanes[3] ? 2'd3 : head_lanes[2] ? 2'd2 : head_lanes[1] ? 2'd1 : 2'd0;
    if (!head_write) {first_lane, last_lane} = {2'd0, 2'd3};
  end

  typedef enum logic [2:0] {
    APART,                               // not selected
    HEADER,                              // command and address
    WAIT,
    DATA,
    PAUSE                                // selected, without clocks, until the next word is known
  } state_t;
  state_t               state;
  logic [1:0]           starts_left;     // commands of START, then words
  logic [TIME_BITS-1:0] time_left;       // until it may be, or must no longer be, selected
  logic [4:0]           count;           // cycles left of a state, less one
  logic [31:0]          header;
  // The word that is being moved
  logic                 word_write, word_tag;
  address_t             word_address;
  logic [31:0]          word_data;
  logic [1:0]           lane, word_last_lane;

  logic ends, continues;
  assign ends = state == DATA && lane == word_last_lane;
  assign continues = head_valid && head_write == word_write && head_address == word_address + 1'b1
      && first_lane == 2'd0 && word_last_lane == 2'd3 && head_address[2+:PAGE_WORD_BITS] != '0 && time_left != '0;
  assign head_taken = (state == APART && time_left == '0 && starts_left == 2'd0)
      || ((ends || state == PAUSE) && continues);

  always_ff @(posedge clock)
    if (reset) begin
      state <= APART;
      starts_left <= 2'd3;
      time_left <= TIME_BITS'(POWER_UP_CYCLES);
    end else begin
      if (time_left != '0) time_left <= time_left - 1'b1;
      count <= count - 1'b1;
      unique case (state)
        APART:
          if (time_left == '0 && (starts_left != 2'd0 || head_valid)) begin
            state <= HEADER;
            count <= 5'd3;
            time_left <= TIME_BITS'(SELECTED_CYCLES);
          end
        HEADER:
          if (count == 5'd0) begin
            state <= starts_left != 2'd0 ? APART : word_write ? DATA : WAIT;
            count <= 5'(LATENCY / 2 - 1);
            if (starts_left != 2'd0) begin
              starts_left <= starts_left - 1'b1;
              time_left <= TIME_BITS'(APART_CYCLES);
            end
          end
        WAIT: if (count == 5'd0) state <= DATA;
        default:                         // DATA, PAUSE
          if (ends || state == PAUSE) begin
            if (continues) state <= DATA;
            else if (head_valid || time_left == '0) begin
              state <= APART;
              time_left <= TIME_BITS'(APART_CYCLES);
            end else state <= PAUSE;
          end
      endcase
    end
  always_ff @(posedge clock) begin
    if (head_taken) begin
      {word_write, word_tag, word_address, word_data} <= {head_write, head_tag, head_address, head_data};
      lane <= first_lane;
      word_last_lane <= last_lane;
    end else if (state == DATA) lane <= lane + 1'b1;
    if (state == APART)
      header <= starts_left != 2'd0 ? START[2'd3-starts_left]
          : {head_write ? WRITE : READ, 24'({head_address, first_lane})};
    else header <= header << 8;
  end

  always_ff @(posedge clock) begin
    pins.select <= state != APART && !reset;
    pins.clocks <= (state == HEADER || state == WAIT || state == DATA) && !reset;
    pins.drive <= (state == HEADER || (state == DATA && word_write)) && !reset;
    pins.data <= state == HEADER ? header[31:24] : word_data[8*lane+:8];
  end

  // Bytes read: the clocks are on the pins a cycle after they were decided.
  logic [READ_CYCLES:0] arrives, ends_word, tags;   // from the highest bit to the lowest
  always_ff @(posedge clock) begin
    arrives <= reset ? '0 : {state == DATA && !word_write, arrives[READ_CYCLES:1]};
    ends_word <= {ends, ends_word[READ_CYCLES:1]};
    tags <= {word_tag, tags[READ_CYCLES:1]};
    response <= arrives[0] && ends_word[0] && !reset;
    response_tag <= tags[0];
    if (arrives[0]) read_data <= {pins_read_data, read_data[31:8]};
  end
endmodule
