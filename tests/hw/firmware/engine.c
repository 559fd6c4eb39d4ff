/* Starts a list of the neural engine and waits for its interrupt, asleep or with BUSY_CORE at work
 * in the memories that the engine uses. Sends CYCLES and ERROR of the engine, how often the
 * interrupt came, then a checksum of each KiB of the engine's memory. The build says where the list
 * and that memory are. */
#include <stdint.h>

#define REGISTER(offset) (*(volatile uint32_t *)(0x30000000u + (offset)))
#define UART_DATA (*(volatile uint32_t *)0x20000000u)
#define UART_STATUS (*(volatile uint32_t *)0x20000004u)

enum {
    ID = 0x00,
    CONTROL = 0x08,
    STATUS = 0x0c,
    INTERRUPT_ENABLE = 0x10,
    ERROR = 0x14,
    LIST = 0x18,
    COUNT = 0x1c,
    BASE = 0x20,
    CYCLES = 0x30,
    DONE_OR_ERROR = 6,
    SCRATCH_WORDS = 61,
};

static volatile uint32_t finished, error, interrupts;
static uint32_t scratch[SCRATCH_WORDS];

/* For the interrupts of the engine only: a fault never gets past it. */
__attribute__((interrupt, aligned(4))) void on_interrupt(void) {
    finished = REGISTER(STATUS);
    error = REGISTER(ERROR);
    REGISTER(STATUS) = DONE_OR_ERROR;
    interrupts++;
}

static void send(uint32_t word) {
    for (int i = 0; i < 4; i++, word >>= 8) {
        while (!(UART_STATUS & 2)) {
        }
        UART_DATA = word & 0xff;
    }
}

static void enable_interrupts(void) {
    __asm__ volatile(
        ".option push\n.option arch, +zicsr\ncsrw mtvec, %0\nli t0, 2048\ncsrw mie, t0\n"
        ".option pop" ::"r"(&on_interrupt)
        : "t0");
}

/* An interrupt that comes between the look at `finished` and wfi is pending there, and ends it. */
static void wait_asleep(void) {
    while (!finished)
        __asm__ volatile(
            ".option push\n.option arch, +zicsr\nwfi\ncsrsi mstatus, 8\nnop\ncsrci mstatus, 8\n"
            ".option pop" ::
                : "memory");
}

/* Words, halves and bytes of the core's own beside what the engine moves; the number of mistakes.
 */
static uint32_t wait_at_work(volatile uint32_t *own) {
    uint32_t mistakes = 0;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrsi mstatus, 8\n.option pop");
    for (uint32_t round = 1; !finished; round++) {
        for (uint32_t i = 0; i < SCRATCH_WORDS; i++) {
            own[i] = round * 0x9e3779b9u + i;
            ((volatile uint8_t *)own)[4 * i + round % 4] = (uint8_t)round;
            ((volatile uint16_t *)scratch)[2 * i] = (uint16_t)own[i];
            ((volatile uint16_t *)scratch)[2 * i + 1] = (uint16_t)(own[i] >> 16);
        }
        for (uint32_t i = 0; i < SCRATCH_WORDS; i++) {
            const uint32_t shift = 8 * (round % 4);
            uint32_t expected = round * 0x9e3779b9u + i;
            expected = (expected & ~(0xffu << shift)) | (round & 0xff) << shift;
            mistakes += own[i] != expected;
            mistakes += ((volatile uint32_t *)scratch)[i] != expected;
            mistakes +=
                ((const volatile uint32_t *)LIST_AT)[i % 16] != ((const uint32_t *)LIST_AT)[i % 16];
        }
    }
    return mistakes;
}

int main(void) {
    static const uint32_t bases[] = {BASES};
    if (REGISTER(ID) != 0x3155504e)
        return 1;
    for (int i = 0; i < 4; i++)
        REGISTER(BASE + 4 * i) = bases[i];
    REGISTER(LIST) = LIST_AT;
    REGISTER(COUNT) = DESCRIPTORS;
    REGISTER(INTERRUPT_ENABLE) = 1;
    enable_interrupts();
    REGISTER(CONTROL) = 1;
    uint32_t mistakes = 0;
    if (BUSY_CORE)
        mistakes = wait_at_work((volatile uint32_t *)(MEMORY_AT + MEMORY_BYTES));
    else
        wait_asleep();
    send(REGISTER(CYCLES));
    send(error);
    send(interrupts);
    for (uint32_t at = 0; at < MEMORY_BYTES; at += 1024) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < 256; i++)
            sum = sum * 31 + ((const volatile uint32_t *)(MEMORY_AT + at))[i];
        send(sum);
    }
    return mistakes != 0;
}
