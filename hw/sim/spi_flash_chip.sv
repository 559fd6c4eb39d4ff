// Model of a SPI NOR flash chip, after Winbond's W25Q series: programming clears bits of a page, erasing sets those of a
// sector. What its data sheet says it ignores it ignores: commands while it is busy, but for the status; programming and
// erasing that no write enable precedes, or that do not end with a whole byte. A command that it does not have, and a
// pause between two commands that is too short, end the simulation with a message. It looks at its pins once in each
// cycle of the system, so its answers come up to a cycle late.
module spi_flash_chip
  import external_package::*;
#(
    parameter int unsigned CLOCK_HZ = 50_000_000,
    parameter int BYTES = 1 << 22,
    parameter int PROGRAM_US = 400,      // a page
    parameter int ERASE_US = 45_000,     // a sector
    parameter int T_SHSL_NS = 50         // not selected between two commands
) (
    input  logic        clock,
    input  spi_t        pins,
    output logic        read_data,
    // for the simulator: busy changing what it holds, from this byte on; at the end, up to this one
    output logic        busy,
    output logic [31:0] changes
);
  localparam logic [7:0] PROGRAM = 8'h02;
  localparam logic [7:0] READ = 8'h03;
  localparam logic [7:0] WRITE_DISABLE = 8'h04;
  localparam logic [7:0] STATUS = 8'h05;
  localparam logic [7:0] WRITE_ENABLE = 8'h06;
  localparam logic [7:0] FAST_READ = 8'h0b;
  localparam logic [7:0] ERASE = 8'h20;
  localparam logic [7:0] IDENTITY = 8'h9f;
  localparam int PAGE_BYTES = 256;
  localparam int SECTOR_BYTES = 4096;
  localparam int BITS = $clog2(BYTES);
  localparam int HEADER = 4;             // command and address
  localparam int CYCLES_PER_US = CLOCK_HZ / 1_000_000;

  logic [7:0] bytes[BYTES]  /* verilator public_flat_rw */;

  logic              was_selected = 1'b0, was_clock = 1'b0, write_enabled = 1'b0, ignored;
  logic [2:0]        bits;               // of the byte that arrives
  logic [2:0]        count;              // bytes since it was selected, up to 5
  logic [6:0]        arriving;
  logic [7:0]        command, arrived, sending;
  logic [23:0]       address;
  logic [7:0]        page[PAGE_BYTES];
  logic [PAGE_BYTES-1:0] in_page;        // which bytes of it were sent
  logic [BITS-1:0]   first;              // that is to be programmed
  logic [8:0]        sent;               // bytes to program, up to 256
  longint            cycle = 0, released = -1000;
  int                time_left;          // of the operation, cycles
  logic              erases;
  logic [31:0]       changes_end;

  function automatic void demand(input logic kept, input string rule);
    if (!kept) $fatal(1, "spi_flash_chip: %s", rule);
  endfunction

  initial busy = 1'b0;
  assign arrived = {arriving, pins.data};

  // The byte that it sends while byte `count` arrives.
  logic [7:0] answer;
  always_comb begin
    answer = 8'hff;
    if (!ignored)
      unique case (command)
        STATUS: if (count >= 1) answer = {6'b0, write_enabled, busy};
        READ: if (count >= 3'(HEADER)) answer = bytes[address[BITS-1:0]];
        FAST_READ: if (count > 3'(HEADER)) answer = bytes[address[BITS-1:0]];
        IDENTITY: if (count >= 1) answer = count == 1 ? 8'hef : count == 2 ? 8'h40 : 8'(BITS);
        default: answer = 8'hff;
      endcase
  end

  logic page_wraps;
  assign page_wraps = 32'(first[7:0]) + 32'(sent) > PAGE_BYTES;

  always_ff @(posedge clock) begin
    cycle <= cycle + 1;
    was_selected <= pins.select;
    was_clock <= pins.clock;

    if (pins.select && !was_selected) begin
      demand((cycle - released) * 1_000_000_000 >= longint'(T_SHSL_NS) * longint'(CLOCK_HZ), "selected before T_SHSL");
      bits <= '0;
      count <= '0;
      ignored <= 1'b0;
      sent <= '0;
      if (!busy) in_page <= '0;
    end else if (pins.select && pins.clock && !was_clock) begin
      arriving <= arrived[6:0];
      bits <= bits + 1'b1;
      if (bits == 3'd7) begin
        if (count != 3'd5) count <= count + 1'b1;
        if (count == 3'd0) begin
          command <= arrived;
          ignored <= busy && arrived != STATUS;
          demand(arrived inside {PROGRAM, READ, WRITE_DISABLE, STATUS, WRITE_ENABLE, FAST_READ, ERASE, IDENTITY},
                 "a command that it does not have");
        end else if (count < 3'(HEADER)) begin
          address <= {address[15:0], arrived};
          first <= BITS'({address[15:0], arrived});
        end else if (command == PROGRAM && !ignored) begin
          page[address[7:0]] <= arrived;
          in_page[address[7:0]] <= 1'b1;
          address[7:0] <= address[7:0] + 1'b1;     // stays in the page
          if (sent != 9'(PAGE_BYTES)) sent <= sent + 1'b1;
        end
      end
    end else if (pins.select && !pins.clock && was_clock) begin
      read_data <= bits == 3'd0 ? answer[7] : sending[7];
      sending <= bits == 3'd0 ? answer << 1 : sending << 1;
      if (bits == 3'd0 && count >= (command == READ ? 3'(HEADER) : 3'(HEADER + 1))
          && (command == READ || command == FAST_READ)) address <= address + 1'b1;
    end

    if (busy) begin
      time_left <= time_left - 1;
      if (changes != changes_end) begin
        if (erases) bytes[changes[BITS-1:0]] <= 8'hff;
        else if (in_page[changes[7:0]]) bytes[changes[BITS-1:0]] <= bytes[changes[BITS-1:0]] & page[changes[7:0]];
        changes <= changes + 1;
      end else if (time_left <= 0) begin
        busy <= 1'b0;
        write_enabled <= 1'b0;
      end
    end

    if (was_selected && !pins.select) begin
      released <= cycle;
      if (bits == 3'd0 && !ignored) begin
        if (command == WRITE_ENABLE && count == 3'd1) write_enabled <= 1'b1;
        if (command == WRITE_DISABLE && count == 3'd1) write_enabled <= 1'b0;
        if (command == PROGRAM && write_enabled && sent != '0) begin
          busy <= 1'b1;
          erases <= 1'b0;
          time_left <= PROGRAM_US * CYCLES_PER_US;
          changes <= page_wraps ? 32'(first) & ~32'(PAGE_BYTES - 1) : 32'(first);
          changes_end <= page_wraps ? (32'(first) | 32'(PAGE_BYTES - 1)) + 1 : 32'(first) + 32'(sent);
        end
        if (command == ERASE && write_enabled && count == 3'(HEADER)) begin
          busy <= 1'b1;
          erases <= 1'b1;
          time_left <= ERASE_US * CYCLES_PER_US;
          changes <= 32'(first) & ~32'(SECTOR_BYTES - 1);
          changes_end <= (32'(first) | 32'(SECTOR_BYTES - 1)) + 1;
        end
      end
    end
  end
endmodule
