/* USART of the STM32F1, F2, F4 and L1. */
#ifndef SMIDGEN_UART_STM32_USART_H
#define SMIDGEN_UART_STM32_USART_H

#include "registers.h"

#define UART_STATUS REGISTER(BOARD_UART_BASE + 0x00u)
#define UART_DATA REGISTER(BOARD_UART_BASE + 0x04u)
#define UART_DIVIDER REGISTER(BOARD_UART_BASE + 0x08u)
#define UART_CONTROL REGISTER(BOARD_UART_BASE + 0x0cu)

enum {
    UART_RECEIVED = 1 << 5,
    UART_SENT = 1 << 6,
    UART_CAN_SEND = 1 << 7,
    UART_ENABLE = 1 << 2 | 1 << 3 | 1 << 13, /* receiver, transmitter, all of it */
    UART_RECEIVE_INTERRUPT = 1 << 5
};

static ALWAYS_INLINE void uart_init(void) {
    UART_DIVIDER = (BOARD_UART_CLOCK_HZ + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD;
    UART_CONTROL = UART_ENABLE | UART_RECEIVE_INTERRUPT;
}

static ALWAYS_INLINE bool uart_has_byte(void) {
    return (UART_STATUS & UART_RECEIVED) != 0;
}

/* Reading the status and then the data also ends an overrun. */
static ALWAYS_INLINE uint32_t uart_read(void) {
    return UART_DATA;
}

static ALWAYS_INLINE void uart_write(uint8_t byte) {
    while ((UART_STATUS & UART_CAN_SEND) == 0) {
    }
    UART_DATA = byte;
}

static ALWAYS_INLINE void uart_flush(void) {
    while ((UART_STATUS & UART_SENT) == 0) {
    }
}

/* Reading the byte clears it. */
static ALWAYS_INLINE void uart_clear_interrupt(void) {}

#endif
