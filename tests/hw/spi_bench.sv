// The SPI flash controller with its chip, or, with `by_hand`, the chip on pins that spi_bench.cpp moves.
module spi_bench
  import external_package::*;
#(
    parameter int BYTES = 1 << 16,
    parameter int HALF_CYCLES = 1,
    parameter int PROGRAM_US = 10,
    parameter int ERASE_US = 100
) (
    input  logic        clock,
    input  logic        reset,
    input  logic        by_hand,
    input  logic        hand_select,
    input  logic        hand_clock,
    input  logic        hand_data,
    output logic        chip_data,
    output logic        busy,
    // the controller's registers and window
    input  logic        request,
    input  logic        write,
    input  logic        select_register,
    input  logic [7:0]  write_data,
    output logic [31:0] read_data,
    input  logic        load_request,
    input  logic [31:0] load_address,
    output logic        load_response,
    output logic        load_error,
    output logic [31:0] load_data
);
  spi_t pins, hand;
  logic [31:0] unused_changes;
  assign hand = '{select: hand_select, clock: hand_clock, data: hand_data};

  initial for (int i = 0; i < BYTES; i++) chip.bytes[i] = 8'hff;

  spi_flash #(
      .BYTES(BYTES),
      .HALF_CYCLES(HALF_CYCLES)
  ) controller (
      .load_address(load_address[$clog2(BYTES)-1:2]),
      .pins_read_data(chip_data),
      .*
  );
  spi_flash_chip #(
      .BYTES(BYTES),
      .PROGRAM_US(PROGRAM_US),
      .ERASE_US(ERASE_US)
  ) chip (
      .clock,
      .pins(by_hand ? hand : pins),
      .read_data(chip_data),
      .busy,
      .changes(unused_changes)
  );
endmodule
