// soc/ram_lane.sv in banks as deep as a block RAM of one bit's width. Left to itself, Yosys saves a few block RAMs of a deep
// memory with wider, lower ones, and chooses among up to 32 of them behind each.
module ram_lane #(
    parameter int    DEPTH = 1 << 14,
    parameter string CONTENTS = ""      // of a memory of several banks, the files are CONTENTS.0, CONTENTS.1 and so on
) (
    input  logic                     clock,
    input  logic                     enable_a,
    input  logic                     write_a,
    input  logic [$clog2(DEPTH)-1:0] address_a,
    input  logic [7:0]               write_data_a,
    output logic [7:0]               read_data_a,
    input  logic                     write_b,
    input  logic [$clog2(DEPTH)-1:0] address_b,
    input  logic [7:0]               write_data_b,
    output logic [7:0]               read_data_b
);
  localparam int BANK_DEPTH = DEPTH < 1 << 14 ? DEPTH : 1 << 14;
  localparam int BANKS = DEPTH / BANK_DEPTH;
  localparam int INDEX_BITS = $clog2(BANK_DEPTH);

  logic [8*BANKS-1:0] banks_a, banks_b;
  for (genvar bank = 0; bank < BANKS; bank++) begin : g_bank
    logic       here_a, here_b;
    logic [7:0] read_a, read_b;
    assign banks_a[8*bank+:8] = read_a;
    assign banks_b[8*bank+:8] = read_b;
    if (BANKS == 1) begin : g_only
      assign {here_a, here_b} = 2'b11;
    end else begin : g_one_of_them
      assign here_a = address_a[$clog2(DEPTH)-1:INDEX_BITS] == bank;
      assign here_b = address_b[$clog2(DEPTH)-1:INDEX_BITS] == bank;
    end

    (* no_rw_check *)
    logic [7:0] bytes[BANK_DEPTH];
    if (CONTENTS != "") begin : g_contents
      initial $readmemh(BANKS == 1 ? CONTENTS : $sformatf("%s.%0d", CONTENTS, bank), bytes);
    end

    always @(posedge clock)
      if (enable_a)
        if (!write_a) read_a <= bytes[address_a[INDEX_BITS-1:0]];
        else if (here_a) bytes[address_a[INDEX_BITS-1:0]] <= write_data_a;
    always @(posedge clock)
      if (!write_b) read_b <= bytes[address_b[INDEX_BITS-1:0]];
      else if (here_b) bytes[address_b[INDEX_BITS-1:0]] <= write_data_b;
  end

  if (BANKS == 1) begin : g_only
    assign read_data_a = banks_a;
    assign read_data_b = banks_b;
  end else begin : g_choice
    logic [$clog2(BANKS)-1:0] bank_a, bank_b;
    always_ff @(posedge clock) begin
      if (enable_a && !write_a) bank_a <= address_a[$clog2(DEPTH)-1:INDEX_BITS];
      if (!write_b) bank_b <= address_b[$clog2(DEPTH)-1:INDEX_BITS];
    end
    assign read_data_a = banks_a[8*bank_a+:8];
    assign read_data_b = banks_b[8*bank_b+:8];
  end
endmodule
