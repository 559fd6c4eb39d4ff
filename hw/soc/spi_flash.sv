// Controller of a SPI NOR flash chip (mode 0, one data pin each way; its clock is half of the system's divided by
// HALF_CYCLES). Loads see the chip in a window: a word after the last one read goes on with its read command, and the
// last word is kept. Everything else is up to the firmware, byte by byte:
//   +0 DATA    write: sends a byte and receives one; read: the byte received
//   +4 SELECT  bit 0: the chip is selected for bytes of DATA; bit 1 (read): busy with a byte, or with selecting
// While the firmware has the chip selected, a load from the window faults.
module spi_flash
  import external_package::*;
#(
    parameter int BYTES = 1 << 22,       // at most 16 MiB
    parameter int HALF_CYCLES = 1
) (
    input  logic                     clock,
    input  logic                     reset,
    // registers
    input  logic                     request,
    input  logic                     write,
    input  logic                     select_register,   // otherwise DATA
    input  logic [7:0]               write_data,
    output logic [31:0]              read_data,
    // the window
    input  logic                     load_request,
    input  logic [$clog2(BYTES)-1:2] load_address,
    output logic                     load_response,
    output logic                     load_error,
    output logic [31:0]              load_data,
    output spi_t                     pins,
    input  logic                     pins_read_data
);
  localparam logic [7:0] READ = 8'h03;
  localparam logic [3:0] APART_CYCLES = 4'd8;  // not selected between two commands: more than 50 ns
  localparam int HALF_BITS = HALF_CYCLES == 1 ? 1 : $clog2(HALF_CYCLES);

  typedef logic [$clog2(BYTES)-1:2] word_t;
  typedef enum logic [1:0] {
    APART,                               // not selected
    HEADER,                              // the read command and its address are sent
    DATA,                                // a word of the window, or a byte for the firmware
    PAUSE                                // selected, the clock stands still
  } state_t;
  state_t               state;
  logic                 selected, spi_clock;
  logic                 wanted, for_firmware;    // the firmware wants the chip; it has been selected for that
  logic [3:0]           apart_left;
  logic [5:0]           bits_left;
  logic [HALF_BITS-1:0] half_left;
  logic [31:0]          sent;
  logic [30:0]          received;
  logic                 send, waiting, kept;
  word_t                waiting_word, word;      // word: the one in load_data, if kept
  logic [7:0]           send_byte;

  logic half_ends, ends;
  assign half_ends = half_left == '0;
  assign ends = half_ends && spi_clock && bits_left == 6'd1;

  // The chip's answer is taken when the next half begins, a whole period after the chip was told to give it.
  logic [31:0] received_next;
  assign received_next = {received, pins_read_data};

  logic hit;
  assign hit = kept && load_address == word;

  always_ff @(posedge clock)
    if (reset) begin
      state <= APART;
      apart_left <= APART_CYCLES;
      wanted <= 1'b0;
      send <= 1'b0;
      waiting <= 1'b0;
      kept <= 1'b0;
      load_response <= 1'b0;
      selected <= 1'b0;
      spi_clock <= 1'b0;
    end else begin
      load_response <= load_request && (hit || wanted);
      load_error <= wanted;
      if (load_request && !hit && !wanted) waiting <= 1'b1;
      if (request && write && select_register) begin
        wanted <= write_data[0];
        if (write_data[0]) kept <= 1'b0;
      end
      if (request && write && !select_register && wanted) send <= 1'b1;

      if (apart_left != '0) apart_left <= apart_left - 1'b1;
      if (state == HEADER || state == DATA) begin
        half_left <= half_ends ? HALF_BITS'(HALF_CYCLES - 1) : half_left - 1'b1;
        if (half_ends) spi_clock <= !spi_clock;
        if (half_ends && spi_clock) bits_left <= bits_left - 1'b1;
      end else half_left <= HALF_BITS'(HALF_CYCLES - 1);
      unique case (state)
        APART:
          if (apart_left == '0) begin
            for_firmware <= wanted;
            bits_left <= 6'd32;
            if (wanted) state <= PAUSE;
            else if (waiting) state <= HEADER;
            selected <= wanted || waiting;
          end
        HEADER:
          if (ends) begin
            state <= DATA;
            bits_left <= 6'd32;
          end
        DATA:
          if (ends) begin
            state <= PAUSE;
            send <= 1'b0;
            if (!for_firmware) begin
              waiting <= 1'b0;
              kept <= !wanted;
              load_response <= 1'b1;
              load_error <= 1'b0;
            end
          end
        PAUSE:
          if (for_firmware ? !wanted : wanted || (waiting && waiting_word != word + 1'b1)) begin
            state <= APART;
            selected <= 1'b0;
            apart_left <= APART_CYCLES;
          end else if (for_firmware ? send : waiting) begin
            state <= DATA;
            bits_left <= for_firmware ? 6'd8 : 6'd32;
          end
      endcase
    end

  always_ff @(posedge clock) begin
    if (load_request) waiting_word <= load_address;
    if (request && write && !select_register) send_byte <= write_data;
    if (state == APART) sent <= {READ, 24'({waiting_word, 2'b0})};
    else if (state == PAUSE) sent <= {send_byte, 24'b0};
    else if (half_ends && spi_clock) sent <= sent << 1;
    if ((state == HEADER || state == DATA) && half_ends && spi_clock) received <= received_next[30:0];
    if (state == DATA && ends && !for_firmware) begin
      word <= waiting_word;
      load_data <= {received_next[7:0], received_next[15:8], received_next[23:16], received_next[31:24]};
    end
  end

  assign pins = '{select: selected, clock: spi_clock, data: sent[31]};
  assign read_data = select_register ? {30'b0, send || for_firmware != wanted || (wanted && state == APART), wanted}
      : {24'b0, received[7:0]};
endmodule
