// Serial line of the UART: 8 data bits, no parity, one stop bit. Used by the FPGA top; the simulator attaches to
// the byte stream instead.
module uart_phy #(
    parameter int CYCLES_PER_BIT = 434
) (
    input  logic       clock,
    input  logic       reset,
    input  logic       rx,
    output logic       tx,
    // byte stream to and from the UART registers
    output logic       receive_valid,
    input  logic       receive_ready,
    output logic [7:0] receive_data,
    output logic       receive_overrun,   // one cycle: a byte came before the last one was taken
    input  logic       send_valid,
    output logic       send_ready,
    input  logic [7:0] send_data
);
  localparam int TIMER_BITS = $clog2(CYCLES_PER_BIT);
  typedef logic [TIMER_BITS-1:0] timer_t;
  localparam timer_t BIT = timer_t'(CYCLES_PER_BIT - 1);
  localparam timer_t HALF_BIT = timer_t'(CYCLES_PER_BIT / 2 - 1);

  // Send: start bit, eight data bits, stop bit, from the low end of the shift register.
  logic [9:0] send_shift;
  logic [3:0] send_left;
  timer_t     send_timer;
  assign tx = send_left == 4'd0 || send_shift[0];
  assign send_ready = send_left == 4'd0;
  always_ff @(posedge clock)
    if (reset) send_left <= 4'd0;
    else if (send_left == 4'd0) begin
      if (send_valid) begin
        send_shift <= {1'b1, send_data, 1'b0};
        send_left <= 4'd10;
        send_timer <= BIT;
      end
    end else if (send_timer != '0) send_timer <= send_timer - 1'b1;
    else begin
      send_timer <= BIT;
      send_shift <= {1'b1, send_shift[9:1]};
      send_left <= send_left - 4'd1;
    end

  // Receive: sampled in the middle of each bit; two registers against metastability.
  logic [1:0] rx_synchronizer;
  logic       rx_bit, complete;
  logic [7:0] receive_shift;
  logic [3:0] receive_left;
  timer_t     receive_timer;
  assign rx_bit = rx_synchronizer[1];
  assign complete = receive_left == 4'd1 && receive_timer == '0 && rx_bit;  // the stop bit must be there
  always_ff @(posedge clock) begin
    rx_synchronizer <= {rx_synchronizer[0], rx};
    if (reset) begin
      rx_synchronizer <= 2'b11;
      receive_left <= 4'd0;
    end else if (receive_left == 4'd0) begin
      if (!rx_bit) begin
        receive_left <= 4'd10;
        receive_timer <= HALF_BIT;
      end
    end else if (receive_timer != '0) receive_timer <= receive_timer - 1'b1;
    else begin
      receive_timer <= BIT;
      receive_shift <= {rx_bit, receive_shift[7:1]};
      // A start bit that has gone by its middle was noise.
      receive_left <= (receive_left == 4'd10 && rx_bit) ? 4'd0 : receive_left - 4'd1;
    end
  end

  always_ff @(posedge clock)
    if (reset) receive_valid <= 1'b0;
    else if (complete) begin
      receive_valid <= 1'b1;
      receive_data <= receive_shift;
    end else if (receive_ready) receive_valid <= 1'b0;
  assign receive_overrun = complete && receive_valid && !receive_ready;
endmodule
