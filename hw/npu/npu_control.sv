// The state of a list: from its start to its end, or to the error or abort that stops it.
module npu_control
  import npu_package::*;
(
    input  logic        clock,
    input  logic        reset,
    // registers
    input  logic        start,
    input  logic        abort,
    input  logic        clear_done,
    input  logic        clear_error,
    input  logic [1:0]  list_low,         // lowest bits of its address
    input  logic [31:0] count,
    output logic        busy,
    output logic        done,
    output logic        error,
    output logic [7:0]  error_code,
    output logic [9:0]  error_index,
    output logic [31:0] cycles,
    output logic [31:0] bytes_read,
    output logic [31:0] bytes_written,
    // the engine
    output logic        start_list,
    output logic        stop,             // units forget what they do, until the bus is idle
    input  logic        finished,         // all of the list
    input  logic        bus_idle,
    input  logic        word_read,
    input  logic        word_written,
    // what ends a list
    input  logic        refused,
    input  logic [7:0]  refused_code,
    input  logic [9:0]  refused_index,
    input  logic        list_error,
    input  logic [9:0]  list_index,
    input  logic        load_error,
    input  logic [9:0]  load_index,
    input  logic        store_error,
    input  logic [9:0]  store_index
);
  localparam logic [31:0] MOST_DESCRIPTORS = 32'd1023;

  logic       running, fails, cannot_start;
  logic [7:0] code;
  logic [9:0] index;
  assign busy = running || stop;
  assign start_list = start && !busy && !cannot_start;
  assign cannot_start = list_low != 2'd0 || count == 32'd0 || count > MOST_DESCRIPTORS;
  assign fails = running && (store_error || load_error || list_error || refused);

  always_comb begin
    code = ERROR_BUS;
    index = 10'd0;
    if (fails)
      if (store_error) index = store_index;
      else if (load_error) index = load_index;
      else if (list_error) index = list_index;
      else begin
        code = refused_code;
        index = refused_index;
      end
    else if (busy) code = ERROR_BUSY;
    else if (list_low != 2'd0) code = ERROR_MISALIGNED;
    else code = ERROR_SIZE;
  end

  always_ff @(posedge clock)
    if (reset) begin
      running <= 1'b0;
      stop <= 1'b0;
      done <= 1'b0;
      error <= 1'b0;
      error_code <= 8'd0;
      error_index <= 10'd0;
      cycles <= 32'd0;
      bytes_read <= 32'd0;
      bytes_written <= 32'd0;
    end else begin
      if (clear_done || (start && !busy)) done <= 1'b0;
      if (clear_error || (start && !busy)) begin
        error <= 1'b0;
        error_code <= 8'd0;
        error_index <= 10'd0;
      end
      if (fails || (start && (busy || cannot_start))) begin
        error <= 1'b1;
        error_code <= code;
        error_index <= index;
      end

      if (start_list) running <= 1'b1;
      else if (running)
        if (fails || abort) begin
          running <= 1'b0;
          stop <= 1'b1;
        end else if (finished) begin
          running <= 1'b0;
          done <= 1'b1;
        end
      if (stop && bus_idle) stop <= 1'b0;

      if (start_list) begin
        cycles <= 32'd0;
        bytes_read <= 32'd0;
        bytes_written <= 32'd0;
      end else begin
        cycles <= cycles + 32'(busy);
        bytes_read <= bytes_read + (word_read ? 32'd4 : 32'd0);
        bytes_written <= bytes_written + (word_written ? 32'd4 : 32'd0);
      end
    end
endmodule
