// midge/rtl/midge_late_choice.sv with late data in one look-up table, which Yosys, not knowing what is late, would spread
// over up to three.
module midge_late_choice #(
    parameter int WIDTH = 32
) (
    input  logic             late,
    input  logic             first,
    input  logic [WIDTH-1:0] late_1,
    input  logic [WIDTH-1:0] late_0,
    input  logic [WIDTH-1:0] early,
    output logic [WIDTH-1:0] value
);
  logic [WIDTH-1:0] choice;
  assign choice = late ? {WIDTH{first}} : early;
  for (genvar i = 0; i < WIDTH; i++) begin : g_bit
    // D ? (C ? A : B) : C
    LUT4 #(
        .INIT(16'hacf0)
    ) table_of_bit (
        .A(late_1[i]),
        .B(late_0[i]),
        .C(choice[i]),
        .D(late),
        .Z(value[i])
    );
  end
endmodule
