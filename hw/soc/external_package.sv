// What goes to the pins of a memory chip in a cycle of the system. SDRAM and PSRAM have a clock twice as fast.
package external_package;
  typedef enum logic [3:0] {      // {cs_n, ras_n, cas_n, we_n}
    SDRAM_MODE = 4'b0000,
    SDRAM_REFRESH = 4'b0001,
    SDRAM_PRECHARGE = 4'b0010,
    SDRAM_ACTIVATE = 4'b0011,
    SDRAM_WRITE = 4'b0100,
    SDRAM_READ = 4'b0101,
    SDRAM_NOTHING = 4'b0111
  } sdram_command_t;

  // The command is for the first of the memory's two clocks; in the second one cs_n is high. Data and masks are
  // for both, the first in the lower half.
  typedef struct packed {
    sdram_command_t command;
    logic [1:0]     bank;
    logic [12:0]    address;
    logic           drive;        // the data pins
    logic [3:0]     mask;
    logic [31:0]    data;
  } sdram_t;

  // Two clocks, if it has any, and the four data pins in each, the first in the upper half.
  typedef struct packed {
    logic       select;
    logic       clocks;
    logic       drive;
    logic [7:0] data;
  } psram_t;

  // SPI flash, in mode 0: clock and data (what the controller sends) change in cycles of the system.
  typedef struct packed {
    logic select;
    logic clock;
    logic data;
  } spi_t;
endpackage
