// boards/ecp5_sdram_pins.sv with the delays of a chip and of the FPGA's pins: words are written and read back.
//   +period=PS of the pins' clock   +way=PS through the FPGA's pins, out and back
`timescale 1ps / 1ps
module sdram_pins_bench
  import external_package::*;
();
  localparam int ACCESS_PS = 6000, HOLD_PS = 2500;       // of what the chip sends
  localparam int BEFORE_PS = 2000, AFTER_PS = 1000;      // commands and data are stable around its edge
  localparam int WORDS = 128;                            // in one row

  int period = 12_500, way = 5_000;
  initial begin
    void'($value$plusargs("period=%d", period));
    void'($value$plusargs("way=%d", way));
  end

  logic clock = 1'b0, pin_clock = 1'b0, chip_clock = 1'b0, reset = 1'b1;
  initial
    forever begin
      clock = 1'b1;
      pin_clock = 1'b1;
      #(period / 2) pin_clock = 1'b0;
      #(period / 2) pin_clock = 1'b1;
      clock = 1'b0;
      #(period / 2) pin_clock = 1'b0;
      #(period / 2);
    end
  initial begin
    #(3 * period / 4);
    forever begin
      chip_clock = 1'b1;
      #(period / 2) chip_clock = 1'b0;
      #(period / 2);
    end
  end
  initial #(20 * period) reset = 1'b0;

  // The board
  sdram_t pins;
  logic [31:0] read_data, write_data;
  logic request, ready, write, response, unused_tag;
  logic [24:2] address;
  sdram_controller #(
      .CLOCK_HZ(40_000_000),
      .BYTES(32 << 20),
      .COLUMN_BITS(9),
      .CAS_LATENCY(3),
      .POWER_UP_US(1)
  ) controller (
      .tag(1'b0),
      .byte_lanes(4'b1111),
      .response_tag(unused_tag),
      .*
  );
  logic sdram_clk, sdram_cke, sdram_csn, sdram_rasn, sdram_casn, sdram_wen;
  logic [12:0] sdram_a;
  logic [1:0] sdram_ba, sdram_dqm;
  wire [15:0] sdram_d;
  ecp5_sdram_pins board (.*);

  int asked = 0, answered = 0, wrong = 0;
  assign request = asked < 2 * WORDS;
  assign write = asked < WORDS;
  assign address = 23'(asked % WORDS);
  function automatic logic [31:0] word(input int index);
    return 32'h9e37_79b9 * 32'(index + 1);
  endfunction
  assign write_data = word(asked);
  always_ff @(posedge clock)
    if (!reset) begin
      if (request && ready) asked <= asked + 1;
      if (response) begin
        answered <= answered + 1;
        if (read_data != word(answered)) wrong <= wrong + 1;
      end
      if (answered == WORDS) begin
        $display("%0d wrong", wrong);
        $finish;
      end
    end

  // On the way to the chip
  typedef struct packed {
    logic        csn, rasn, casn, wen;
    logic [12:0] a;
    logic [1:0]  dqm;
    logic [15:0] d;
  } told_t;
  told_t told, arrived;
  logic arrived_clk;
  longint changed = 0, edge_ = -10_000;
  assign told = {sdram_csn, sdram_rasn, sdram_casn, sdram_wen, sdram_a, sdram_dqm, sdram_d};
  always @(told) arrived <= #(way / 2) told;
  always @(sdram_clk) arrived_clk <= #(way / 2) sdram_clk;
  always @(arrived.csn or arrived.rasn or arrived.casn or arrived.wen or arrived.a) begin
    changed = $time;
    if ($time - edge_ < AFTER_PS && !reset) $fatal(1, "a command changes right behind the edge");
  end

  // The chip, of one row: CAS latency 3
  logic [15:0] halves[2*WORDS], sent, back;
  logic [3:0] reads = '0;
  logic [8:0] columns[4], written;
  logic second = 1'b0;
  always @(posedge arrived_clk) begin
    edge_ = $time;
    if (!arrived.csn && $time - changed < BEFORE_PS) $fatal(1, "a command changes right before the edge");
    if (!arrived.csn && arrived.rasn && !arrived.casn && !arrived.wen) begin
      halves[8'(arrived.a)] <= arrived.d;
      written <= arrived.a[8:0];
    end else if (second) halves[8'(written + 1'b1)] <= arrived.d;
    second <= !arrived.csn && arrived.rasn && !arrived.casn && !arrived.wen;
    reads <= {reads[2:0], !arrived.csn && arrived.rasn && !arrived.casn && arrived.wen};
    columns[0] <= arrived.a[8:0];
    for (int i = 1; i < 4; i++) columns[i] <= columns[i-1];
    // From this edge on, seen at the next one: the third behind the command, and the one after it.
    sent <= #HOLD_PS 16'($urandom);
    if (reads[1]) sent <= #ACCESS_PS halves[8'(columns[1])];
    if (reads[2]) sent <= #ACCESS_PS halves[8'(columns[2]+1'b1)];
  end
  always @(sent) back <= #(way - way / 2) sent;
  assign sdram_d = board.released[0] ? back : 'z;
endmodule
