/* UART of Arm's Cortex-M System Design Kit (CMSDK APB UART), as on the MPS2 and MPS3 boards. */
#ifndef SMIDGEN_UART_CMSDK_H
#define SMIDGEN_UART_CMSDK_H

#include "registers.h"

#define UART_DATA REGISTER(BOARD_UART_BASE + 0x00u)
#define UART_STATE REGISTER(BOARD_UART_BASE + 0x04u)
#define UART_CONTROL REGISTER(BOARD_UART_BASE + 0x08u)
#define UART_INTERRUPT REGISTER(BOARD_UART_BASE + 0x0cu)
#define UART_DIVIDER REGISTER(BOARD_UART_BASE + 0x10u)

enum {
    UART_FULL = 1 << 0,
    UART_RECEIVED = 1 << 1,
    UART_ENABLE = 1 << 0 | 1 << 1,
    UART_RECEIVE_INTERRUPT = 1 << 3,
    UART_CLEAR_RECEIVE = 1 << 1
};

static ALWAYS_INLINE void uart_init(void) {
    UART_DIVIDER = (BOARD_UART_CLOCK_HZ + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD;
    UART_CONTROL = UART_ENABLE | UART_RECEIVE_INTERRUPT;
}

static ALWAYS_INLINE bool uart_has_byte(void) {
    return (UART_STATE & UART_RECEIVED) != 0;
}

static ALWAYS_INLINE uint32_t uart_read(void) {
    return UART_DATA;
}

static ALWAYS_INLINE void uart_write(uint8_t byte) {
    while ((UART_STATE & UART_FULL) != 0) {
    }
    UART_DATA = byte;
}

/* The last byte has left the buffer, though not the shift register, of which nothing is known. */
static ALWAYS_INLINE void uart_flush(void) {
    while ((UART_STATE & UART_FULL) != 0) {
    }
}

static ALWAYS_INLINE void uart_clear_interrupt(void) {
    UART_INTERRUPT = UART_CLEAR_RECEIVE;
}

#endif
