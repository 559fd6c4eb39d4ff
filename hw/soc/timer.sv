// Machine timer: counts clock cycles, interrupts while mtime >= mtimecmp.
//   +0 mtime low, +4 mtime high, +8 mtimecmp low, +12 mtimecmp high
module timer (
    input  logic        clock,
    input  logic        reset,
    input  logic        request,
    input  logic        write,
    input  logic [1:0]  register,
    input  logic [31:0] write_data,
    output logic [31:0] read_data,
    output logic        timer_interrupt
);
  logic [63:0] time_count, time_compare;

  always_ff @(posedge clock)
    if (reset) begin
      time_count <= 64'b0;
      time_compare <= '1;
      timer_interrupt <= 1'b0;
    end else begin
      time_count <= time_count + 64'd1;
      timer_interrupt <= time_count >= time_compare;
      if (request && write)
        unique case (register)
          2'd0: time_count[31:0] <= write_data;
          2'd1: time_count[63:32] <= write_data;
          2'd2: time_compare[31:0] <= write_data;
          default: time_compare[63:32] <= write_data;
        endcase
    end

  always_comb
    unique case (register)
      2'd0: read_data = time_count[31:0];
      2'd1: read_data = time_count[63:32];
      2'd2: read_data = time_compare[31:0];
      default: read_data = time_compare[63:32];
    endcase
endmodule
