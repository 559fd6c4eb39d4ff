// Which memory of the system the engine means by an address.
module npu_memory_map #(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int SRAM_BYTES = 1 << 18,
    parameter int EXTERNAL_BYTES = 0      // 0: there is no external memory
) (
    input  logic [31:2] address,
    output logic [3:0]  memory            // bit 0: program memory, 1: SRAM, 2: external memory, 3: none
);
  function automatic logic holds(input logic [31:2] start, input int bytes);
    return bytes != 0 && (address - start) < 30'(bytes / 4);
  endfunction

  always_comb begin
    memory[0] = holds(30'(32'h0000_0000 >> 2), PROGRAM_BYTES);
    memory[1] = holds(30'(32'h1000_0000 >> 2), SRAM_BYTES);
    memory[2] = holds(30'(32'h8000_0000 >> 2), EXTERNAL_BYTES);
    memory[3] = memory[2:0] == 3'b0;
  end
endmodule
