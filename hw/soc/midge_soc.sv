// Midge with its memories and peripherals.
//   0x00000000 program and weight memory (stores fault)    0x20000000 UART
//   0x10000000 SRAM                                        0x20010000 timer
//                                                          0x20020000 system registers
// and, where program memory is NOR flash or there is a SPI flash chip: 0x20030000 flash controller, 0x20040000 watchdog;
// where there are those: 0x30000000 the neural engine, 0x40000000 the SPI flash chip, 0x80000000 external memory.
// Any other address, and any hole in a peripheral, answers with an access fault. Peripheral registers are words;
// a narrower store writes zeros to the rest of the word, and acts only if it covers the lowest byte.
module midge_soc
  import external_package::*;
#(
    parameter int          PROGRAM_BYTES = 1 << 20,
    parameter int          PROGRAM_WAIT_STATES = 0,
    parameter string       PROGRAM_CONTENTS = "",
    parameter int          SRAM_BYTES = 1 << 18,
    parameter int unsigned CLOCK_HZ = 40_000_000,
    parameter int          NN = 0,              // 1: the core has Xmidge
    parameter int          NOR_BLOCK_BYTES = 0,  // program memory is NOR flash with such blocks; 0: it is not
    parameter int          SPI_FLASH_BYTES = 0,  // 0: there is no such chip; not with PROGRAM_WAIT_STATES
    parameter int          NPU = 0,             // 1: there is the neural engine; not with PROGRAM_WAIT_STATES
    parameter int          NPU_LANES = 16,
    parameter int          NPU_ACTIVATION_BYTES = 1 << 15,
    parameter int          NPU_WEIGHT_BYTES = 1 << 15,
    parameter int          EXTERNAL_BYTES = 0,
    parameter int          EXTERNAL_KIND = 0,   // see external_memory, also for what follows
    parameter int          SDRAM_COLUMN_BITS = 8,
    parameter int          SDRAM_CAS_LATENCY = 2,
    parameter int          SDRAM_T_RCD_NS = 15,
    parameter int          SDRAM_T_RP_NS = 15,
    parameter int          SDRAM_T_RAS_NS = 42,
    parameter int          SDRAM_T_RC_NS = 60,
    parameter int          SDRAM_T_WR_NS = 15,
    parameter int          SDRAM_T_REFI_NS = 7812,
    parameter int          SDRAM_OPEN_ROWS = 1,
    parameter int          PSRAM_LATENCY = 6
) (
    input  logic        clock,
    input  logic        reset,
    // UART byte stream
    input  logic        receive_valid,
    output logic        receive_ready,
    input  logic [7:0]  receive_data,
    input  logic        receive_overrun,
    output logic        send_valid,
    input  logic        send_ready,
    output logic [7:0]  send_data,
    // external memory
    output sdram_t      sdram,
    input  logic [31:0] sdram_read_data,
    output psram_t      psram,
    input  logic [7:0]  psram_read_data,
    output spi_t        spi,
    input  logic        spi_read_data,
    // for the simulator
    output logic        exit,
    output logic [31:0] exit_code,
    output logic        asleep,
    output logic        timer_wakes,
    output logic        npu_busy,
    output logic        flash_busy,
    output logic [31:2] flash_address,          // of the word that is being changed
    output logic        rvfi_valid,
    output midge_package::rvfi_t rvfi
);
  localparam int PROGRAM_BITS = $clog2(PROGRAM_BYTES);
  localparam int SRAM_BITS = $clog2(SRAM_BYTES);
  localparam logic [31:SRAM_BITS] SRAM_PAGE = (32 - SRAM_BITS)'(32'h1000_0000 >> SRAM_BITS);
  localparam int EXTERNAL_BITS = EXTERNAL_KIND == 0 ? 12 : $clog2(EXTERNAL_BYTES);
  localparam logic [31:EXTERNAL_BITS] EXTERNAL_PAGE = (32 - EXTERNAL_BITS)'(32'h8000_0000 >> EXTERNAL_BITS);
  localparam int SPI_BITS = SPI_FLASH_BYTES == 0 ? 12 : $clog2(SPI_FLASH_BYTES);
  localparam logic [31:SPI_BITS] SPI_PAGE = (32 - SPI_BITS)'(32'h4000_0000 >> SPI_BITS);
  localparam bit UPDATED = NOR_BLOCK_BYTES != 0 || SPI_FLASH_BYTES != 0;

  logic reset_request, watchdog_reset, soc_reset, core_timer_wakes, watchdog_runs;
  assign soc_reset = reset || reset_request || watchdog_reset;
  assign timer_wakes = core_timer_wakes || watchdog_runs;

  logic fetch_request, fetch_ready, fetch_response, fetch_error;
  logic data_access, data_request, data_write, data_response, data_error;
  logic [31:2] fetch_address, data_address;
  logic [31:0] data_write_data, data_read_data;
  logic [3:0] data_byte_lanes;
  logic timer_interrupt, received_interrupt, npu_interrupt;

  // Fetch port. Code in SRAM is read through registers on both sides, two cycles later than code in program memory:
  // it is there for small routines, and must not lengthen the path to and from the program memory.
  logic fetch_is_program, fetched_program, fetched_sram, program_fetch_response;
  logic [2:0] other_fetch;     // shifted by one each cycle from request to answer
  logic [31:2] sram_fetch_address;
  logic [31:0] program_fetch_data, sram_fetch_data, sram_fetch_register;
  assign fetch_is_program = fetch_address[31:PROGRAM_BITS] == '0;
  always_ff @(posedge clock) begin
    other_fetch <= soc_reset ? 3'b0 : {other_fetch[1:0], fetch_request && fetch_ready && !fetch_is_program};
    sram_fetch_address <= fetch_address;
    sram_fetch_register <= sram_fetch_data;
    if (fetch_request && fetch_ready) begin
      fetched_program <= fetch_is_program;
      fetched_sram <= fetch_address[31:SRAM_BITS] == SRAM_PAGE;
    end
  end
  assign fetch_response = program_fetch_response || other_fetch[2];
  assign fetch_error = !fetched_program && !fetched_sram;

  midge_core #(
      .NN(NN != 0)
  ) core (
      .reset(soc_reset),
      .fetch_late(fetched_program),
      .fetch_data(program_fetch_data),
      .fetch_early_data(sram_fetch_register),
      .external_interrupt(received_interrupt || npu_interrupt),
      .timer_wakes(core_timer_wakes),
      .*
  );

  // Data port
  typedef enum logic [3:0] {
    SELECT_ERROR, SELECT_PROGRAM, SELECT_SRAM, SELECT_UART, SELECT_TIMER, SELECT_SYSTEM, SELECT_FLASH, SELECT_WATCHDOG,
    SELECT_NPU, SELECT_EXTERNAL, SELECT_SPI
  } select_t;
  select_t select, answering;
  always_comb begin
    select = SELECT_ERROR;
    if (data_address[31:PROGRAM_BITS] == '0) select = data_write ? SELECT_ERROR : SELECT_PROGRAM;
    else if (data_address[31:SRAM_BITS] == SRAM_PAGE) select = SELECT_SRAM;
    else if (data_address[31:4] == 28'h2000_000 && !data_address[3]) select = SELECT_UART;
    else if (data_address[31:4] == 28'h2001_000) select = SELECT_TIMER;
    else if (data_address[31:4] == 28'h2002_000) select = SELECT_SYSTEM;
    else if (UPDATED && data_address[31:4] == 28'h2003_000) select = SELECT_FLASH;
    else if (UPDATED && data_address[31:4] == 28'h2004_000) select = SELECT_WATCHDOG;
    else if (NPU != 0 && data_address[31:12] == 20'h3000_0) select = SELECT_NPU;
    else if (EXTERNAL_KIND != 0 && data_address[31:EXTERNAL_BITS] == EXTERNAL_PAGE) select = SELECT_EXTERNAL;
    else if (SPI_FLASH_BYTES != 0 && data_address[31:SPI_BITS] == SPI_PAGE) select = data_write ? SELECT_ERROR : SELECT_SPI;
  end

  logic program_data_response, other_data_response, from_memory, from_program;
  logic [31:0] program_read_data, sram_read_data;
  // Peripherals see the request one cycle later, from registers, and answer within that cycle.
  logic peripheral_request, peripheral_write;
  logic [1:0] peripheral_register;
  logic [31:0] peripheral_write_data;
  always_ff @(posedge clock) begin
    other_data_response <= data_request && !soc_reset
        && !(select inside {SELECT_PROGRAM, SELECT_NPU, SELECT_EXTERNAL, SELECT_SPI});
    peripheral_request <= data_request && (!data_write || data_byte_lanes[0]) && !soc_reset;
    if (data_request) begin
      answering <= select;
      from_memory <= select == SELECT_PROGRAM || select == SELECT_SRAM;
      from_program <= select == SELECT_PROGRAM;
      peripheral_write <= data_write;
      peripheral_register <= data_address[3:2];
      for (int lane = 0; lane < 4; lane++)
        peripheral_write_data[8*lane+:8] <= data_byte_lanes[lane] ? data_write_data[8*lane+:8] : 8'b0;
    end
  end

  // Memories answer late in the cycle.
  logic [31:0] uart_read_data, timer_read_data, system_read_data, flash_read_data, watchdog_read_data;
  logic [31:0] npu_read_data, external_read_data, spi_load_data, peripheral_read_data;
  logic        npu_response, npu_error, external_response, spi_response, spi_error;
  assign data_response =
      program_data_response || other_data_response || npu_response || external_response || spi_response;
  assign data_error = answering == SELECT_ERROR || (answering == SELECT_NPU && npu_error)
      || (answering == SELECT_SPI && spi_error);
  always_comb
    unique case (answering)
      SELECT_UART: peripheral_read_data = uart_read_data;
      SELECT_TIMER: peripheral_read_data = timer_read_data;
      SELECT_FLASH: peripheral_read_data = flash_read_data;
      SELECT_WATCHDOG: peripheral_read_data = watchdog_read_data;
      SELECT_NPU: peripheral_read_data = npu_read_data;
      SELECT_EXTERNAL: peripheral_read_data = external_read_data;
      SELECT_SPI: peripheral_read_data = spi_load_data;
      default: peripheral_read_data = system_read_data;
    endcase
  midge_late_choice data_choice (
      .late(from_memory),
      .first(from_program),
      .late_1(program_read_data),
      .late_0(sram_read_data),
      .early(peripheral_read_data),
      .value(data_read_data)
  );

  // The engine gives way to any access of the core (to which memory one is, and whether its address is aligned, is known too
  // late), and to fetches from SRAM.
  logic npu_program_request, npu_program_ready, program_ready, npu_sram_request, npu_sram_write, sram_ready;
  logic npu_external_request, npu_external_write, npu_external_ready, npu_external_response;
  logic [31:2] npu_read_address, npu_write_address;
  logic [3:0]  npu_byte_lanes;
  logic [31:0] npu_write_data, npu_external_read_data;
  assign npu_program_ready = program_ready && !data_access;
  assign sram_ready = !other_fetch[0];

  logic        program_change;
  logic [31:0] program_change_data, program_held_data;
  program_memory #(
      .BYTES(PROGRAM_BYTES),
      .WAIT_STATES(PROGRAM_WAIT_STATES),
      .CHANGES(UPDATED ? 1 : 0),
      .CONTENTS(PROGRAM_CONTENTS)
  ) program_memory (
      .clock,
      .reset(soc_reset),
      .fetch_request(fetch_request && fetch_is_program),
      .fetch_address,
      .fetch_ready,
      .fetch_response(program_fetch_response),
      .fetch_data(program_fetch_data),
      .data_request(data_request && select == SELECT_PROGRAM),
      .data_address,
      .data_response(program_data_response),
      .data_read_data(program_read_data),
      .engine_request(npu_program_request && npu_program_ready),
      .engine_address(npu_read_address),
      .engine_ready(program_ready),
      .change_busy(flash_busy),
      .change(program_change),
      .change_address(flash_address),
      .change_data(program_change_data),
      .held_data(program_held_data)
  );

  update_peripherals #(
      .PROGRAM_BYTES(PROGRAM_BYTES),
      .NOR_BLOCK_BYTES(NOR_BLOCK_BYTES),
      .SPI_FLASH_BYTES(SPI_FLASH_BYTES),
      .WINDOW_BITS(SPI_BITS)
  ) update_peripherals (
      .clock,
      .power_on_reset(reset),
      .reset(soc_reset),
      .flash_request(peripheral_request && answering == SELECT_FLASH),
      .watchdog_request(peripheral_request && answering == SELECT_WATCHDOG),
      .write(peripheral_write),
      .register(peripheral_register),
      .write_data(peripheral_write_data),
      .flash_read_data,
      .watchdog_read_data,
      .load_request(data_request && select == SELECT_SPI && !soc_reset),
      .load_address(data_address[SPI_BITS-1:2]),
      .load_response(spi_response),
      .load_error(spi_error),
      .load_data(spi_load_data),
      .spi,
      .spi_read_data,
      .change_busy(flash_busy),
      .change(program_change),
      .change_address(flash_address),
      .change_data(program_change_data),
      .held_data(program_held_data),
      .other_reset(reset_request),
      .watchdog_runs,
      .watchdog_reset
  );

  sram #(
      .BYTES(SRAM_BYTES)
  ) sram (
      .clock,
      .shared_write(npu_sram_request && npu_sram_write && sram_ready),
      .shared_address(!sram_ready ? sram_fetch_address : npu_sram_write ? npu_write_address : npu_read_address),
      .shared_byte_lanes(npu_byte_lanes),
      .shared_write_data(npu_write_data),
      .shared_read_data(sram_fetch_data),
      .write(data_request && data_write && select == SELECT_SRAM),
      .address(data_address),
      .byte_lanes(data_byte_lanes),
      .write_data(data_write_data),
      .read_data(sram_read_data)
  );

  if (NPU != 0) begin : g_npu
    npu_system #(
        .LANES(NPU_LANES),
        .ACTIVATION_BYTES(NPU_ACTIVATION_BYTES),
        .WEIGHT_BYTES(NPU_WEIGHT_BYTES),
        .PROGRAM_BYTES(PROGRAM_BYTES),
        .SRAM_BYTES(SRAM_BYTES),
        .EXTERNAL_BYTES(EXTERNAL_BYTES)
    ) npu_system (
        .clock,
        .reset(soc_reset),
        .interrupt(npu_interrupt),
        .busy(npu_busy),
        .core_request(data_request && select == SELECT_NPU && !soc_reset),
        .core_write(data_write),
        .core_address(data_address[11:2]),
        .core_byte_lanes(data_byte_lanes),
        .core_write_data(data_write_data),
        .core_response(npu_response),
        .core_error(npu_error),
        .core_read_data(npu_read_data),
        .read_address(npu_read_address),
        .write_address(npu_write_address),
        .write_byte_lanes(npu_byte_lanes),
        .write_data(npu_write_data),
        .program_request(npu_program_request),
        .program_ready(npu_program_ready),
        .program_read_data,
        .sram_request(npu_sram_request),
        .sram_write(npu_sram_write),
        .sram_ready,
        .sram_read_data(sram_fetch_data),
        .external_request(npu_external_request),
        .external_write(npu_external_write),
        .external_ready(npu_external_ready),
        .external_response(npu_external_response),
        .external_read_data(npu_external_read_data)
    );
  end else begin : g_no_npu
    assign {npu_interrupt, npu_busy, npu_response, npu_error, npu_read_data, npu_program_request} = '0;
    assign {npu_sram_request, npu_sram_write, npu_external_request, npu_external_write} = '0;
    assign {npu_write_address, npu_byte_lanes, npu_write_data} = '0;
    assign npu_read_address = sram_fetch_address;
    logic unused_npu;
    assign unused_npu = ^{npu_program_ready, npu_external_ready, npu_external_response, npu_external_read_data};
  end

  external_memory #(
      .KIND(EXTERNAL_KIND),
      .BYTES(EXTERNAL_BYTES),
      .CLOCK_HZ(CLOCK_HZ),
      .SDRAM_COLUMN_BITS(SDRAM_COLUMN_BITS),
      .SDRAM_CAS_LATENCY(SDRAM_CAS_LATENCY),
      .SDRAM_T_RCD_NS(SDRAM_T_RCD_NS),
      .SDRAM_T_RP_NS(SDRAM_T_RP_NS),
      .SDRAM_T_RAS_NS(SDRAM_T_RAS_NS),
      .SDRAM_T_RC_NS(SDRAM_T_RC_NS),
      .SDRAM_T_WR_NS(SDRAM_T_WR_NS),
      .SDRAM_T_REFI_NS(SDRAM_T_REFI_NS),
      .SDRAM_OPEN_ROWS(SDRAM_OPEN_ROWS),
      .PSRAM_LATENCY(PSRAM_LATENCY)
  ) external_memory (
      .clock,
      .reset(soc_reset),
      .core_request(data_request && select == SELECT_EXTERNAL && !soc_reset),
      .core_write(data_write),
      .core_address(data_address),
      .core_byte_lanes(data_byte_lanes),
      .core_write_data(data_write_data),
      .core_response(external_response),
      .core_read_data(external_read_data),
      .engine_request(npu_external_request),
      .engine_ready(npu_external_ready),
      .engine_write(npu_external_write),
      .engine_address(npu_external_write ? npu_write_address : npu_read_address),
      .engine_byte_lanes(npu_byte_lanes),
      .engine_write_data(npu_write_data),
      .engine_response(npu_external_response),
      .engine_read_data(npu_external_read_data),
      .sdram,
      .sdram_read_data,
      .psram,
      .psram_read_data
  );

  uart uart (
      .reset(soc_reset),
      .request(peripheral_request && answering == SELECT_UART),
      .write(peripheral_write),
      .status_register(peripheral_register[0]),
      .write_data(peripheral_write_data),
      .read_data(uart_read_data),
      .*
  );

  timer timer (
      .clock,
      .reset(soc_reset),
      .request(peripheral_request && answering == SELECT_TIMER),
      .write(peripheral_write),
      .register(peripheral_register),
      .write_data(peripheral_write_data),
      .read_data(timer_read_data),
      .timer_interrupt
  );

  system_registers #(
      .CLOCK_HZ(CLOCK_HZ)
  ) system_registers (
      .clock,
      .reset(soc_reset),
      .request(peripheral_request && answering == SELECT_SYSTEM),
      .write(peripheral_write),
      .register(peripheral_register),
      .write_data(peripheral_write_data),
      .read_data(system_read_data),
      .exit,
      .exit_code,
      .reset_request
  );
endmodule
