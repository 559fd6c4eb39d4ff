/* LPUART of the i.MX RT. */
#ifndef SMIDGEN_UART_IMXRT_LPUART_H
#define SMIDGEN_UART_IMXRT_LPUART_H

#include "registers.h"

#define UART_BAUD_RATE REGISTER(BOARD_UART_BASE + 0x10u)
#define UART_STATUS REGISTER(BOARD_UART_BASE + 0x14u)
#define UART_CONTROL REGISTER(BOARD_UART_BASE + 0x18u)
#define UART_DATA REGISTER(BOARD_UART_BASE + 0x1cu)

enum {
    UART_SAMPLES = 16, /* for each bit */
    UART_SAMPLES_SHIFT = 24,
    UART_OVERRUN = 1 << 19,
    UART_RECEIVED = 1 << 21,
    UART_SENT = 1 << 22,
    UART_CAN_SEND = 1 << 23,
    UART_ENABLE = 1 << 18 | 1 << 19, /* receiver, transmitter */
    UART_RECEIVE_INTERRUPT = 1 << 21,
    UART_BYTE = 0xff
};

static ALWAYS_INLINE void uart_init(void) {
    const uint32_t rate = UART_SAMPLES * BOARD_UART_BAUD;
    UART_CONTROL = 0;
    UART_BAUD_RATE =
        (UART_SAMPLES - 1) << UART_SAMPLES_SHIFT | (BOARD_UART_CLOCK_HZ + rate / 2) / rate;
    UART_CONTROL = UART_ENABLE | UART_RECEIVE_INTERRUPT;
}

static ALWAYS_INLINE bool uart_has_byte(void) {
    return (UART_STATUS & UART_RECEIVED) != 0;
}

static ALWAYS_INLINE uint32_t uart_read(void) {
    return UART_DATA & UART_BYTE;
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

/* After an overrun nothing more is received until it is cleared. */
static ALWAYS_INLINE void uart_clear_interrupt(void) {
    UART_STATUS = UART_OVERRUN;
}

#endif
