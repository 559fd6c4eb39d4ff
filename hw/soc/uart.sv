// UART registers over a byte stream. A serializer (uart_phy) or the simulator moves the bytes.
//   +0 DATA    read pops the oldest received byte (0 if there is none), write pushes a byte to send
//   +4 STATUS  bit 0: a received byte waits; bit 1: a byte to send is accepted; bit 2: a received byte was lost
//              (write 1 to clear)
module uart (
    input  logic        clock,
    input  logic        reset,
    // registers
    input  logic        request,
    input  logic        write,
    input  logic        status_register,
    input  logic [31:0] write_data,
    output logic [31:0] read_data,
    output logic        received_interrupt,
    // byte stream
    input  logic        receive_valid,
    output logic        receive_ready,
    input  logic [7:0]  receive_data,
    input  logic        receive_overrun,
    output logic        send_valid,
    input  logic        send_ready,
    output logic [7:0]  send_data
);
  logic [7:0] received;
  logic       received_valid, send_space, overrun;

  midge_fifo receive_fifo (
      .clock,
      .reset,
      .in_valid(receive_valid),
      .in_ready(receive_ready),
      .in_data(receive_data),
      .out_valid(received_valid),
      .out_ready(request && !write && !status_register),
      .out_data(received)
  );
  midge_fifo send_fifo (
      .clock,
      .reset,
      .in_valid(request && write && !status_register),
      .in_ready(send_space),
      .in_data(write_data[7:0]),
      .out_valid(send_valid),
      .out_ready(send_ready),
      .out_data(send_data)
  );

  always_ff @(posedge clock)
    if (reset) overrun <= 1'b0;
    else if (receive_overrun) overrun <= 1'b1;
    else if (request && write && status_register && write_data[2]) overrun <= 1'b0;

  assign read_data = status_register ? {29'b0, overrun, send_space, received_valid}
                                     : {24'b0, received_valid ? received : 8'b0};
  assign received_interrupt = received_valid;
  logic unused_write_data;
  assign unused_write_data = ^write_data[31:8];
endmodule
