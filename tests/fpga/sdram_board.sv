// A ULX3S with its SDRAM behind the pins, and the far end of its serial line as a stream of bytes. `clock` is the one of the
// pins, twice the system's.
module sdram_board #(
    parameter int CYCLES_PER_BIT = 694
) (
    input  logic       clock,
    input  logic       reset,
    input  logic       send_valid,      // to the board
    output logic       send_ready,
    input  logic [7:0] send_data,
    output logic       receive_valid,   // from the board
    output logic [7:0] receive_data,
    output logic       stopped
);
  logic to_board, from_board, unused_overrun, unused_esp32;
  logic [7:0] led;
  assign stopped = led[7];

  logic sdram_clk, sdram_cke, sdram_csn, sdram_rasn, sdram_casn, sdram_wen;
  logic [12:0] sdram_a;
  logic [1:0] sdram_ba, sdram_dqm;
  wire [15:0] sdram_d;
  ulx3s_sdram #(`BOARD_PARAMETERS) board (
      .clk_25mhz(clock),
      .fire1(reset),
      .ftdi_txd(to_board),
      .ftdi_rxd(from_board),
      .wifi_gpio0(unused_esp32),
      .*
  );
  sdram_on_pins sdram (
      .driven(board.ecp5_sdram_pins.released == '0),
      .*
  );

  uart_phy #(
      .CYCLES_PER_BIT(CYCLES_PER_BIT)
  ) host (
      .clock,
      .reset,
      .rx(from_board),
      .tx(to_board),
      .receive_valid,
      .receive_ready(1'b1),
      .receive_data,
      .receive_overrun(unused_overrun),
      .send_valid,
      .send_ready,
      .send_data
  );
endmodule

// hw/sim/sdram_chip.sv, which thinks in cycles of two clocks, as a chip on pins. Its answers come half a clock after the edge
// that they belong to: its access time.
module sdram_on_pins
  import external_package::*;
#(
    parameter int unsigned CLOCK_HZ = 40_000_000,
    parameter int BYTES = 32 << 20,
    parameter int COLUMN_BITS = 9,
    parameter int CAS_LATENCY = 3
) (
    input  logic        sdram_clk,
    input  logic        sdram_cke,
    input  logic        sdram_csn,
    input  logic        sdram_rasn,
    input  logic        sdram_casn,
    input  logic        sdram_wen,
    input  logic [12:0] sdram_a,
    input  logic [1:0]  sdram_ba,
    input  logic [1:0]  sdram_dqm,
    inout  wire  [15:0] sdram_d,
    input  logic        driven       // by the board
);
  sdram_t arriving, told = '{command: SDRAM_NOTHING, default: '0};
  logic   second = 1'b0, aligned = 1'b0;
  logic [31:0] unused_read_data;
  sdram_chip #(
      .CLOCK_HZ(CLOCK_HZ),
      .BYTES(BYTES),
      .COLUMN_BITS(COLUMN_BITS),
      .T_RCD_NS(21),
      .T_RP_NS(21),
      .T_RAS_NS(45),
      .T_RC_NS(70)
  ) chip (
      .clock(!second),
      .pins(told),
      .read_data(unused_read_data)
  );

  // The first command says which clocks are the first ones of a cycle.
  always_ff @(posedge sdram_clk) begin
    if (!sdram_cke) $fatal(1, "sdram_on_pins: the clock is not enabled");
    if (!sdram_csn) aligned <= 1'b1;
    if (!second || (!sdram_csn && !aligned)) begin
      second <= 1'b1;
      arriving.command <= sdram_csn ? SDRAM_NOTHING : sdram_command_t'({1'b0, sdram_rasn, sdram_casn, sdram_wen});
      arriving.bank <= sdram_ba;
      arriving.address <= sdram_a;
      arriving.drive <= driven;
      arriving.mask[1:0] <= sdram_dqm;
      arriving.data[15:0] <= sdram_d;
    end else begin
      second <= 1'b0;
      if (!sdram_csn) $fatal(1, "sdram_on_pins: a command in the second clock of a cycle");
      if (driven != arriving.drive) $fatal(1, "sdram_on_pins: half a word");
      told <= arriving;
      told.mask[3:2] <= sdram_dqm;
      told.data[31:16] <= sdram_d;
    end
  end

  // What a read finds is known with the second clock after its command; the first half belongs to the one before the last of
  // the latency.
  logic [5:0] reads = '0;            // by the clocks since the command
  logic [31:0] word;
  logic [15:0] sent;
  logic sends = 1'b0;
  always_ff @(posedge sdram_clk) begin
    reads <= {reads[4:0], !sdram_csn && sdram_rasn && !sdram_casn && sdram_wen};
    if (reads[1]) word <= chip.words_read[3];
  end
  always_ff @(negedge sdram_clk) begin
    sends <= reads[CAS_LATENCY-1] || reads[CAS_LATENCY];
    sent <= reads[CAS_LATENCY-1] ? word[15:0] : word[31:16];
  end
  assign sdram_d = sends ? sent : 'z;
endmodule
