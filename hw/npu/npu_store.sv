// Stores: bytes of the activation buffer to memory, one descriptor after the other; the write side of the memory port.
//
// A line of the buffer is read once, ahead of its use. While `stop` is set no burst is started; those that were are
// completed with words that change nothing.
module npu_store
  import npu_front_types::*;
#(
    parameter int LANES = 16
) (
    input  logic                     clock,
    input  logic                     reset,
    input  logic                     stop,
    output logic                     busy,
    output logic                     idle,            // no burst is outstanding
    output logic                     done,            // a pulse: memory has it
    output logic                     error,           // memory answered with an error
    output logic                     beat,            // a word went to memory
    output logic                     starved,         // waits for the bus
    output logic                     port_taken,      // waits for the buffer
    // a store
    input  logic                     valid,
    output logic                     ready,
    input  move_t                    move,
    // the activation buffer's read port
    output logic                     store_request,
    input  logic                     store_grant,
    output logic [19:0]              store_address,   // of a line of LANES bytes
    input  logic                     store_response,  // some cycles after the grant, in order
    input  logic [8*LANES-1:0]       store_data,
    // AXI
    output logic [31:0]              m_axi_awaddr,
    output logic [7:0]               m_axi_awlen,
    output logic                     m_axi_awvalid,
    input  logic                     m_axi_awready,
    output logic [31:0]              m_axi_wdata,
    output logic [3:0]               m_axi_wstrb,
    output logic                     m_axi_wlast,
    output logic                     m_axi_wvalid,
    input  logic                     m_axi_wready,
    input  logic [1:0]               m_axi_bresp,
    input  logic                     m_axi_bvalid,
    output logic                     m_axi_bready
);
  localparam int OUTSTANDING = 4;
  localparam int LINES_AHEAD = 8;           // more than a read's latency takes
  localparam int WORD_BITS = $clog2(LANES) - 2;       // of the place of a word in a line

  logic        start, forget;
  logic [14:0] words;
  assign words = 15'((17'(move.bytes) + 17'd3) >> 2);
  assign ready = !busy;
  assign start = valid && ready;
  assign forget = reset || stop;

  // Lines of the buffer
  logic [19:0]                first_byte, last_byte;
  logic [19:0]                last_line;
  logic [$clog2(LINES_AHEAD):0] lines_reserved;       // that are here or on their way
  logic                       reading, has_line, line_taken, unused_room;
  logic [LANES/4-1:0][31:0]   line;
  midge_fifo #(
      .WIDTH(8 * LANES),
      .DEPTH(LINES_AHEAD)
  ) lines (
      .clock,
      .reset(forget),
      .in_valid(store_response),
      .in_ready(unused_room),
      .in_data(store_data),
      .out_valid(has_line),
      .out_ready(line_taken),
      .out_data(line)
  );
  assign first_byte = {move.buffer_address, 2'b0};
  assign last_byte = first_byte + 20'(move.bytes) - 20'd1;
  assign store_request = reading && lines_reserved != ($clog2(LINES_AHEAD) + 1)'(LINES_AHEAD);

  always_ff @(posedge clock)
    if (forget) begin
      reading <= 1'b0;
      lines_reserved <= '0;
    end else begin
      if (start) reading <= 1'b1;
      else if (store_request && store_grant && store_address == last_line) reading <= 1'b0;
      if (store_request && store_grant && !line_taken) lines_reserved <= lines_reserved + 1'b1;
      else if (!(store_request && store_grant) && line_taken) lines_reserved <= lines_reserved - 1'b1;
    end
  always_ff @(posedge clock)
    if (start) begin
      store_address <= first_byte >> $clog2(LANES);
      last_line <= last_byte >> $clog2(LANES);
    end else if (store_request && store_grant) store_address <= store_address + 1'b1;

  // Bursts
  logic                       has_burst, address_free, start_burst, has_words, unused_burst_room, unused_last;
  logic [31:2]                burst_address;
  logic [4:0]                 burst_words, send_words;
  logic [$clog2(OUTSTANDING):0] outstanding;
  npu_bursts bursts (
      .clock,
      .reset(forget),
      .start,
      .start_address(move.memory_address),
      .start_words(words),
      .valid(has_burst),
      .ready(start_burst),
      .address(burst_address),
      .words(burst_words),
      .last(unused_last)
  );
  assign address_free = !m_axi_awvalid || m_axi_awready;
  assign start_burst = has_burst && address_free && outstanding != ($clog2(OUTSTANDING) + 1)'(OUTSTANDING) && !stop;

  always_ff @(posedge clock)
    if (reset) begin
      m_axi_awvalid <= 1'b0;
      outstanding <= '0;
    end else begin
      if (address_free) m_axi_awvalid <= start_burst;
      if (start_burst && !m_axi_bvalid) outstanding <= outstanding + 1'b1;
      else if (!start_burst && m_axi_bvalid) outstanding <= outstanding - 1'b1;
    end
  always_ff @(posedge clock)
    if (address_free) begin
      m_axi_awaddr <= {burst_address, 2'b0};
      m_axi_awlen <= 8'(burst_words) - 8'd1;
    end
  assign m_axi_bready = 1'b1;

  // Words: of the lines in turn, cut up into the bursts whose addresses were given out
  logic                 word_free, send, last_of_burst, last_word;
  logic [WORD_BITS-1:0] word;
  logic [4:0]           sent;                         // words of the burst
  logic [14:0]          left;
  logic [3:0]           last_strobes;
  midge_fifo #(
      .WIDTH(5),
      .DEPTH(OUTSTANDING)
  ) started (
      .clock,
      .reset,
      .in_valid(start_burst),
      .in_ready(unused_burst_room),
      .in_data(burst_words),
      .out_valid(has_words),
      .out_ready(send && last_of_burst),
      .out_data(send_words)
  );
  assign word_free = !m_axi_wvalid || m_axi_wready;
  assign send = word_free && has_words && (has_line || stop);
  assign last_of_burst = sent + 5'd1 == send_words;
  assign last_word = left == 15'd1;
  assign line_taken = send && !stop && (word == '1 || last_word);

  always_ff @(posedge clock)
    if (reset) begin
      m_axi_wvalid <= 1'b0;
      sent <= '0;
    end else begin
      if (word_free) m_axi_wvalid <= send;
      if (send) sent <= last_of_burst ? '0 : sent + 1'b1;
    end
  always_ff @(posedge clock) begin
    if (word_free) begin
      m_axi_wdata <= line[word];
      m_axi_wstrb <= stop ? 4'b0000 : last_word ? last_strobes : 4'b1111;
      m_axi_wlast <= last_of_burst;
    end
    if (start) begin
      word <= first_byte[$clog2(LANES)-1:2];
      left <= words;
      last_strobes <= 4'b1111 >> (2'd0 - move.bytes[1:0]);
    end else if (send) begin
      word <= word + 1'b1;
      left <= left - 1'b1;
    end
  end

  assign idle = outstanding == '0;
  assign error = m_axi_bvalid && m_axi_bresp[1];
  assign beat = m_axi_wvalid && m_axi_wready;
  assign port_taken = store_request && !store_grant;
  assign starved = (m_axi_wvalid && !m_axi_wready) || (busy && !has_burst && !has_words && !m_axi_wvalid);

  logic finished;
  assign finished = busy && !has_burst && idle;
  always_ff @(posedge clock)
    if (forget) begin
      busy <= 1'b0;
      done <= 1'b0;
    end else begin
      busy <= start || (busy && !finished);
      done <= finished;
    end

  logic unused_bits;
  assign unused_bits = m_axi_bresp[0] ^ move.target;
endmodule
