// The order of an addition: three cycles a word, for its first operand, its second operand, and, later, the output. If a
// store takes the port in one of the first two, the word is read again in the next three.
module npu_add_sequencer
  import npu_package::*;
  import npu_types::*;
(
    input  logic      clock,
    input  logic      reset,
    input  logic      start,       // on a new descriptor, which stays until all its results are written
    input  addition_t descriptor,
    input  logic      port_taken,
    output logic      ready,       // has a read for this cycle, if the port is free
    output place_t    place,
    output step_t     step
);
  logic        active, has_a;
  logic [1:0]  phase;
  logic [19:0] a_address, b_address;
  logic [19:2] output_address;
  logic [18:2] bytes;              // words less 2: the last one has a negative count
  logic        ends, word_ends;
  assign ends = bytes[18];
  assign ready = active && (phase == 2'd0 || phase == 2'd1 && has_a);
  assign word_ends = phase == 2'd1 && has_a && !port_taken;

  always_ff @(posedge clock)
    if (reset) active <= 1'b0;
    else if (start) active <= 1'b1;
    else if (word_ends && ends) active <= 1'b0;

  always_ff @(posedge clock)
    if (start) begin
      phase <= 2'd0;
      a_address <= descriptor.a_address[19:0];
      b_address <= descriptor.b_address[19:0];
      output_address <= descriptor.output_address[19:2];
      bytes <= {1'b0, descriptor.bytes[17:2]} - 17'd2;
    end else begin
      phase <= phase == 2'd2 ? 2'd0 : phase + 2'd1;
      has_a <= phase == 2'd0 && !port_taken;
      if (word_ends) begin
        a_address <= a_address + 20'd4;
        b_address <= b_address + 20'd4;
        output_address <= output_address + 18'd1;
        bytes <= bytes - 17'd1;
      end
    end

  always_ff @(posedge clock) begin
    place <= '{padded: 1'b0, row_address: phase == 2'd0 ? a_address : b_address, row: 18'd0, position: 18'd0};
    step <= '0;
    step.read <= active && !reset && ready && !port_taken;
    step.second <= phase != 2'd0;
    step.last <= active && !reset && word_ends;
    step.ends <= ends;
    step.output_address <= output_address;
  end

  logic unused_fields;
  assign unused_fields = ^descriptor;
endmodule
