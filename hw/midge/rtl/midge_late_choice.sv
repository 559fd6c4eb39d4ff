// One of two words that come late in the cycle, from block RAM, or one that comes early. For each bit, what is known early
// says which of the two it is, or stands for the bit itself: late data need pass a single look-up table only, of four inputs.
// synth/ecp5 makes sure of it.
module midge_late_choice #(
    parameter int WIDTH = 32
) (
    input  logic             late,       // it is late_1 or late_0
    input  logic             first,      // then late_1
    input  logic [WIDTH-1:0] late_1,
    input  logic [WIDTH-1:0] late_0,
    input  logic [WIDTH-1:0] early,
    output logic [WIDTH-1:0] value
);
  assign value = !late ? early : first ? late_1 : late_0;
endmodule
