/* The UART that the target file names, as the agent uses it. */
#ifndef SMIDGEN_TARGET_UART_H
#define SMIDGEN_TARGET_UART_H

#include "board_target.h" /* BOARD_NAME, BOARD_CLOCK_HZ, BOARD_SETUP, BOARD_UART_*: from the target file */

#include BOARD_UART_DRIVER

static ALWAYS_INLINE bool board_has_byte(void) {
    return uart_has_byte();
}

static ALWAYS_INLINE uint32_t board_read(void) {
    return uart_read();
}

static ALWAYS_INLINE void board_write(uint8_t byte) {
    uart_write(byte);
}

#endif
