#include "board.h"

#define RTC_OPTIONS REGISTER(0x60008000u)

#define RESET_SYSTEM (1u << 31)

/* The core has one counter of its own in place of mcycle: what it counts, whether it does, and the
 * count (ESP32-C3 Technical Reference Manual, performance counter). */
void board_init(void) {
    BOARD_SETUP
    uart_init();
    __asm__ volatile(".option push\n\t.option arch, +zicsr\n\t"
                     "csrwi 0x7e0, 1\n\tcsrwi 0x7e1, 1\n\t"
                     ".option pop");
}

/* The counter has 32 bits and does not tell how often it has wrapped, so between two readings there
 * may lie at most 2^32 cycles. */
uint64_t board_cycles(void) {
    static uint32_t high, last;
    uint32_t now;
    __asm__ volatile(".option push\n\t.option arch, +zicsr\n\t"
                     "csrr %0, 0x7e2\n\t"
                     ".option pop"
                     : "=r"(now));
    high += now < last;
    last = now;
    return (uint64_t)high << 32 | now;
}

uint64_t board_instructions(void) {
    return 0;
}

/* Polled: what would wake the core are the chip's interrupt matrix and a handler for it. */
void board_wait(void) {
    uart_clear_interrupt();
}

void board_flush(void) {}

uint32_t board_clock_hz(void) {
    return BOARD_CLOCK_HZ;
}

void board_reset(void) {
    uart_flush();
    RTC_OPTIONS |= RESET_SYSTEM;
    for (;;) {
    }
}

/* A board cannot stop; what is to be said about it has been said. */
void board_exit(uint32_t code) {
    (void)code;
    board_reset();
}
