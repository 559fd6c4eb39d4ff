#include "board.h"

#define SYSTEM_EXIT (*(volatile uint32_t *)0x20020000u)
#define SYSTEM_CLOCK_HZ (*(volatile uint32_t *)0x20020008u)
#define SYSTEM_RESET (*(volatile uint32_t *)0x2002000cu)

enum {
    RESET_KEY = 0x52535421,
    UART_HOLDS_BYTES = 18 /* 16 in its queue, and what the serializer has of them */
};

/* The upper half may carry between the reads; then it differs and the reading is repeated. */
#define READ_COUNTER(name)                                                                         \
    uint32_t high, low, again;                                                                     \
    do {                                                                                           \
        __asm__ volatile(".option push\n\t.option arch, +zicsr\n\t"                                \
                         "csrr %0, m" name "h\n\tcsrr %1, m" name "\n\tcsrr %2, m" name "h\n\t"    \
                         ".option pop"                                                             \
                         : "=r"(high), "=r"(low), "=r"(again));                                    \
    } while (high != again);                                                                       \
    return (uint64_t)high << 32 | low;

uint64_t board_cycles(void){READ_COUNTER("cycle")}

uint64_t board_instructions(void) {
    READ_COUNTER("instret")
}

void board_init(void) {}

/* start.S has enabled the UART's interrupt but left interrupts masked: it wakes the core, nothing
 * more. */
void board_wait(void) {
    __asm__ volatile("wfi" ::: "memory");
}

void board_flush(void) {}

uint32_t board_clock_hz(void) {
    return SYSTEM_CLOCK_HZ;
}

/* The UART does not say when it is idle, only that it takes another byte: when it has taken as many
 * empty lines as it holds bytes, what was before them has left. A reset or the end would lose it.
 */
static void push_out(void) {
    for (int i = 0; i < UART_HOLDS_BYTES; ++i) {
        board_write('\n');
    }
}

void board_reset(void) {
    push_out();
    SYSTEM_RESET = RESET_KEY;
    for (;;) {
    }
}

void board_exit(uint32_t code) {
    push_out();
    SYSTEM_EXIT = code;
    for (;;) {
    }
}
