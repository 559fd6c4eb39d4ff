// Resets the system when nothing stops or restarts it in time, and keeps what must outlive such a reset.
//   +0 CYCLES  write: reset after so many cycles, 0: never; read: cycles left
//   +4 CAUSE   read: bit 0 is set when the last reset was the watchdog's
//   +8 KEPT    a word for the firmware, which only a reset from outside clears
module watchdog (
    input  logic        clock,
    input  logic        power_on_reset,
    input  logic        request,
    input  logic        write,
    input  logic [1:0]  register,
    input  logic [31:0] write_data,
    output logic [31:0] read_data,
    input  logic        other_reset,        // a reset that the firmware asked for
    output logic        runs,
    output logic        reset_request
);
  logic [31:0] left, kept;
  logic        bitten;

  assign runs = left != 32'd0;
  assign reset_request = left == 32'd1;

  always_ff @(posedge clock)
    if (power_on_reset) begin
      left <= 32'b0;
      bitten <= 1'b0;
      kept <= 32'b0;
    end else begin
      if (request && write && register == 2'd0) left <= write_data;
      else if (runs) left <= other_reset ? 32'b0 : left - 1'b1;
      if (request && write && register == 2'd2) kept <= write_data;
      if (reset_request) bitten <= 1'b1;
      else if (other_reset) bitten <= 1'b0;
    end

  always_comb
    unique case (register)
      2'd0: read_data = left;
      2'd1: read_data = {31'b0, bitten};
      2'd2: read_data = kept;
      default: read_data = 32'b0;
    endcase
endmodule
