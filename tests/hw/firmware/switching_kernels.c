/* Two programs written for Xmidge by hand: each disturbs all that the other relies on. */
#include "switching.h"
#include "xmidge.h"

static int8_t input[1024];
static uint32_t weights[256];
static uint32_t parameters[64 * 3];
static int8_t outputs[2][512];

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

uint32_t compute(uint32_t program, uint32_t variant) {
    return program ? columns(variant) : convolution(variant);
}

void prepare(void) {
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
}
