// Model of a PSRAM chip on four data pins (QPI) behind the registers of its pins, at twice the system's clock. Whatever its
// data sheet forbids ends the simulation with a message. Commands are those that soc/psram_controller.sv uses.
module psram_chip
  import external_package::*;
#(
    parameter int unsigned CLOCK_HZ = 50_000_000,
    parameter int BYTES = 8 << 20,
    parameter int LATENCY = 6,
    parameter int PAGE_BYTES = 1024,
    parameter int T_CEM_NS = 8000,
    parameter int T_CPH_NS = 50,
    parameter int POWER_UP_US = 150
) (
    input  logic       clock,
    input  psram_t     pins,
    output logic [7:0] read_data
);
  localparam logic [7:0] READ = 8'heb;
  localparam logic [7:0] WRITE = 8'h38;
  localparam int HEADER = 4;             // bytes of command and address

  logic [31:0] words[BYTES/4]  /* verilator public_flat_rw */;

  longint      cycle = 0, selected = 0, released = -1000;
  logic        was_selected = 1'b0, reset_enabled = 1'b0, was_reset = 1'b0, quad = 1'b0;
  int          count = 0;                // cycles with clocks since it was selected
  logic [31:0] header;
  logic [7:0]  command, serial, byte_read;
  logic [$clog2(BYTES)-1:0] address;

  function automatic void demand(input logic kept, input string rule);
    if (!kept) $fatal(1, "psram_chip: %s", rule);
  endfunction
  function automatic longint cycles(input int ns);
    return longint'(ns) * longint'(CLOCK_HZ) / 1_000_000_000;
  endfunction

  assign command = header[31:24];
  assign serial = {header[28], header[24], header[20], header[16], header[12], header[8], header[4], header[0]};
  always_ff @(posedge clock) begin
    cycle <= cycle + 1;
    was_selected <= pins.select;
    read_data <= byte_read;
    byte_read <= 8'hff;
    if (pins.select && !was_selected) begin
      demand(cycle >= longint'(POWER_UP_US) * (longint'(CLOCK_HZ) / 1_000_000), "selected before power is stable");
      demand((cycle - released) * 1_000_000_000 >= longint'(T_CPH_NS) * longint'(CLOCK_HZ), "selected before T_CPH");
      selected <= cycle;
    end
    if (!pins.select) begin
      demand(!pins.drive && !pins.clocks, "clocks or data without being selected");
      count <= 0;
      if (was_selected) begin
        released <= cycle;
        if (!quad) begin
          reset_enabled <= serial == 8'h66;
          if (serial == 8'h99) was_reset <= reset_enabled;
          else if (serial == 8'h35) begin
            demand(was_reset, "QPI before a reset");
            quad <= 1'b1;
          end else demand(serial == 8'h66, "an unknown command");
        end
      end
    end else demand(!was_selected || cycle - selected <= cycles(T_CEM_NS), "selected for longer than T_CEM");
    if (pins.select && pins.clocks) begin
      count <= count + 1;
      if (count < HEADER) begin
        demand(pins.drive, "no data in a command");
        header <= {header[23:0], pins.data};
        address <= {address[$clog2(BYTES)-9:0], pins.data};
      end else begin
        demand(quad, "data before QPI");
        demand(command == READ || command == WRITE, "an unknown command");
        if (command == READ) demand(!pins.drive, "both drive the data pins");
        else demand(pins.drive, "no data to write");
        if (command == WRITE || count >= HEADER + LATENCY / 2) begin
          if (command == WRITE) words[address[$clog2(BYTES)-1:2]][8*address[1:0]+:8] <= pins.data;
          else byte_read <= words[address[$clog2(BYTES)-1:2]][8*address[1:0]+:8];
          demand(32'(address) % PAGE_BYTES != 0 || count == HEADER || (command == READ && count == HEADER + LATENCY / 2),
                 "a page left within an access");
          address <= address + 1'b1;
        end
      end
    end
  end
endmodule
