// Controller of a 16-bit SDRAM chip that runs at twice the system's clock: a word of 32 bits is a burst of two, so one
// command a cycle, on its first clock, keeps the chip busy. Rows stay open until another row of their bank is wanted;
// words are read and written in order. What the chip demands is given in nanoseconds, rounded up to cycles here.
module sdram_controller
  import external_package::*;
#(
    parameter int unsigned CLOCK_HZ = 50_000_000,
    parameter int BYTES = 8 << 20,
    parameter int COLUMN_BITS = 8,
    parameter int CAS_LATENCY = 2,       // 2 or 3, in clocks of the chip
    parameter int T_RCD_NS = 15,         // from activate to read or write
    parameter int T_RP_NS = 15,          // from precharge to activate
    parameter int T_RAS_NS = 42,         // from activate to precharge
    parameter int T_RC_NS = 60,          // from activate to activate, from refresh to anything
    parameter int T_WR_NS = 15,          // from the last word written to precharge
    parameter int T_REFI_NS = 7812,      // from refresh to refresh
    parameter int POWER_UP_US = 200,
    parameter int OPEN_ROWS = 1          // 0: rows are closed when no request waits
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
    output sdram_t                   pins             // data read arrive READ_CYCLES after the command
);
  localparam int WORD_COLUMN_BITS = COLUMN_BITS - 1;
  localparam int ROW_BITS = $clog2(BYTES) - 2 - WORD_COLUMN_BITS - 2;
  localparam int READ_CYCLES = 2 + (CAS_LATENCY + 1) / 2;  // a cycle each way in the pins' registers
  localparam int INITIAL_REFRESHES = 8;
  typedef logic [ROW_BITS-1:0] row_t;

  function automatic int cycles(input int ns);
    return (ns * (CLOCK_HZ / 1000) + 999_999) / 1_000_000;
  endfunction
  // A precharge so late that the activate after it may follow as soon as T_RP allows.
  localparam int ACTIVE_CYCLES = cycles(T_RAS_NS) > cycles(T_RC_NS) - cycles(T_RP_NS)
      ? cycles(T_RAS_NS) : cycles(T_RC_NS) - cycles(T_RP_NS);
  // The second half of a word written is on the pins half a cycle after the command.
  localparam int WRITTEN_CYCLES = cycles(T_WR_NS + 500_000_000 / CLOCK_HZ);
  // A clock between the last half word read and the first one written.
  localparam int TURNAROUND_CYCLES = (CAS_LATENCY + 2 + 1 + 1) / 2;
  localparam int POWER_UP_CYCLES = POWER_UP_US * (CLOCK_HZ / 1_000_000);
  localparam int REFRESH_CYCLES = T_REFI_NS * (CLOCK_HZ / 1000) / 1_000_000;
  localparam int LONG_BITS = $clog2(POWER_UP_CYCLES + REFRESH_CYCLES + 1);
  localparam int WAIT_BITS = 4;
  typedef logic [WAIT_BITS-1:0] wait_t;

  // The word to read or write next
  logic                              head_valid, head_write, head_tag, head_taken;
  logic [$clog2(BYTES)-1:2]          head_address;
  logic [3:0]                        head_lanes;
  logic [31:0]                       head_data;
  row_t                              head_row;
  logic [1:0]                        head_bank;
  logic [WORD_COLUMN_BITS-1:0]       head_column;
  midge_fifo #(
      .WIDTH($clog2(BYTES) - 2 + 38),
      .DEPTH(2)
  ) requests (
      .clock,
      .reset,
      .in_valid(request),
      .in_ready(ready),
      .in_data({write, tag, address, byte_lanes, write_data}),
      .out_valid(head_valid),
      .out_ready(head_taken),
      .out_data({head_write, head_tag, head_address, head_lanes, head_data})
  );
  assign {head_row, head_bank, head_column} = head_address;

  typedef enum logic [1:0] {
    POWER_UP,
    REFRESH,
    MODE,
    WORK
  } state_t;
  state_t               state;
  logic                 mode_is_set, refresh_due;
  logic [LONG_BITS-1:0] long_wait;       // until power is stable, then until the next refresh
  logic [3:0]           refreshes_left;
  logic [3:0]           open;            // banks
  row_t                 rows[4];
  wait_t row_wait, precharge_wait, write_wait;  // until the rows may be used or opened, closed, written after a read

  // The command of this cycle
  sdram_command_t command;
  logic           hit, row_free;
  assign row_free = row_wait == '0;
  assign hit = open[head_bank] && rows[head_bank] == head_row;
  always_comb begin
    command = SDRAM_NOTHING;
    unique case (state)
      POWER_UP: ;
      REFRESH:
        if (open != 4'b0) begin
          if (precharge_wait == '0) command = SDRAM_PRECHARGE;
        end else if (row_free) command = SDRAM_REFRESH;
      MODE: if (row_free) command = SDRAM_MODE;
      WORK:
        if (refresh_due) ;
        else if (!head_valid) begin
          if (OPEN_ROWS == 0 && open != 4'b0 && precharge_wait == '0) command = SDRAM_PRECHARGE;
        end else if (!hit && open[head_bank]) begin
          if (precharge_wait == '0) command = SDRAM_PRECHARGE;
        end else if (!row_free) ;
        else if (!hit) command = SDRAM_ACTIVATE;
        else if (!head_write) command = SDRAM_READ;
        else if (write_wait == '0) command = SDRAM_WRITE;
    endcase
  end
  logic reads, writes, all_banks;
  assign reads = command == SDRAM_READ;
  assign writes = command == SDRAM_WRITE;
  assign head_taken = reads || writes;
  assign all_banks = state == REFRESH || !head_valid;

  function automatic wait_t after(input int cycles_between);
    return wait_t'(cycles_between - 1);
  endfunction
  function automatic wait_t less_one(input wait_t left);
    return left == '0 ? '0 : left - 1'b1;
  endfunction

  always_ff @(posedge clock)
    if (reset) begin
      state <= POWER_UP;
      mode_is_set <= 1'b0;
      refresh_due <= 1'b0;
      long_wait <= LONG_BITS'(POWER_UP_CYCLES);
      refreshes_left <= 4'(INITIAL_REFRESHES);
      open <= 4'b1111;                   // who knows
      row_wait <= '0;
      precharge_wait <= '0;
      write_wait <= '0;
    end else begin
      long_wait <= long_wait == '0 ? LONG_BITS'(REFRESH_CYCLES - 1) : long_wait - 1'b1;
      if (long_wait == '0) refresh_due <= 1'b1;
      row_wait <= less_one(row_wait);
      precharge_wait <= less_one(precharge_wait);
      write_wait <= less_one(write_wait);

      unique case (command)
        SDRAM_PRECHARGE: begin
          if (all_banks) open <= 4'b0;
          else open[head_bank] <= 1'b0;
          row_wait <= after(cycles(T_RP_NS));
        end
        SDRAM_ACTIVATE: begin
          open[head_bank] <= 1'b1;
          row_wait <= after(cycles(T_RCD_NS));
          precharge_wait <= after(ACTIVE_CYCLES);
        end
        SDRAM_REFRESH: begin
          row_wait <= after(cycles(T_RC_NS));
          refreshes_left <= refreshes_left - 1'b1;
          if (refreshes_left == 4'd1) state <= mode_is_set ? WORK : MODE;
        end
        SDRAM_MODE: begin
          row_wait <= after(2);
          mode_is_set <= 1'b1;
          state <= WORK;
        end
        SDRAM_READ: write_wait <= after(TURNAROUND_CYCLES);
        SDRAM_WRITE: if (precharge_wait <= after(WRITTEN_CYCLES)) precharge_wait <= after(WRITTEN_CYCLES);
        default: ;
      endcase
      if (state == POWER_UP && long_wait == '0) begin
        state <= REFRESH;
        refresh_due <= 1'b0;
      end
      if (state == WORK && refresh_due) begin
        state <= REFRESH;
        refreshes_left <= 4'd1;
        refresh_due <= 1'b0;
      end
    end
  always_ff @(posedge clock) if (command == SDRAM_ACTIVATE) rows[head_bank] <= head_row;

  // To the pins. Bursts of two, in order; bit 10 of the address makes a precharge one of all banks.
  localparam logic [12:0] MODE_REGISTER = 13'(CAS_LATENCY << 4 | 1);
  sdram_t held = '{command: SDRAM_NOTHING, default: '0};  // from the first clock on
  assign pins = held;
  always_ff @(posedge clock) begin
    held.command <= reset ? SDRAM_NOTHING : command;
    held.bank <= state == MODE ? 2'b0 : head_bank;
    held.address <= state == MODE ? MODE_REGISTER : command == SDRAM_ACTIVATE ? 13'(head_row)
        : {2'b0, command == SDRAM_PRECHARGE && all_banks, 10'({head_column, 1'b0})};
    held.drive <= writes && !reset;
    held.mask <= writes ? ~head_lanes : 4'b0;
    held.data <= head_data;
  end

  // Answers. The command is on the pins a cycle after it was decided.
  logic [READ_CYCLES:0] answers, tags;   // from the highest bit to the lowest
  always_ff @(posedge clock) begin
    answers <= reset ? '0 : {reads, answers[READ_CYCLES:1]};
    tags <= {head_tag, tags[READ_CYCLES:1]};
  end
  assign response = answers[0];
  assign response_tag = tags[0];
endmodule
