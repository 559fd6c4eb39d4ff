/* UART of the ESP32-C3, fed from the crystal; format and pins are as its ROM has left them. */
#ifndef SMIDGEN_UART_ESP_UART_H
#define SMIDGEN_UART_ESP_UART_H

#include "registers.h"

#define UART_QUEUE REGISTER(BOARD_UART_BASE + 0x00u)
#define UART_DIVIDER REGISTER(BOARD_UART_BASE + 0x14u)
#define UART_STATUS REGISTER(BOARD_UART_BASE + 0x1cu)
#define UART_STATE REGISTER(BOARD_UART_BASE + 0x6cu)
#define UART_CLOCK REGISTER(BOARD_UART_BASE + 0x78u)
#define UART_UPDATE REGISTER(BOARD_UART_BASE + 0x80u)

#define UART_UPDATE_NOW (1u << 31)

enum {
    UART_QUEUE_BYTES = 128,
    UART_RECEIVED = 0x3ff,
    UART_TO_SEND_SHIFT = 16,
    UART_TO_SEND = 0x3ff,
    UART_SENDING = 0xf << 4,
    UART_FRACTION_SHIFT = 20,
    UART_CLOCK_DIVIDER = 0xfffff, /* of the source, with its fraction */
    UART_CRYSTAL = 3 << 20,
    UART_BYTE = 0xff
};

static ALWAYS_INLINE void uart_init(void) {
    const uint32_t sixteenths = 16u * (BOARD_UART_CLOCK_HZ / 100u) / (BOARD_UART_BAUD / 100u);
    UART_CLOCK = (UART_CLOCK & ~(uint32_t)UART_CLOCK_DIVIDER) | UART_CRYSTAL;
    UART_DIVIDER = sixteenths / 16u | (sixteenths % 16u) << UART_FRACTION_SHIFT;
    UART_UPDATE |= UART_UPDATE_NOW;
}

static ALWAYS_INLINE bool uart_has_byte(void) {
    return (UART_STATUS & UART_RECEIVED) != 0;
}

static ALWAYS_INLINE uint32_t uart_read(void) {
    return UART_QUEUE & UART_BYTE;
}

static ALWAYS_INLINE void uart_write(uint8_t byte) {
    while ((UART_STATUS >> UART_TO_SEND_SHIFT & UART_TO_SEND) >= UART_QUEUE_BYTES - 1) {
    }
    UART_QUEUE = byte;
}

static ALWAYS_INLINE void uart_flush(void) {
    while ((UART_STATUS >> UART_TO_SEND_SHIFT & UART_TO_SEND) != 0 ||
           (UART_STATE & UART_SENDING) != 0) {
    }
}

/* None is enabled. */
static ALWAYS_INLINE void uart_clear_interrupt(void) {}

#endif
