/* The watchdog of Midge's systems that can be updated (hw/soc/watchdog.sv). */
#include "board.h"
#include "board_update.h"

#define WATCHDOG_CYCLES (*(volatile uint32_t *)0x20040000u)
#define WATCHDOG_KEPT (*(volatile uint32_t *)0x20040008u)

void board_watchdog_start(uint32_t milliseconds) {
    WATCHDOG_CYCLES = board_clock_hz() / 1000 * milliseconds;
}

void board_watchdog_stop(void) {
    WATCHDOG_CYCLES = 0;
}

void board_keep(uint32_t word) {
    WATCHDOG_KEPT = word;
}

uint32_t board_kept(void) {
    return WATCHDOG_KEPT;
}
