// Model of a 16-bit SDRAM chip behind the registers of its pins, at twice the system's clock. It judges what it is told by
// the times in its data sheet: whatever they forbid ends the simulation with a message. It does what
// soc/sdram_controller.sv uses: bursts of two, no automatic precharge, no power-down.
module sdram_chip
  import external_package::*;
#(
    parameter int unsigned CLOCK_HZ = 50_000_000,
    parameter int BYTES = 8 << 20,
    parameter int COLUMN_BITS = 8,
    parameter int T_RCD_NS = 15,
    parameter int T_RP_NS = 15,
    parameter int T_RAS_NS = 42,
    parameter int T_RC_NS = 60,
    parameter int T_RRD_NS = 14,
    parameter int T_WR_NS = 15,
    parameter int T_REFI_NS = 7812,
    parameter int POWER_UP_US = 200
) (
    input  logic        clock,
    input  sdram_t      pins,
    output logic [31:0] read_data
);
  localparam int ROW_BITS = $clog2(BYTES) - 1 - 2 - COLUMN_BITS;
  localparam int LATEST_REFRESH = 64;    // intervals: data last for 8192, and a reset of the system leaves out some 30

  logic [31:0] words[BYTES/4]  /* verilator public_flat_rw */;

  // In clocks of the chip
  function automatic longint clocks(input int ns);
    return (longint'(ns) * longint'(2 * CLOCK_HZ) + 999_999_999) / 1_000_000_000;
  endfunction
  longint now = 0;                       // the first of this cycle's two
  longint activated[4] = '{default: -1000};
  longint precharged[4] = '{default: -1000};
  longint write_ended[4] = '{default: -1000};  // the last half word
  longint refreshed = -1000, any_activated = -1000, bus_free = 0, mode_set = -1000;
  int     refreshes = 0;
  logic   open[4] = '{default: 1'b0};
  logic [ROW_BITS-1:0] rows[4];

  function automatic void demand(input logic kept, input string rule);
    if (!kept) $fatal(1, "sdram_chip: %s", rule);
  endfunction

  // What was read, by cycles until it is at the port
  logic [31:0] words_read[4];
  logic [3:0]  cas_latency = 4'd0;       // 0: the mode is not set yet
  assign read_data = words_read[0];

  logic [$clog2(BYTES)-1:2] at;
  assign at = {rows[pins.bank], pins.bank, pins.address[COLUMN_BITS-1:1]};
  always_ff @(posedge clock) begin
    now <= now + 2;
    words_read[0] <= words_read[1];
    words_read[1] <= words_read[2];
    words_read[2] <= words_read[3];
    words_read[3] <= 32'hdead_beef;
    if (pins.command != SDRAM_NOTHING) begin
      demand(now >= longint'(POWER_UP_US) * (longint'(CLOCK_HZ) / 500_000), "a command before power is stable");
      demand(now - refreshed >= clocks(T_RC_NS), "a command before T_RC after refresh");
      demand(now - mode_set >= 2, "a command right after the mode was set");
      demand(cas_latency == '0 || now - refreshed <= LATEST_REFRESH * clocks(T_REFI_NS), "no refresh for too long");
    end
    unique case (pins.command)
      SDRAM_NOTHING: demand(!pins.drive, "data without a command");
      SDRAM_MODE: begin
        demand(!(open[0] || open[1] || open[2] || open[3]), "mode set while a row is open");
        demand(refreshes >= 8, "mode set before eight refreshes");
        demand(pins.bank == 2'b0 && {pins.address[12:7], pins.address[3:0]} == 10'd1, "a mode that is not modelled");
        demand(pins.address[6:4] == 3'd2 || pins.address[6:4] == 3'd3, "a CAS latency other than 2 and 3");
        cas_latency <= {1'b0, pins.address[6:4]};
        mode_set <= now;
      end
      SDRAM_REFRESH: begin
        for (int bank = 0; bank < 4; bank++) begin
          demand(!open[bank], "refresh while a row is open");
          demand(now - precharged[bank] >= clocks(T_RP_NS), "refresh before T_RP");
        end
        refreshed <= now;
        refreshes <= refreshes + 1;
      end
      SDRAM_PRECHARGE:
        for (int bank = 0; bank < 4; bank++)
          if (pins.address[10] || pins.bank == 2'(bank)) begin
            demand(now - activated[bank] >= clocks(T_RAS_NS), "precharge before T_RAS");
            demand(now - write_ended[bank] >= clocks(T_WR_NS), "precharge before T_WR");
            precharged[bank] <= now;
            open[bank] <= 1'b0;
          end
      SDRAM_ACTIVATE: begin
        demand(cas_latency != '0, "activate before the mode is set");
        demand(!open[pins.bank], "activate while a row is open");
        demand(now - precharged[pins.bank] >= clocks(T_RP_NS), "activate before T_RP");
        demand(now - activated[pins.bank] >= clocks(T_RC_NS), "activate before T_RC");
        demand(now - any_activated >= clocks(T_RRD_NS), "activate before T_RRD");
        demand(pins.address >> ROW_BITS == '0, "a row that there is not");
        open[pins.bank] <= 1'b1;
        rows[pins.bank] <= pins.address[ROW_BITS-1:0];
        activated[pins.bank] <= now;
        any_activated <= now;
      end
      SDRAM_READ, SDRAM_WRITE: begin
        demand(open[pins.bank], "an access to a closed row");
        demand(now - activated[pins.bank] >= clocks(T_RCD_NS), "an access before T_RCD");
        demand(!pins.address[10] && !pins.address[0] && pins.address[9:0] >> COLUMN_BITS == '0, "an access that is not modelled");
        if (pins.command == SDRAM_READ) begin
          demand(!pins.drive, "data with a read");
          words_read[cas_latency == 4'd2 ? 2 : 3] <= words[at];
          bus_free <= now + longint'(cas_latency) + 2;
        end else begin
          demand(pins.drive, "a write without data");
          demand(now > bus_free, "data while the chip still drives its pins");
          for (int lane = 0; lane < 4; lane++) if (!pins.mask[lane]) words[at][8*lane+:8] <= pins.data[8*lane+:8];
          write_ended[pins.bank] <= now + 1;
        end
      end
      default: demand(1'b0, "an unknown command");
    endcase
  end
endmodule
