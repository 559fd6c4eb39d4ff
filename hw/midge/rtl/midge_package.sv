// Types shared by the stages of Midge. Names and numbers follow the RISC-V unprivileged (20191213) and
// privileged (20211203) specifications.
package midge_package;

  // Where the value written to rd comes from, for instructions that finish in the execute stage.
  typedef enum logic [2:0] {
    RESULT_ALU,
    RESULT_IMMEDIATE,  // lui
    RESULT_TARGET,     // auipc
    RESULT_LINK,       // jal, jalr
    RESULT_CSR,
    RESULT_DIVIDE,
    RESULT_ADDRESS,    // loads, stores: kept for mtval
    RESULT_NN          // Xmidge, where it is not a pointer
  } result_source_t;

  // An instruction as the fetch stage hands it over.
  typedef struct packed {
    logic [31:1] pc;
    logic [31:0] raw;                // the upper half is arbitrary for a compressed instruction
    logic [31:0] immediate_32;       // the immediate is the OR of both (midge_immediate)
    logic [31:0] immediate_16;
    logic [4:0]  rs1;
    logic [4:0]  rs2;
    logic        is_compressed;
    logic        fault;              // access fault on one of its halves
    logic        fault_second_half;  // only the second half could not be read
  } fetched_t;

  // How far the fetch stage is, for the hardware loop, and where the loop sends it.
  typedef struct packed {
    logic        asked;          // for the word asked_for
    logic [31:2] asked_for;
    logic        taken;          // the instruction offered, at pc
    logic [31:1] pc;
    logic        is_compressed;
  } fetch_progress_t;
  typedef struct packed {
    logic        request_back;   // start follows the word asked for, not the next one
    logic        take_back;      // start follows the instruction offered, if that ends its word
    logic [31:2] start;
  } fetch_loop_t;

  // What the decoder says about one instruction.
  typedef struct packed {
    logic           illegal;
    logic           uses_rs1;
    logic           uses_rs2;
    logic           writes_rd;
    logic           takes_product_1;    // can use a product that is just being added up, as operand 1
    logic           takes_product_2;
    logic           operand_immediate;  // second ALU operand is the immediate
    logic           alu_alternate;      // sub, sra
    logic           load;
    logic           store;
    logic           branch;
    logic           jal;
    logic           jalr;
    logic           multiply;
    logic           divide;
    logic           csr;
    logic           ecall;
    logic           ebreak;
    logic           mret;
    logic           wfi;
    logic           nn;                 // Xmidge, except loop
    logic           loop;
    result_source_t result_source;
    logic [2:0]     funct3;
    logic [4:0]     rd;
  } decoded_t;

  // One retired or trapped instruction, with the meanings of the RISC-V formal interface. Words only, so that the
  // simulator writes it out as it is; the last field comes first in memory. mem_addr is the exact address;
  // masks and data are relative to it (a byte load has mask 1 and its byte in bits 7:0).
  typedef struct packed {
    logic [31:0] cause;      // of a trap
    logic [31:0] flags;      // bit 0: trap; bit 1: first instruction of an interrupt handler
    logic [31:0] mem_wdata;
    logic [31:0] mem_rdata;
    logic [31:0] mem_masks;  // bits 3:0 read, bits 11:8 written
    logic [31:0] mem_addr;
    logic [31:0] rd_wdata;
    logic [31:0] rd_addr;
    logic [31:0] insn;
    logic [31:0] pc_wdata;
    logic [31:0] pc_rdata;
  } rvfi_t;

  // mcause values of synchronous exceptions.
  localparam logic [3:0] CAUSE_FETCH_FAULT       = 4'd1;
  localparam logic [3:0] CAUSE_ILLEGAL           = 4'd2;
  localparam logic [3:0] CAUSE_BREAKPOINT        = 4'd3;
  localparam logic [3:0] CAUSE_LOAD_MISALIGNED   = 4'd4;
  localparam logic [3:0] CAUSE_LOAD_FAULT        = 4'd5;
  localparam logic [3:0] CAUSE_STORE_MISALIGNED  = 4'd6;
  localparam logic [3:0] CAUSE_STORE_FAULT       = 4'd7;
  localparam logic [3:0] CAUSE_ECALL_MACHINE     = 4'd11;

  // mcause values of interrupts (with bit 31 set); also their bit positions in mip and mie.
  localparam logic [3:0] INTERRUPT_TIMER    = 4'd7;
  localparam logic [3:0] INTERRUPT_EXTERNAL = 4'd11;

  // Major opcodes (instruction bits 6:2).
  localparam logic [4:0] OPCODE_LOAD     = 5'b00000;
  localparam logic [4:0] OPCODE_MISC_MEM = 5'b00011;
  localparam logic [4:0] OPCODE_OP_IMM   = 5'b00100;
  localparam logic [4:0] OPCODE_AUIPC    = 5'b00101;
  localparam logic [4:0] OPCODE_STORE    = 5'b01000;
  localparam logic [4:0] OPCODE_OP       = 5'b01100;
  localparam logic [4:0] OPCODE_LUI      = 5'b01101;
  localparam logic [4:0] OPCODE_BRANCH   = 5'b11000;
  localparam logic [4:0] OPCODE_JALR     = 5'b11001;
  localparam logic [4:0] OPCODE_JAL      = 5'b11011;
  localparam logic [4:0] OPCODE_SYSTEM   = 5'b11100;

endpackage
