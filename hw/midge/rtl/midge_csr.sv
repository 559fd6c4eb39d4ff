// Control and status registers of machine mode, trap entry and return, counters.
// A CSR instruction reads and writes in one cycle (`access`), when all older instructions have retired.
module midge_csr
  import midge_package::*;
#(
    parameter logic [31:0] HART_ID = 32'd0
) (
    input  logic        clock,
    input  logic        reset,
    // CSR instructions
    input  logic [11:0] address,
    input  logic [1:0]  operation,      // funct3[1:0]: 1 write, 2 set, 3 clear
    input  logic        writes,         // false for csrrs/csrrc with rs1 = 0
    input  logic [31:0] operand,
    input  logic        access,
    output logic [31:0] read_data,
    output logic        illegal,        // no such register, or a write to a read-only one
    // traps
    input  logic        trap,
    input  logic        trap_interrupt,
    input  logic [3:0]  trap_cause,
    input  logic [31:1] trap_pc,
    input  logic [31:0] trap_value,
    input  logic        mret,
    output logic [31:1] trap_target,
    output logic [31:1] return_target,
    // interrupts
    input  logic        timer_interrupt,
    input  logic        external_interrupt,
    output logic        interrupt_take,     // one is pending, enabled, and mstatus.MIE is set
    output logic [3:0]  interrupt_cause,
    output logic        wake,               // one is pending and enabled, whatever mstatus.MIE says
    output logic        timer_enabled,
    // counters
    input  logic        retire,
    output logic        writes_instret      // this access writes minstret, so must not count itself
);
  // RV32 with C, I and M
  localparam logic [31:0] MISA = 32'h4000_1104;

  logic        status_mie, status_mpie;
  logic        enable_software, enable_timer, enable_external;
  logic [31:2] tvec_base;
  logic        tvec_vectored;
  logic [31:1] epc;
  logic        cause_interrupt;
  logic [3:0]  cause_code;
  logic [31:0] tval, scratch;
  logic [63:0] cycle, instret;
  logic        inhibit_cycle, inhibit_instret;

  // Reads
  logic exists, is_zero;
  // Performance counters 3..31 and their selectors, and the identification registers, read as zero.
  assign is_zero =
      (address[11:5] == 7'h58 && address[4:0] >= 5'd3)      // mhpmcounter3..31
      || (address[11:5] == 7'h5c && address[4:0] >= 5'd3)   // mhpmcounter3h..31h
      || (address[11:5] == 7'h19 && address[4:0] >= 5'd3)   // mhpmevent3..31
      || (address[11:5] == 7'h60 && address[4:0] >= 5'd3)   // hpmcounter3..31
      || (address[11:5] == 7'h64 && address[4:0] >= 5'd3)   // hpmcounter3h..31h
      || address == 12'hf11 || address == 12'hf12 || address == 12'hf13 || address == 12'hf15
      || address == 12'h310;                                // mstatush

  always_comb begin
    exists = 1'b1;
    read_data = 32'b0;
    unique case (address)
      12'h300: read_data = {19'b0, 2'b11, 3'b0, status_mpie, 3'b0, status_mie, 3'b0};
      12'h301: read_data = MISA;
      12'h304:
        read_data = {20'b0, enable_external, 3'b0, enable_timer, 3'b0, enable_software, 3'b0};
      12'h305: read_data = {tvec_base, 1'b0, tvec_vectored};
      12'h320: read_data = {29'b0, inhibit_instret, 1'b0, inhibit_cycle};
      12'h340: read_data = scratch;
      12'h341: read_data = {epc, 1'b0};
      12'h342: read_data = {cause_interrupt, 27'b0, cause_code};
      12'h343: read_data = tval;
      12'h344: read_data = {20'b0, external_interrupt, 3'b0, timer_interrupt, 7'b0};
      12'hb00, 12'hc00: read_data = cycle[31:0];
      12'hb80, 12'hc80: read_data = cycle[63:32];
      12'hb02, 12'hc02: read_data = instret[31:0];
      12'hb82, 12'hc82: read_data = instret[63:32];
      12'hf14: read_data = HART_ID;
      default: exists = is_zero;
    endcase
  end
  assign illegal = !exists || (writes && address[11:10] == 2'b11);

  // Writes
  logic        write;
  logic [31:0] write_data;
  assign write = access && writes;
  always_comb
    unique case (operation)
      2'd2: write_data = read_data | operand;
      2'd3: write_data = read_data & ~operand;
      default: write_data = operand;
    endcase
  assign writes_instret = writes && (address == 12'hb02 || address == 12'hb82);

  always_ff @(posedge clock)
    if (reset) begin
      status_mie <= 1'b0;
      status_mpie <= 1'b0;
      enable_software <= 1'b0;
      enable_timer <= 1'b0;
      enable_external <= 1'b0;
      tvec_base <= 30'b0;
      tvec_vectored <= 1'b0;
      epc <= 31'b0;
      cause_interrupt <= 1'b0;
      cause_code <= 4'b0;
      tval <= 32'b0;
      scratch <= 32'b0;
      inhibit_cycle <= 1'b0;
      inhibit_instret <= 1'b0;
    end else if (trap) begin
      status_mie <= 1'b0;
      status_mpie <= status_mie;
      epc <= trap_pc;
      cause_interrupt <= trap_interrupt;
      cause_code <= trap_cause;
      tval <= trap_value;
    end else if (mret) begin
      status_mie <= status_mpie;
      status_mpie <= 1'b1;
    end else if (write)
      unique case (address)
        12'h300: {status_mpie, status_mie} <= {write_data[7], write_data[3]};
        12'h304:
          {enable_external, enable_timer, enable_software} <= {write_data[11], write_data[7], write_data[3]};
        12'h305: {tvec_base, tvec_vectored} <= {write_data[31:2], write_data[0]};
        12'h320: {inhibit_instret, inhibit_cycle} <= {write_data[2], write_data[0]};
        12'h340: scratch <= write_data;
        12'h341: epc <= write_data[31:1];
        12'h342: {cause_interrupt, cause_code} <= {write_data[31], write_data[3:0]};
        12'h343: tval <= write_data;
        default: ;
      endcase

  always_ff @(posedge clock)
    if (reset) begin
      cycle <= 64'b0;
      instret <= 64'b0;
    end else begin
      if (!inhibit_cycle) cycle <= cycle + 64'd1;
      if (retire && !inhibit_instret) instret <= instret + 64'd1;
      if (write)
        unique case (address)
          12'hb00: cycle[31:0] <= write_data;
          12'hb80: cycle[63:32] <= write_data;
          12'hb02: instret[31:0] <= write_data;
          12'hb82: instret[63:32] <= write_data;
          default: ;
        endcase
    end

  // Interrupts: external before timer (there is no software interrupt source).
  logic external_pending, timer_pending;
  assign external_pending = external_interrupt && enable_external;
  assign timer_pending = timer_interrupt && enable_timer;
  assign wake = external_pending || timer_pending;
  assign interrupt_take = wake && status_mie;
  assign interrupt_cause = external_pending ? INTERRUPT_EXTERNAL : INTERRUPT_TIMER;
  assign timer_enabled = enable_timer;

  assign trap_target = (tvec_vectored && trap_interrupt) ? {tvec_base, 1'b0} + {26'b0, trap_cause, 1'b0}
                                                         : {tvec_base, 1'b0};
  assign return_target = epc;
endmodule
