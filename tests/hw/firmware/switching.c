/* Two programs that compute with Xmidge, in turns: the timer interrupts at varying intervals, the
 * handler switches. Each program first ran alone; its results must stay the same.
 *
 * Exits with 0 if they did; the UART then has, in words: how often each program ran, its wrong
 * results, and the switches within hardware loops. */
#include "switching.h"

#include "state.h"

#define SWITCHES 400

static volatile uint32_t *const uart = (volatile uint32_t *)0x20000000;
static volatile uint32_t *const timer = (volatile uint32_t *)0x20010000;

static uint32_t expected[2][VARIANTS];
static volatile uint32_t rounds[2], mistakes[2];
static struct xmidge_state states[2];
static uint32_t stack[512];
static uint32_t *stack_pointers[2];
static uint32_t current, switches, in_loops, random_state;

uint32_t next_random(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

uint32_t checksum(const int8_t *bytes, uint32_t count) {
    uint32_t sum = 2166136261u;
    for (uint32_t i = 0; i < count; i++)
        sum = (sum ^ (uint8_t)bytes[i]) * 16777619u;
    return sum;
}

static void run_for_ever(uint32_t program) {
    for (uint32_t variant = 0;; variant = (variant + 1) % VARIANTS, rounds[program]++)
        mistakes[program] += compute(program, variant) != expected[program][variant];
}

static void second_program(void) {
    run_for_ever(1);
}

static void send(uint32_t word) {
    for (uint32_t i = 0; i < 4; i++, word >>= 8) {
        while (!(uart[1] & 2u))
            continue;
        uart[0] = word & 0xffu;
    }
}

static __attribute__((noreturn)) void finish(void) {
    const uint32_t wrong = mistakes[0] + mistakes[1];
    send(rounds[0]);
    send(rounds[1]);
    send(mistakes[0]);
    send(mistakes[1]);
    send(in_loops);
    *(volatile uint32_t *)0x20020000 = wrong != 0;
    for (;;)
        continue;
}

static void set_timer(void) {
    timer[2] = timer[0] + 20 + next_random() % 1500;
}

/* The handler's: keeps one program's stack pointer and state, returns the other's. */
uint32_t *switch_program(uint32_t *stack_pointer) {
    stack_pointers[current] = stack_pointer;
    xmidge_save(&states[current]);
    in_loops += states[current].loop_count != 0;
    if (++switches == SWITCHES)
        finish();
    current ^= 1;
    xmidge_restore(&states[current]);
    set_timer();
    return stack_pointers[current];
}

int main(void) {
    prepare();
    xmidge_restore(&states[0]);
    for (uint32_t variant = 0; variant < VARIANTS; variant++)
        for (uint32_t program = 0; program < 2; program++)
            expected[program][variant] = compute(program, variant);
    stack_pointers[1] = stack + 512 - 32;
    stack_pointers[1][0] = (uint32_t)(uintptr_t)second_program;
    timer[3] = 0;
    set_timer();
    __asm__ volatile(".option arch, +zicsr\n csrw mie, %0\n csrsi mstatus, 8"
                     :
                     : "r"(0x80)
                     : "memory");
    run_for_ever(0);
    return 1;
}
