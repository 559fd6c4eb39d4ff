/* UART without DMA of the nRF51 and nRF52. Which pins it drives are registers of its own:
 * [[board.setup]]. */
#ifndef SMIDGEN_UART_NRF_UART_H
#define SMIDGEN_UART_NRF_UART_H

#include "registers.h"

#define UART_START_RECEIVER REGISTER(BOARD_UART_BASE + 0x000u)
#define UART_START_SENDER REGISTER(BOARD_UART_BASE + 0x008u)
#define UART_RECEIVED REGISTER(BOARD_UART_BASE + 0x108u)
#define UART_SENT REGISTER(BOARD_UART_BASE + 0x11cu)
#define UART_INTERRUPT_SET REGISTER(BOARD_UART_BASE + 0x304u)
#define UART_ENABLE REGISTER(BOARD_UART_BASE + 0x500u)
#define UART_RECEIVE_DATA REGISTER(BOARD_UART_BASE + 0x518u)
#define UART_SEND_DATA REGISTER(BOARD_UART_BASE + 0x51cu)
#define UART_BAUD_RATE REGISTER(BOARD_UART_BASE + 0x524u)

enum { UART_ENABLED = 4, UART_RECEIVE_INTERRUPT = 1 << 2 };

/* Bits per second, as a fraction of the 16 MHz clock; the lowest twelve bits are not used. */
#define UART_RATE(baud) ((uint32_t)(((uint64_t)(baud) << 32) / 16000000u + 0x800u) & 0xfffff000u)

static ALWAYS_INLINE void uart_init(void) {
    UART_BAUD_RATE = UART_RATE(BOARD_UART_BAUD);
    UART_ENABLE = UART_ENABLED;
    UART_RECEIVED = 0;
    UART_INTERRUPT_SET = UART_RECEIVE_INTERRUPT;
    UART_START_RECEIVER = 1;
    UART_START_SENDER = 1;
}

static ALWAYS_INLINE bool uart_has_byte(void) {
    return UART_RECEIVED != 0;
}

/* In this order: the next byte of the queue announces itself as soon as this one is taken. */
static ALWAYS_INLINE uint32_t uart_read(void) {
    UART_RECEIVED = 0;
    return UART_RECEIVE_DATA;
}

static ALWAYS_INLINE void uart_write(uint8_t byte) {
    UART_SENT = 0;
    UART_SEND_DATA = byte;
    while (UART_SENT == 0) {
    }
}

static ALWAYS_INLINE void uart_flush(void) {}

/* Taking the byte clears it. */
static ALWAYS_INLINE void uart_clear_interrupt(void) {}

#endif
