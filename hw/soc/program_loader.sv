// Writes program memory where the boot loader keeps images elsewhere, a word at a time:
//   +0 ADDRESS  of the word to write next
//   +4 WORD     write: that word becomes it, and ADDRESS moves on by 4
// The first KEPT_BYTES, where the boot loader is, never change: a write there, or beyond the memory, does nothing.
module program_loader #(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int KEPT_BYTES = 1 << 14
) (
    input  logic        clock,
    input  logic        reset,
    input  logic        request,
    input  logic        write,
    input  logic        word_register,    // otherwise ADDRESS
    input  logic [31:0] write_data,
    output logic [31:0] read_data,
    // the memory
    output logic        change,           // write in this cycle
    output logic [31:2] change_address,
    output logic [31:0] change_data
);
  assign read_data = word_register ? 32'b0 : {change_address, 2'b0};

  always_ff @(posedge clock) begin
    change <= request && write && word_register && !reset && change_address >= 30'(KEPT_BYTES / 4)
        && change_address < 30'(PROGRAM_BYTES / 4);
    change_data <= write_data;
    if (request && write && !word_register) change_address <= write_data[31:2];
    else if (change) change_address <= change_address + 1'b1;
  end
endmodule
