// The 32 integer registers: two asynchronous read ports, one synchronous write port.
// The caller answers reads of x0 itself and never writes it.
module midge_register_file (
    input  logic        clock,
    input  logic        write,
    input  logic [4:0]  write_register,
    input  logic [31:0] write_data,
    input  logic [4:0]  read_register_1,
    output logic [31:0] read_data_1,
    input  logic [4:0]  read_register_2,
    output logic [31:0] read_data_2
);
  logic [31:0] registers[32];

  always_ff @(posedge clock) if (write) registers[write_register] <= write_data;

  assign read_data_1 = registers[read_register_1];
  assign read_data_2 = registers[read_register_2];
endmodule
