// The pins of a 16-bit SDRAM chip: what soc/sdram_controller.sv says in a cycle, in the two clocks of the chip, and what the
// chip answers with CAS latency 3, a word a cycle.
//
// Every signal has its register in its pin, so all leave together, however they are routed. The chip's clock is three
// quarters of a period later: a command is stable for that long before the chip takes it, and for a quarter afterwards. What
// the chip sends from an edge of its clock on is taken one and a quarter periods after that edge. Of that the chip needs
// 6 ns; it lets go 2.5 ns after the next edge. So the way out through the FPGA's pins and back may take 1 to 9 ns at 80 MHz,
// and 0.5 to 6 ns at 100 MHz.
module ecp5_sdram_pins
  import external_package::*;
(
    input  logic        clock,
    input  logic        pin_clock,       // twice as fast, in phase
    input  logic        chip_clock,      // as fast as that, later
    input  sdram_t      pins,
    output logic [31:0] read_data,
    // the chip
    output logic        sdram_clk,
    output logic        sdram_cke,
    output logic        sdram_csn,
    output logic        sdram_rasn,
    output logic        sdram_casn,
    output logic        sdram_wen,
    output logic [12:0] sdram_a,
    output logic [1:0]  sdram_ba,
    output logic [1:0]  sdram_dqm,
    inout  wire  [15:0] sdram_d
);
  // first: the next edge of pin_clock is one of clock's, too. Where both have an edge, nothing depends on which comes first.
  logic cycle = 1'b0, settled = 1'b0, seen = 1'b0, first = 1'b0;
  always_ff @(posedge clock) cycle <= !cycle;
  always_ff @(negedge pin_clock) settled <= cycle;
  always_ff @(posedge pin_clock) begin
    seen <= settled;
    first <= settled != seen;
  end

  // Taken in the middle of a cycle, when the controller's registers stand still.
  sdram_t taken = '{command: SDRAM_NOTHING, default: '0};
  always_ff @(posedge pin_clock) if (!first) taken <= pins;

  // These two are set before the first clock: the chip is not selected, nothing is driven.
  logic [15:0] released;
  OFS1P3BX select (.SCLK(pin_clock), .SP(1'b1), .PD(1'b0), .D(!first || taken.command[3]), .Q(sdram_csn));
  for (genvar i = 0; i < 16; i++) begin : g_released
    OFS1P3BX register (.SCLK(pin_clock), .SP(1'b1), .PD(1'b0), .D(!taken.drive), .Q(released[i]));
  end

  localparam int WIDTH = 3 + 13 + 2 + 2 + 16;
  logic [WIDTH-1:0] next, value;
  logic [15:0]      driven;
  assign next = {
    taken.command[2:0], taken.address, taken.bank,
    first ? {taken.mask[1:0], taken.data[15:0]} : {taken.mask[3:2], taken.data[31:16]}
  };
  assign {sdram_rasn, sdram_casn, sdram_wen, sdram_a, sdram_ba, sdram_dqm, driven} = value;
  for (genvar i = 0; i < WIDTH; i++) begin : g_value
    OFS1P3DX register (.SCLK(pin_clock), .SP(1'b1), .CD(1'b0), .D(next[i]), .Q(value[i]));
  end
  assign sdram_cke = 1'b1;
  ODDRX1F clock_output (.SCLK(chip_clock), .RST(1'b0), .D0(1'b1), .D1(1'b0), .Q(sdram_clk));

  // A word's first half is taken with the cycle, its second half in the middle of it.
  logic [15:0] arriving, second, first_half;
  for (genvar i = 0; i < 16; i++) begin : g_data
    BB pin (.I(driven[i]), .T(released[i]), .O(arriving[i]), .B(sdram_d[i]));
    IFS1P3DX register (.SCLK(pin_clock), .SP(1'b1), .CD(1'b0), .D(arriving[i]), .Q(second[i]));
  end
  always_ff @(posedge pin_clock) if (!first) first_half <= second;
  always_ff @(posedge clock) read_data <= {second, first_half};
endmodule
