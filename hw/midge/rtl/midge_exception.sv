// Why the instruction in execute traps, as far as it is known early in the cycle: an interrupt, or the instruction
// itself. Whether an address is aligned is known late, and access faults of loads and stores follow in writeback.
module midge_exception
  import midge_package::*;
(
    input  logic        interrupt,
    input  logic [3:0]  interrupt_cause,
    input  logic        fault,              // of the fetch
    input  logic        fault_second_half,
    input  logic        illegal,
    input  decoded_t    decoded,
    input  logic [31:1] pc,
    input  logic [31:0] as_fetched,
    output logic        exception,
    output logic [3:0]  cause,              // without exception: of a misaligned address
    output logic [31:0] trap_value
);
  always_comb begin
    exception = 1'b1;
    cause = CAUSE_ILLEGAL;
    trap_value = 32'b0;
    if (interrupt) cause = interrupt_cause;
    else if (fault) begin
      cause = CAUSE_FETCH_FAULT;
      trap_value = {pc + {30'b0, fault_second_half}, 1'b0};
    end else if (illegal) trap_value = as_fetched;
    else if (decoded.ebreak) begin
      cause = CAUSE_BREAKPOINT;
      trap_value = {pc, 1'b0};
    end else if (decoded.ecall) cause = CAUSE_ECALL_MACHINE;
    else begin
      exception = 1'b0;
      cause = decoded.store ? CAUSE_STORE_MISALIGNED : CAUSE_LOAD_MISALIGNED;
    end
  end

  logic unused_decoded;
  assign unused_decoded = ^decoded;
endmodule
