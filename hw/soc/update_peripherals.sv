// What a system that can be updated has besides: a watchdog, and either a controller that changes its program memory as NOR
// flash, or, for images that lie in a SPI flash chip, that chip's controller and what loads program memory from there.
module update_peripherals
  import external_package::*;
#(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int NOR_BLOCK_BYTES = 0,    // of program memory that is NOR flash; 0: it is not
    parameter int SPI_FLASH_BYTES = 0,    // of the chip; 0: there is none
    parameter int WINDOW_BITS = 12        // of a byte's address in the chip
) (
    input  logic                   clock,
    input  logic                   power_on_reset,
    input  logic                   reset,
    // registers
    input  logic                   flash_request,
    input  logic                   watchdog_request,
    input  logic                   write,
    input  logic [1:0]             register,
    input  logic [31:0]            write_data,
    output logic [31:0]            flash_read_data,
    output logic [31:0]            watchdog_read_data,
    // loads from the chip
    input  logic                   load_request,
    input  logic [WINDOW_BITS-1:2] load_address,
    output logic                   load_response,
    output logic                   load_error,
    output logic [31:0]            load_data,
    output spi_t                   spi,
    input  logic                   spi_read_data,
    // program memory, see flash_controller
    output logic                   change_busy,
    output logic                   change,
    output logic [31:2]            change_address,
    output logic [31:0]            change_data,
    input  logic [31:0]            held_data,
    // resets
    input  logic                   other_reset,
    output logic                   watchdog_runs,
    output logic                   watchdog_reset
);
  if (SPI_FLASH_BYTES != 0) begin : g_spi
    logic [31:0] chip_read_data, loader_read_data;
    spi_flash #(
        .BYTES(SPI_FLASH_BYTES)
    ) spi_flash (
        .clock,
        .reset,
        .request(flash_request && !register[1]),
        .write,
        .select_register(register[0]),
        .write_data(write_data[7:0]),
        .read_data(chip_read_data),
        .load_request,
        .load_address,
        .load_response,
        .load_error,
        .load_data,
        .pins(spi),
        .pins_read_data(spi_read_data)
    );

    program_loader #(
        .PROGRAM_BYTES(PROGRAM_BYTES)
    ) program_loader (
        .clock,
        .reset,
        .request(flash_request && register[1]),
        .write,
        .word_register(register[0]),
        .write_data,
        .read_data(loader_read_data),
        .change,
        .change_address,
        .change_data
    );
    assign change_busy = change;
    assign flash_read_data = register[1] ? loader_read_data : chip_read_data;
    logic unused;
    assign unused = ^held_data;
  end else begin : g_no_spi
    assign {load_response, load_error, load_data, spi} = '0;
    logic unused;
    assign unused = ^{load_request, load_address, spi_read_data};
    if (NOR_BLOCK_BYTES != 0) begin : g_nor
      flash_controller #(
          .PROGRAM_BYTES(PROGRAM_BYTES),
          .BLOCK_BYTES(NOR_BLOCK_BYTES)
      ) flash_controller (
          .clock,
          .reset,
          .request(flash_request),
          .write,
          .register,
          .write_data,
          .read_data(flash_read_data),
          .busy(change_busy),
          .change,
          .change_address,
          .change_data,
          .held_data
      );
    end else begin : g_unchanged
      assign {change_busy, change, change_address, change_data, flash_read_data} = '0;
      logic unused_nor;
      assign unused_nor = ^{reset, flash_request, held_data};
    end
  end

  if (NOR_BLOCK_BYTES != 0 || SPI_FLASH_BYTES != 0) begin : g_watchdog
    watchdog watchdog (
        .clock,
        .power_on_reset,
        .request(watchdog_request),
        .write,
        .register,
        .write_data,
        .read_data(watchdog_read_data),
        .other_reset,
        .runs(watchdog_runs),
        .reset_request(watchdog_reset)
    );
  end else begin : g_no_watchdog
    assign {watchdog_read_data, watchdog_runs, watchdog_reset} = '0;
    logic unused_watchdog;
    assign unused_watchdog = ^{clock, power_on_reset, watchdog_request, write, register, write_data, other_reset};
  end
endmodule
