// The read side of the memory port: two units ask for bursts, the list before the loads, and get the words in order.
//
// Several bursts are outstanding, so that the memory's latency is hidden. While `stop` is set no burst is started, and
// the words of those that were are thrown away.
module npu_read (
    input  logic        clock,
    input  logic        reset,
    input  logic        stop,
    output logic        idle,             // no burst is outstanding
    output logic        beat,             // a word came from memory
    // bursts
    input  logic        list_valid,
    output logic        list_ready,
    input  logic [31:2] list_address,
    input  logic [4:0]  list_words,
    input  logic        load_valid,
    output logic        load_ready,
    input  logic [31:2] load_address,
    input  logic [4:0]  load_words,
    // words
    output logic        list_word_valid,  // the list always takes them
    output logic        load_word_valid,
    input  logic        load_word_ready,
    output logic [31:0] word,
    output logic        error,            // of the word: the memory answered with an error
    // AXI
    output logic [31:0] m_axi_araddr,
    output logic [7:0]  m_axi_arlen,
    output logic        m_axi_arvalid,
    input  logic        m_axi_arready,
    input  logic [31:0] m_axi_rdata,
    input  logic [1:0]  m_axi_rresp,
    input  logic        m_axi_rlast,
    input  logic        m_axi_rvalid,
    output logic        m_axi_rready
);
  localparam int OUTSTANDING = 4;
  localparam int WAITING_WORDS = 4;       // between the bus and the buffers' write port

  // Whose the outstanding bursts are
  logic free, for_load, owner_ready, owner_valid, owned_by_load, word_valid, word_last, word_taken;
  midge_fifo #(
      .WIDTH(1),
      .DEPTH(OUTSTANDING)
  ) owners (
      .clock,
      .reset,
      .in_valid(free && !stop && (list_valid || load_valid)),
      .in_ready(owner_ready),
      .in_data(for_load),
      .out_valid(owner_valid),
      .out_ready(word_taken && word_last),
      .out_data(owned_by_load)
  );

  assign free = !m_axi_arvalid || m_axi_arready;
  assign for_load = !list_valid;
  assign list_ready = free && owner_ready && !stop;
  assign load_ready = list_ready && !list_valid;

  always_ff @(posedge clock)
    if (reset) m_axi_arvalid <= 1'b0;
    else if (free) m_axi_arvalid <= owner_ready && !stop && (list_valid || load_valid);

  always_ff @(posedge clock)
    if (free) begin
      m_axi_araddr <= {for_load ? load_address : list_address, 2'b0};
      m_axi_arlen <= (for_load ? 8'(load_words) : 8'(list_words)) - 8'd1;
    end

  midge_fifo #(
      .WIDTH(34),
      .DEPTH(WAITING_WORDS)
  ) words (
      .clock,
      .reset,
      .in_valid(m_axi_rvalid),
      .in_ready(m_axi_rready),
      .in_data({m_axi_rlast, m_axi_rresp[1], m_axi_rdata}),
      .out_valid(word_valid),
      .out_ready(word_taken),
      .out_data({word_last, error, word})
  );
  assign list_word_valid = word_valid && !owned_by_load && !stop;
  assign load_word_valid = word_valid && owned_by_load && !stop;
  assign word_taken = word_valid && (stop || !owned_by_load || load_word_ready);
  assign beat = m_axi_rvalid && m_axi_rready;
  assign idle = !owner_valid;

  logic unused_response;
  assign unused_response = m_axi_rresp[0];  // EXOKAY is no error, DECERR one like SLVERR
endmodule
