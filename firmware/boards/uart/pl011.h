/* Arm's PrimeCell UART (PL011), as in the RP2040. */
#ifndef SMIDGEN_UART_PL011_H
#define SMIDGEN_UART_PL011_H

#include "registers.h"

#define UART_DATA REGISTER(BOARD_UART_BASE + 0x00u)
#define UART_FLAGS REGISTER(BOARD_UART_BASE + 0x18u)
#define UART_DIVIDER REGISTER(BOARD_UART_BASE + 0x24u)
#define UART_DIVIDER_FRACTION REGISTER(BOARD_UART_BASE + 0x28u)
#define UART_LINE REGISTER(BOARD_UART_BASE + 0x2cu)
#define UART_CONTROL REGISTER(BOARD_UART_BASE + 0x30u)
#define UART_FIFO_LEVELS REGISTER(BOARD_UART_BASE + 0x34u)
#define UART_INTERRUPT_ENABLE REGISTER(BOARD_UART_BASE + 0x38u)
#define UART_INTERRUPT_CLEAR REGISTER(BOARD_UART_BASE + 0x44u)

enum {
    UART_BUSY = 1 << 3,
    UART_EMPTY = 1 << 4,
    UART_FULL = 1 << 5,
    UART_8_BITS = 3 << 5,
    UART_FIFOS = 1 << 4,
    UART_ENABLE = 1 << 0 | 1 << 8 | 1 << 9, /* all of it, transmitter, receiver */
    /* The queue is one eighth full, or holds bytes for which none has come for a while. */
    UART_RECEIVE_INTERRUPTS = 1 << 4 | 1 << 6
};

static ALWAYS_INLINE void uart_init(void) {
    /* 16 samples a bit, and 6 bits of fraction. */
    uint32_t divider = (4 * BOARD_UART_CLOCK_HZ + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD;
    UART_DIVIDER = divider / 64;
    UART_DIVIDER_FRACTION = divider % 64;
    UART_LINE = UART_8_BITS | UART_FIFOS; /* takes the divider over */
    UART_FIFO_LEVELS = 0;
    UART_INTERRUPT_ENABLE = UART_RECEIVE_INTERRUPTS;
    UART_CONTROL = UART_ENABLE;
}

static ALWAYS_INLINE bool uart_has_byte(void) {
    return (UART_FLAGS & UART_EMPTY) == 0;
}

static ALWAYS_INLINE uint32_t uart_read(void) {
    return UART_DATA & 0xff; /* above are its errors */
}

static ALWAYS_INLINE void uart_write(uint8_t byte) {
    while ((UART_FLAGS & UART_FULL) != 0) {
    }
    UART_DATA = byte;
}

static ALWAYS_INLINE void uart_flush(void) {
    while ((UART_FLAGS & UART_BUSY) != 0) {
    }
}

static ALWAYS_INLINE void uart_clear_interrupt(void) {
    UART_INTERRUPT_CLEAR = UART_RECEIVE_INTERRUPTS;
}

#endif
