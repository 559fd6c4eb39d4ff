// Programs and erases the program memory as NOR flash: programming clears bits, erasing sets a block to ones.
//   +0 ADDRESS  of the word to program first, or of any byte in the block to erase; writing it empties the buffer
//   +4 DATA     write: appends a word to the buffer, which has 64
//   +8 COMMAND  write "PROG" or "ERAS"; read STATUS: bit 0 busy, bit 1 refused (more words than fit, or beyond the
//               memory); the next ADDRESS clears it
//   +12 BLOCK   read: bytes of a block
// The memory belongs to the operation while it goes on: fetches and loads from it wait. An operation takes two cycles
// for each word to program and one for each to erase, which is faster than any chip: only what it leaves is modelled.
module flash_controller #(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int BLOCK_BYTES = 4096
) (
    input  logic        clock,
    input  logic        reset,
    // registers
    input  logic        request,
    input  logic        write,
    input  logic [1:0]  register,
    input  logic [31:0] write_data,
    output logic [31:0] read_data,
    // the memory: a word is read in one cycle and can be written in the next
    output logic        busy,
    output logic        change,             // write in this cycle
    output logic [31:2] change_address,
    output logic [31:0] change_data,
    input  logic [31:0] held_data           // what the memory held at change_address in the cycle before
);
  localparam logic [31:0] PROGRAM_KEY = 32'h5052_4f47;  // "PROG"
  localparam logic [31:0] ERASE_KEY = 32'h4552_4153;    // "ERAS"
  localparam int BUFFER_WORDS = 64;
  localparam int COUNT_BITS = $clog2(BUFFER_WORDS) + 1;
  localparam int BLOCK_WORDS = BLOCK_BYTES / 4;
  localparam int LEFT_BITS = $clog2(BLOCK_WORDS) + 1;

  logic [31:0]           buffer[BUFFER_WORDS];
  logic [COUNT_BITS-1:0] count, taken;
  logic [LEFT_BITS-1:0]  left;                // words
  logic                  refused, erases, writes;  // a word to program is read first, then written
  logic                  command, fits;
  logic [31:0]           end_address;
  logic [31:0]           next_word;

  assign command = request && write && register == 2'd2;
  assign end_address = {change_address, 2'b0} + 32'(count) * 32'd4;
  assign fits = end_address <= PROGRAM_BYTES && change_address < 30'(PROGRAM_BYTES / 4);
  assign change = busy && (erases || writes);
  assign change_data = erases ? 32'hffff_ffff : held_data & next_word;

  always_ff @(posedge clock) next_word <= buffer[taken[COUNT_BITS-2:0]];

  always_ff @(posedge clock)
    if (reset) begin
      busy <= 1'b0;
      refused <= 1'b0;
      count <= '0;
    end else if (busy) begin
      writes <= !erases && !writes;
      if (change) begin
        left <= left - 1'b1;
        taken <= taken + 1'b1;
        change_address <= change_address + 1'b1;
        busy <= left != LEFT_BITS'(1);
      end
    end else if (request && write && register == 2'd0) begin
      change_address <= write_data[31:2];
      count <= '0;
      taken <= '0;
      refused <= 1'b0;
    end else if (request && write && register == 2'd1) begin
      if (count == COUNT_BITS'(BUFFER_WORDS)) refused <= 1'b1;
      else count <= count + 1'b1;
    end else if (command) begin
      writes <= 1'b0;
      erases <= write_data == ERASE_KEY;
      if (refused || !fits) refused <= 1'b1;
      else if (write_data == ERASE_KEY) begin
        busy <= 1'b1;
        left <= LEFT_BITS'(BLOCK_WORDS);
        change_address[$clog2(BLOCK_BYTES)-1:2] <= '0;
      end else if (write_data == PROGRAM_KEY && count != '0) begin
        busy <= 1'b1;
        left <= LEFT_BITS'(count);
      end else refused <= 1'b1;
    end

  always_ff @(posedge clock)
    if (request && write && register == 2'd1 && !busy) buffer[count[COUNT_BITS-2:0]] <= write_data;

  always_comb
    unique case (register)
      2'd2: read_data = {30'b0, refused, busy};
      2'd3: read_data = BLOCK_BYTES;
      default: read_data = 32'b0;
    endcase
endmodule
