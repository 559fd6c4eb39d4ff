// The core's data port as the master of an AXI4-Lite port: one access at a time, answered from registers.
module npu_bridge (
    input  logic        clock,
    input  logic        reset,
    // data port, protocol of midge_core
    input  logic        request,
    input  logic        write,
    input  logic [11:2] address,
    input  logic [3:0]  byte_lanes,
    input  logic [31:0] write_data,
    output logic        response,
    output logic        error,
    output logic [31:0] read_data,
    // AXI4-Lite
    output logic [11:0] awaddr,
    output logic        awvalid,
    input  logic        awready,
    output logic [31:0] wdata,
    output logic [3:0]  wstrb,
    output logic        wvalid,
    input  logic        wready,
    input  logic [1:0]  bresp,
    input  logic        bvalid,
    output logic        bready,
    output logic [11:0] araddr,
    output logic        arvalid,
    input  logic        arready,
    input  logic [31:0] rdata,
    input  logic [1:0]  rresp,
    input  logic        rvalid,
    output logic        rready
);
  assign araddr = awaddr;
  assign bready = 1'b1;
  assign rready = 1'b1;

  always_ff @(posedge clock)
    if (reset) begin
      awvalid <= 1'b0;
      wvalid <= 1'b0;
      arvalid <= 1'b0;
      response <= 1'b0;
    end else begin
      if (request) begin
        awvalid <= write;
        wvalid <= write;
        arvalid <= !write;
      end else begin
        if (awready) awvalid <= 1'b0;
        if (wready) wvalid <= 1'b0;
        if (arready) arvalid <= 1'b0;
      end
      response <= bvalid || rvalid;
    end

  always_ff @(posedge clock) begin
    if (request) begin
      awaddr <= {address, 2'b0};
      wdata <= write_data;
      wstrb <= byte_lanes;
    end
    error <= bvalid ? bresp != 2'b0 : rresp != 2'b0;
    read_data <= rdata;
  end
endmodule
