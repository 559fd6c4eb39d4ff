// Identity, end of simulation, and reset.
//   +0 EXIT (write: the simulator ends with that code), +4 ID, +8 clock in Hz, +12 RESET (write the key)
module system_registers #(
    parameter int unsigned CLOCK_HZ = 40_000_000
) (
    input  logic        clock,
    input  logic        reset,
    input  logic        request,
    input  logic        write,
    input  logic [1:0]  register,
    input  logic [31:0] write_data,
    output logic [31:0] read_data,
    output logic        exit,
    output logic [31:0] exit_code,
    output logic        reset_request
);
  localparam logic [31:0] ID = 32'h4d49_4447;         // "MIDG"
  localparam logic [31:0] RESET_KEY = 32'h5253_5421;  // "RST!"

  always_ff @(posedge clock)
    if (reset) begin
      exit <= 1'b0;
      reset_request <= 1'b0;
    end else begin
      if (request && write && register == 2'd0) begin
        exit <= 1'b1;
        exit_code <= write_data;
      end
      reset_request <= request && write && register == 2'd3 && write_data == RESET_KEY;
    end

  always_comb
    unique case (register)
      2'd1: read_data = ID;
      2'd2: read_data = CLOCK_HZ;
      default: read_data = 32'b0;
    endcase
endmodule
