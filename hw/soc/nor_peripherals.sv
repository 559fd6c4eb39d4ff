// What a system whose program memory is NOR flash has besides: the controller that changes it, and a watchdog.
module nor_peripherals #(
    parameter int PROGRAM_BYTES = 1 << 20,
    parameter int BLOCK_BYTES = 0         // 0: it is not, and there is neither
) (
    input  logic        clock,
    input  logic        power_on_reset,
    input  logic        reset,
    // registers
    input  logic        flash_request,
    input  logic        watchdog_request,
    input  logic        write,
    input  logic [1:0]  register,
    input  logic [31:0] write_data,
    output logic [31:0] flash_read_data,
    output logic [31:0] watchdog_read_data,
    // the memory, see flash_controller
    output logic        flash_busy,
    output logic        flash_change,
    output logic [31:2] flash_address,
    output logic [31:0] flash_change_data,
    input  logic [31:0] flash_held_data,
    // resets
    input  logic        other_reset,
    output logic        watchdog_runs,
    output logic        watchdog_reset
);
  if (BLOCK_BYTES != 0) begin : g_nor
    flash_controller #(
        .PROGRAM_BYTES(PROGRAM_BYTES),
        .BLOCK_BYTES(BLOCK_BYTES)
    ) flash_controller (
        .clock,
        .reset,
        .request(flash_request),
        .write,
        .register,
        .write_data,
        .read_data(flash_read_data),
        .busy(flash_busy),
        .change(flash_change),
        .change_address(flash_address),
        .change_data(flash_change_data),
        .held_data(flash_held_data)
    );

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
  end else begin : g_no_nor
    assign {flash_busy, flash_change, flash_address, flash_change_data} = '0;
    assign {flash_read_data, watchdog_read_data, watchdog_runs, watchdog_reset} = '0;
    logic unused;
    assign unused = ^{clock, power_on_reset, reset, flash_request, watchdog_request, write, register, write_data,
                      flash_held_data, other_reset};
  end
endmodule
