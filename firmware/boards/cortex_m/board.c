#include "board.h"

#include "cortex_m.h"

enum { RESET_KEY = 0x05fa << 16, RESET_REQUEST = 1 << 2 };

enum { TRACE_ENABLE = 1 << 24, CYCLES_ENABLE = 1 << 0 };

#define DWT_UNLOCK 0xc5acce55u

bool cortex_m_has_cycles;

/* Some cores have no counter, and an emulator's may stand still: only counting proves that it
 * counts. */
static void start_cycles(void) {
#if HAS_MAIN_EXTENSION
    DEBUG_CONTROL |= TRACE_ENABLE;
    DWT_LOCK = DWT_UNLOCK;
    DWT_CYCLES = 0;
    DWT_CONTROL |= CYCLES_ENABLE;
    uint32_t before = DWT_CYCLES;
    __asm__ volatile("nop\n\tnop\n\tnop\n\tnop");
    cortex_m_has_cycles = DWT_CYCLES != before;
#endif
}

/* The counter has 32 bits and does not tell how often it has wrapped, so between two readings there
 * may lie at most 2^32 cycles. */
uint64_t board_cycles(void) {
#if HAS_MAIN_EXTENSION
    static uint32_t cycles_high, cycles_last;
    uint32_t now = DWT_CYCLES;
    cycles_high += now < cycles_last;
    cycles_last = now;
    return (uint64_t)cycles_high << 32 | now;
#else
    return 0;
#endif
}

uint64_t board_instructions(void) {
    return 0;
}

void board_init(void) {
    BOARD_SETUP
    uart_init();
    NVIC_ENABLE(BOARD_UART_INTERRUPT) = NVIC_BIT(BOARD_UART_INTERRUPT);
    start_cycles();
}

/* The UART's interrupt is enabled but masked: it wakes the core, nothing more. A byte that comes
 * after the look makes it pending, and then the core does not fall asleep. */
void board_wait(void) {
    uart_clear_interrupt();
    NVIC_CLEAR_PENDING(BOARD_UART_INTERRUPT) = NVIC_BIT(BOARD_UART_INTERRUPT);
    if (!board_has_byte()) {
        __asm__ volatile("dsb\n\twfi" ::: "memory");
    }
}

void board_flush(void) {}

uint32_t board_clock_hz(void) {
    return BOARD_CLOCK_HZ;
}

void board_reset(void) {
    uart_flush();
    __asm__ volatile("dsb" ::: "memory");
    SCB_RESET = RESET_KEY | RESET_REQUEST;
    for (;;) {
    }
}

/* A board cannot stop; what is to be said about it has been said. */
void board_exit(uint32_t code) {
    (void)code;
    board_reset();
}
