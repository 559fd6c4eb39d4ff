/* USART of the STM32F0, F3, F7, G0, G4, H7, L0, L4 and later ones. */
#ifndef SMIDGEN_UART_STM32_USART_V2_H
#define SMIDGEN_UART_STM32_USART_V2_H

#include "registers.h"

#define UART_CONTROL REGISTER(BOARD_UART_BASE + 0x00u)
#define UART_DIVIDER REGISTER(BOARD_UART_BASE + 0x0cu)
#define UART_STATUS REGISTER(BOARD_UART_BASE + 0x1cu)
#define UART_CLEAR REGISTER(BOARD_UART_BASE + 0x20u)
#define UART_RECEIVE_DATA REGISTER(BOARD_UART_BASE + 0x24u)
#define UART_SEND_DATA REGISTER(BOARD_UART_BASE + 0x28u)

enum {
    UART_OVERRUN = 1 << 3,
    UART_RECEIVED = 1 << 5,
    UART_SENT = 1 << 6,
    UART_CAN_SEND = 1 << 7,
    UART_ENABLE = 1 << 0 | 1 << 2 | 1 << 3, /* all of it, receiver, transmitter */
    UART_RECEIVE_INTERRUPT = 1 << 5
};

static ALWAYS_INLINE void uart_init(void) {
    UART_DIVIDER = (BOARD_UART_CLOCK_HZ + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD;
    UART_CONTROL = UART_ENABLE | UART_RECEIVE_INTERRUPT;
}

static ALWAYS_INLINE bool uart_has_byte(void) {
    return (UART_STATUS & UART_RECEIVED) != 0;
}

static ALWAYS_INLINE uint32_t uart_read(void) {
    return UART_RECEIVE_DATA;
}

static ALWAYS_INLINE void uart_write(uint8_t byte) {
    while ((UART_STATUS & UART_CAN_SEND) == 0) {
    }
    UART_SEND_DATA = byte;
}

static ALWAYS_INLINE void uart_flush(void) {
    while ((UART_STATUS & UART_SENT) == 0) {
    }
}

/* An overrun keeps the interrupt pending until it is cleared; reading a byte clears the rest. */
static ALWAYS_INLINE void uart_clear_interrupt(void) {
    UART_CLEAR = UART_OVERRUN;
}

#endif
