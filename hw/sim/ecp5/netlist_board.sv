// A ULX3S whose FPGA is the netlist that nextpnr is given, with the far end of its serial line as a stream of bytes.
module netlist_board #(
    parameter int CYCLES_PER_BIT = 434
) (
    input  logic       clock,
    input  logic       reset,
    input  logic       send_valid,      // to the board
    output logic       send_ready,
    input  logic [7:0] send_data,
    output logic       receive_valid,   // from the board
    output logic [7:0] receive_data,
    output logic       stopped
);
  logic to_board, from_board, unused_overrun, unused_esp32;
  logic [7:0] led;
  assign stopped = led[7];

  ulx3s board (
      .clk_25mhz(clock),
      .fire1(reset),
      .ftdi_txd(to_board),
      .ftdi_rxd(from_board),
      .led,
      .wifi_gpio0(unused_esp32)
  );

  uart_phy #(
      .CYCLES_PER_BIT(CYCLES_PER_BIT)
  ) host (
      .clock,
      .reset,
      .rx(from_board),
      .tx(to_board),
      .receive_valid,
      .receive_ready(1'b1),
      .receive_data,
      .receive_overrun(unused_overrun),
      .send_valid,
      .send_ready,
      .send_data
  );

  logic unused_leds;
  assign unused_leds = ^led[6:0];
endmodule
