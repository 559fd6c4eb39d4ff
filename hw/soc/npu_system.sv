// The engine in Midge's system: its control port behind the core's data port, its memory port in front of the system's
// memories.
module npu_system #(
    parameter int LANES = 16,
    parameter int ACTIVATION_BYTES = 1 << 15,
    parameter int WEIGHT_BYTES = 1 << 15,
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int SRAM_BYTES = 1 << 18,
    parameter int EXTERNAL_BYTES = 0
) (
    input  logic        clock,
    input  logic        reset,
    output logic        interrupt,
    output logic        busy,
    // the core's data port, protocol of midge_core
    input  logic        core_request,
    input  logic        core_write,
    input  logic [11:2] core_address,
    input  logic [3:0]  core_byte_lanes,
    input  logic [31:0] core_write_data,
    output logic        core_response,
    output logic        core_error,
    output logic [31:0] core_read_data,
    // the memories, see npu_memories
    output logic [31:2] read_address,
    output logic [31:2] write_address,
    output logic [3:0]  write_byte_lanes,
    output logic [31:0] write_data,
    output logic        program_request,
    input  logic        program_ready,
    input  logic [31:0] program_read_data,
    output logic        sram_request,
    output logic        sram_write,
    input  logic        sram_ready,
    input  logic [31:0] sram_read_data,
    output logic        external_request,
    output logic        external_write,
    input  logic        external_ready,
    input  logic        external_response,
    input  logic [31:0] external_read_data
);
  logic [11:0] control_awaddr, control_araddr;
  logic [31:0] control_wdata, control_rdata;
  logic [3:0]  control_wstrb;
  logic [1:0]  control_bresp, control_rresp;
  logic control_awvalid, control_awready, control_wvalid, control_wready, control_bvalid, control_bready;
  logic control_arvalid, control_arready, control_rvalid, control_rready;
  npu_bridge bridge (
      .clock,
      .reset,
      .request(core_request),
      .write(core_write),
      .address(core_address),
      .byte_lanes(core_byte_lanes),
      .write_data(core_write_data),
      .response(core_response),
      .error(core_error),
      .read_data(core_read_data),
      .awaddr(control_awaddr),
      .awvalid(control_awvalid),
      .awready(control_awready),
      .wdata(control_wdata),
      .wstrb(control_wstrb),
      .wvalid(control_wvalid),
      .wready(control_wready),
      .bresp(control_bresp),
      .bvalid(control_bvalid),
      .bready(control_bready),
      .araddr(control_araddr),
      .arvalid(control_arvalid),
      .arready(control_arready),
      .rdata(control_rdata),
      .rresp(control_rresp),
      .rvalid(control_rvalid),
      .rready(control_rready)
  );

  logic engine_clock;
  npu_clock npu_clock (
      .clock,
      .works(reset || busy || control_awvalid || control_wvalid || control_bvalid || control_arvalid || control_rvalid),
      .engine_clock
  );

  logic [31:0] awaddr, wdata, araddr, rdata;
  logic [7:0]  awlen, arlen;
  logic [3:0]  wstrb;
  logic [1:0]  bresp, rresp;
  logic awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready, rlast;
  // Every burst of the engine is of whole words at rising addresses, and ends where its length says.
  logic [2:0]  unused_awsize, unused_awprot, unused_arsize, unused_arprot;
  logic [1:0]  unused_awburst, unused_arburst;
  logic [3:0]  unused_awcache, unused_arcache;
  logic        unused_wlast;
  npu #(
      .LANES(LANES),
      .ACTIVATION_BYTES(ACTIVATION_BYTES),
      .WEIGHT_BYTES(WEIGHT_BYTES)
  ) npu (
      .clock(engine_clock),
      .reset,
      .irq(interrupt),
      .busy,
      .s_axi_awaddr(control_awaddr),
      .s_axi_awprot(3'b0),
      .s_axi_awvalid(control_awvalid),
      .s_axi_awready(control_awready),
      .s_axi_wdata(control_wdata),
      .s_axi_wstrb(control_wstrb),
      .s_axi_wvalid(control_wvalid),
      .s_axi_wready(control_wready),
      .s_axi_bresp(control_bresp),
      .s_axi_bvalid(control_bvalid),
      .s_axi_bready(control_bready),
      .s_axi_araddr(control_araddr),
      .s_axi_arprot(3'b0),
      .s_axi_arvalid(control_arvalid),
      .s_axi_arready(control_arready),
      .s_axi_rdata(control_rdata),
      .s_axi_rresp(control_rresp),
      .s_axi_rvalid(control_rvalid),
      .s_axi_rready(control_rready),
      .m_axi_awaddr(awaddr),
      .m_axi_awlen(awlen),
      .m_axi_awsize(unused_awsize),
      .m_axi_awburst(unused_awburst),
      .m_axi_awcache(unused_awcache),
      .m_axi_awprot(unused_awprot),
      .m_axi_awvalid(awvalid),
      .m_axi_awready(awready),
      .m_axi_wdata(wdata),
      .m_axi_wstrb(wstrb),
      .m_axi_wlast(unused_wlast),
      .m_axi_wvalid(wvalid),
      .m_axi_wready(wready),
      .m_axi_bresp(bresp),
      .m_axi_bvalid(bvalid),
      .m_axi_bready(bready),
      .m_axi_araddr(araddr),
      .m_axi_arlen(arlen),
      .m_axi_arsize(unused_arsize),
      .m_axi_arburst(unused_arburst),
      .m_axi_arcache(unused_arcache),
      .m_axi_arprot(unused_arprot),
      .m_axi_arvalid(arvalid),
      .m_axi_arready(arready),
      .m_axi_rdata(rdata),
      .m_axi_rresp(rresp),
      .m_axi_rlast(rlast),
      .m_axi_rvalid(rvalid),
      .m_axi_rready(rready)
  );

  npu_memories #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .SRAM_BYTES(SRAM_BYTES),
      .EXTERNAL_BYTES(EXTERNAL_BYTES)
  ) memories (
      .clock(engine_clock),
      .reset,
      .awvalid,
      .awready,
      .awaddr,
      .awlen,
      .wvalid,
      .wready,
      .wdata,
      .wstrb,
      .bvalid,
      .bready,
      .bresp,
      .arvalid,
      .arready,
      .araddr,
      .arlen,
      .rvalid,
      .rready,
      .rdata,
      .rresp,
      .rlast,
      .read_address,
      .write_address,
      .write_byte_lanes,
      .write_data,
      .program_request,
      .program_ready,
      .program_read_data,
      .sram_request,
      .sram_write,
      .sram_ready,
      .sram_read_data,
      .external_request,
      .external_write,
      .external_ready,
      .external_response,
      .external_read_data
  );
endmodule
