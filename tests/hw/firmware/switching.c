/* Two programs that compute with Xmidge, in turns: the timer interrupts at varying intervals, the
 * handler switches. Each program first ran alone; its results must stay the same.
 *
 * Exits with 0 if all is as it was; the UART then has what the test reads, in words. */
#include "state.h"

#define SWITCHES 400
#define VARIANTS 6

static volatile uint32_t *const uart = (volatile uint32_t *)0x20000000;
static volatile uint32_t *const timer = (volatile uint32_t *)0x20010000;

static int8_t input[1024];
static uint32_t weights[256];
static uint32_t parameters[64 * 3];
static int8_t outputs[2][512];
static uint32_t expected[2][VARIANTS];

static volatile uint32_t rounds[2], mistakes[2];
static struct xmidge_state states[2];
static uint32_t stacks[2][256];
static uint32_t *stack_pointers[2];
static uint32_t current, switches, in_loops, random_state;

static uint32_t next_random(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static uint32_t checksum(const int8_t *bytes, uint32_t count) {
    uint32_t sum = 2166136261u;
    for (uint32_t i = 0; i < count; i++)
        sum = (sum ^ (uint8_t)bytes[i]) * 16777619u;
    return sum;
}

/* Each program has its own: 63 biases, 63 multipliers, 16 words of shifts. */
static void load_parameters(uint32_t program) {
    xmidge_ldm(XMIDGE_BIAS, parameters + program, 0, 63);
    xmidge_ldm(XMIDGE_MULTIPLIER, parameters + 64 + program, 0, 63);
    xmidge_ldm(XMIDGE_SHIFT, parameters + 128 + 16 * program, 0, 16);
    xmidge_set(XMIDGE_OUTPUT,
               XMIDGE_OUTPUT_ZERO_POINT(3) | XMIDGE_OUTPUT_MINIMUM(-128) |
                   XMIDGE_OUTPUT_MAXIMUM(127) | XMIDGE_OUTPUT_LEFT_SHIFT(12),
               0);
}

/* Gives what the other program relies on other values. */
static void disturb(void) {
    xmidge_ldm(XMIDGE_COLUMN, weights + 9, 0, 4);
    xmidge_ldm(XMIDGE_WEIGHT, weights + 17, 0, 64);
    xmidge_taba(1, 2);
    xmidge_tabb(2, 1);
    xmidge_set(XMIDGE_WINDOW, XMIDGE_WINDOW_ROWS(1) | XMIDGE_WINDOW_TAPS(1), 0);
    xmidge_set(XMIDGE_POSITION, XMIDGE_POSITION_SLOT(11), 0);
    xmidge_set(XMIDGE_COLUMN_STEP, 5, 0);
}

/* A tile of a convolution at each width of weights: loops of lda and mac, and of mac alone. */
static uint32_t convolution(uint32_t variant) {
    const uint32_t width = variant % 3;
    const void *activations = input + variant, *step = weights;
    int8_t *const y = outputs[0];
    load_parameters(0);
    disturb();
    xmidge_set(XMIDGE_SHAPE,
               XMIDGE_SHAPE_WIDTH(width) | XMIDGE_SHAPE_PIXELS(3) |
                   XMIDGE_SHAPE_WORDS((1u << width) - 1u) | XMIDGE_SHAPE_CHANNELS(7),
               0);
    xmidge_set(XMIDGE_PIXEL_STEP, 37 + variant, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, 8, 0);
    activations = xmidge_lda(activations);
    step = xmidge_macf(step);
    __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%2", "8") XMIDGE_ASM_LDA("%0")
                         XMIDGE_ASM_MAC("%1") XMIDGE_ASM_LOOP("%3", "4") XMIDGE_ASM_MAC("%1")
                             XMIDGE_ASM_END
                     : "+r"(activations), "+r"(step)
                     : "r"(20), "r"(6)
                     : "memory");
    xmidge_rqc(y, variant);
    return checksum(y, 4 * 8);
}

/* Depthwise windows by columns, each of which goes through tables of an addition. */
static uint32_t columns(uint32_t variant) {
    const uint32_t stride = 1 + variant % 2;
    const void *column = input + 3 * variant;
    int8_t *const y = outputs[1];
    load_parameters(1);
    xmidge_ldm(XMIDGE_WEIGHT, weights + variant, 0, 64);
    xmidge_taba(-5, variant);
    xmidge_tabb(7, variant + 1);
    xmidge_set(XMIDGE_WINDOW,
               XMIDGE_WINDOW_FIRST(0) | XMIDGE_WINDOW_ROWS(3) | XMIDGE_WINDOW_TAPS(2) |
                   XMIDGE_WINDOW_STRIDE(stride - 1) | XMIDGE_WINDOW_LANES(3),
               0);
    xmidge_set(XMIDGE_SHAPE, XMIDGE_SHAPE_CHANNELS(3), 0);
    xmidge_set(XMIDGE_POSITION, 0, 0);
    xmidge_set(XMIDGE_PIXEL_STEP, 101, 0);
    xmidge_set(XMIDGE_COLUMN_STEP, 4, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, 4, 0);
    xmidge_colv(0, 0x05fb7f80);
    __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%1", "4") XMIDGE_ASM_COLA("0", "%0")
                         XMIDGE_ASM_END
                     : "+r"(column)
                     : "r"(17)
                     : "memory");
    xmidge_rqw(y, XMIDGE_WINDOWS(0, 8, 2 * variant));
    xmidge_set(XMIDGE_PIXEL_STEP, 16, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, 64, 0);
    const void *sums = y;
    for (uint32_t i = 0; i < 4; i++)
        sums = xmidge_add(sums, 40);
    return checksum(y, 32) ^ checksum(y + 64, 16);
}

static void convolutions(void) {
    for (uint32_t variant = 0;; variant = (variant + 1) % VARIANTS, rounds[0]++)
        mistakes[0] += convolution(variant) != expected[0][variant];
}

static void depthwise(void) {
    for (uint32_t variant = 0;; variant = (variant + 1) % VARIANTS, rounds[1]++)
        mistakes[1] += columns(variant) != expected[1][variant];
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
    for (uint32_t i = 0; i < sizeof input; i++)
        input[i] = (int8_t)next_random();
    for (uint32_t i = 0; i < 256; i++)
        weights[i] = next_random() << 8 ^ next_random();
    for (uint32_t i = 0; i < 64; i++) {
        parameters[i] = next_random() % 2000 - 1000;
        parameters[64 + i] = 0x80000000u | next_random() << 7;
    }
    for (uint32_t i = 0; i < 16; i++)
        parameters[128 + i] = 0x05040607, parameters[144 + i] = 0x07060504;
    xmidge_restore(&states[0]);
    for (uint32_t variant = 0; variant < VARIANTS; variant++) {
        expected[0][variant] = convolution(variant);
        expected[1][variant] = columns(variant);
    }
    uint32_t *const top = stacks[1] + 256;
    stack_pointers[1] = top - 32;
    stack_pointers[1][0] = (uint32_t)(uintptr_t)depthwise;
    timer[3] = 0;
    set_timer();
    __asm__ volatile(".option arch, +zicsr\n csrw mie, %0\n csrsi mstatus, 8"
                     :
                     : "r"(0x80)
                     : "memory");
    convolutions();
    return 1;
}
