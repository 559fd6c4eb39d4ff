// The control port: registers behind AXI4-Lite. docs/npu.md describes them.
//
// Words only: a write of single bytes is answered with an error and changes nothing.
module npu_registers
  import npu_front_types::*;
#(
    parameter int LANES = 16,
    parameter int ACTIVATION_BYTES = 1 << 15,
    parameter int WEIGHT_BYTES = 1 << 15
) (
    input  logic              clock,
    input  logic              reset,
    // AXI4-Lite
    input  logic [11:0]       s_axi_awaddr,
    input  logic              s_axi_awvalid,
    output logic              s_axi_awready,
    input  logic [31:0]       s_axi_wdata,
    input  logic [3:0]        s_axi_wstrb,
    input  logic              s_axi_wvalid,
    output logic              s_axi_wready,
    output logic [1:0]        s_axi_bresp,
    output logic              s_axi_bvalid,
    input  logic              s_axi_bready,
    input  logic [11:0]       s_axi_araddr,
    input  logic              s_axi_arvalid,
    output logic              s_axi_arready,
    output logic [31:0]       s_axi_rdata,
    output logic [1:0]        s_axi_rresp,
    output logic              s_axi_rvalid,
    input  logic              s_axi_rready,
    // what is written
    output logic              start,          // pulses
    output logic              abort,
    output logic              clear_done,
    output logic              clear_error,
    output logic              interrupt_enable,
    output logic [31:0]       list,
    output logic [31:0]       count,
    output logic [3:0][31:0]  bases,
    output logic [7:0]        record_select,
    // what is read
    input  logic              busy,
    input  logic              done,
    input  logic              error,
    input  logic [7:0]        error_code,
    input  logic [9:0]        error_index,
    input  logic [31:0]       cycles,
    input  logic [31:0]       bytes_read,
    input  logic [31:0]       bytes_written,
    input  record_t           record
);
  // Addresses of words
  localparam logic [9:0] ID = 10'h000;
  localparam logic [9:0] CAPABILITY = 10'h001;
  localparam logic [9:0] CONTROL = 10'h002;
  localparam logic [9:0] STATUS = 10'h003;
  localparam logic [9:0] INTERRUPT_ENABLE = 10'h004;
  localparam logic [9:0] ERROR = 10'h005;
  localparam logic [9:0] LIST = 10'h006;
  localparam logic [9:0] COUNT = 10'h007;
  localparam logic [9:0] BASE0 = 10'h008;
  localparam logic [9:0] BASE1 = 10'h009;
  localparam logic [9:0] BASE2 = 10'h00a;
  localparam logic [9:0] BASE3 = 10'h00b;
  localparam logic [9:0] CYCLES = 10'h00c;
  localparam logic [9:0] BYTES_READ = 10'h00d;
  localparam logic [9:0] BYTES_WRITTEN = 10'h00e;
  localparam logic [9:0] RECORD_SELECT = 10'h010;
  localparam logic [9:0] RECORD_CYCLES = 10'h011;
  localparam logic [9:0] RECORD_ARRAY = 10'h012;
  localparam logic [9:0] RECORD_WAITED = 10'h013;
  localparam logic [9:0] RECORD_STARVED = 10'h014;
  localparam logic [9:0] RECORD_PORT = 10'h015;
  localparam logic [9:0] RECORD_BYTES = 10'h016;

  localparam logic [31:0] NPU1 = 32'h3155_504e;
  localparam logic [7:0]  VERSION = 8'd1;
  localparam logic [1:0]  OKAY = 2'b00;
  localparam logic [1:0]  SLVERR = 2'b10;

  // The one of an address and its data that comes first is kept until the other is there, and nothing is taken as long as
  // there is a response: no output depends on an input of the same cycle.
  logic        address_kept, data_kept, has_address, has_data, write, write_word;
  logic [9:0]  kept_register, write_register;
  logic [31:0] kept_data, write_data;
  logic [3:0]  kept_lanes, write_lanes;
  assign s_axi_awready = !address_kept && !s_axi_bvalid;
  assign s_axi_wready = !data_kept && !s_axi_bvalid;
  assign has_address = address_kept || (s_axi_awvalid && s_axi_awready);
  assign has_data = data_kept || (s_axi_wvalid && s_axi_wready);
  assign write = has_address && has_data;
  assign write_register = address_kept ? kept_register : s_axi_awaddr[11:2];
  assign {write_lanes, write_data} = data_kept ? {kept_lanes, kept_data} : {s_axi_wstrb, s_axi_wdata};
  assign write_word = write && write_lanes == 4'b1111;
  always_ff @(posedge clock)
    if (reset) {address_kept, data_kept} <= 2'b00;
    else {address_kept, data_kept} <= {has_address && !write, has_data && !write};
  always_ff @(posedge clock) begin
    kept_register <= write_register;
    {kept_lanes, kept_data} <= {write_lanes, write_data};
  end

  always_ff @(posedge clock)
    if (reset) s_axi_bvalid <= 1'b0;
    else s_axi_bvalid <= write || (s_axi_bvalid && !s_axi_bready);
  always_ff @(posedge clock) if (write) s_axi_bresp <= write_word ? OKAY : SLVERR;

  assign abort = write_word && write_register == CONTROL && write_data[1];
  assign start = write_word && write_register == CONTROL && write_data[0] && !abort;
  assign clear_done = write_word && write_register == STATUS && write_data[1];
  assign clear_error = write_word && write_register == STATUS && write_data[2];

  always_ff @(posedge clock)
    if (reset) interrupt_enable <= 1'b0;
    else if (write_word && write_register == INTERRUPT_ENABLE) interrupt_enable <= write_data[0];
  always_ff @(posedge clock)
    if (write_word)
      unique case (write_register)
        LIST: list <= write_data;
        COUNT: count <= write_data;
        BASE0, BASE1, BASE2, BASE3: bases[write_register[1:0]] <= write_data;
        RECORD_SELECT: record_select <= write_data[7:0];
        default: ;
      endcase

  // Reads
  logic        read;
  logic [31:0] value;
  assign s_axi_arready = !s_axi_rvalid;
  assign read = s_axi_arvalid && s_axi_arready;
  assign s_axi_rresp = OKAY;
  always_comb
    unique case (s_axi_araddr[11:2])
      ID: value = NPU1;
      CAPABILITY: value = {VERSION, 8'($clog2(WEIGHT_BYTES)), 8'($clog2(ACTIVATION_BYTES)), 8'(LANES)};
      STATUS: value = {29'b0, error, done, busy};
      INTERRUPT_ENABLE: value = {31'b0, interrupt_enable};
      ERROR: value = {6'b0, error_index, 8'b0, error_code};
      LIST: value = list;
      COUNT: value = count;
      BASE0, BASE1, BASE2, BASE3: value = bases[s_axi_araddr[3:2]];
      CYCLES: value = cycles;
      BYTES_READ: value = bytes_read;
      BYTES_WRITTEN: value = bytes_written;
      RECORD_SELECT: value = {24'b0, record_select};
      RECORD_CYCLES: value = record.cycles;
      RECORD_ARRAY: value = record.array;
      RECORD_WAITED: value = record.waited;
      RECORD_STARVED: value = record.starved;
      RECORD_PORT: value = record.port;
      RECORD_BYTES: value = {16'b0, record.bytes};
      default: value = 32'b0;
    endcase

  always_ff @(posedge clock)
    if (reset) s_axi_rvalid <= 1'b0;
    else s_axi_rvalid <= read || (s_axi_rvalid && !s_axi_rready);
  always_ff @(posedge clock) if (read) s_axi_rdata <= value;

  logic unused_low_bits;
  assign unused_low_bits = ^{s_axi_awaddr[1:0], s_axi_araddr[1:0]};
endmodule
