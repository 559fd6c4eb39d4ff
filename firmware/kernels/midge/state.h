/* The whole hidden state of Xmidge, to switch between programs that use it: an interrupt handler
 * saves one program's and restores the other's. docs/xmidge.md has the order and its reasons. */
#ifndef SMIDGEN_KERNELS_MIDGE_STATE_H
#define SMIDGEN_KERNELS_MIDGE_STATE_H

#include "xmidge.h"

/* All 0 is a valid state. */
struct xmidge_state {
    uint32_t shape, pixel_step, column_step, output_step, output, window, position;
    uint32_t loop_count, loop_start, loop_end;
    uint32_t accumulator[64], column[4], weight[64];
    uint32_t bias[64], multiplier[64], shift[16];
    uint32_t table_a[256], table_b[256];
    uint32_t activations[4][4]; /* pixel, plane */
};

/* All pixels and planes. */
#define XMIDGE_STATE_SHAPE                                                                         \
    (XMIDGE_SHAPE_WIDTH(2) | XMIDGE_SHAPE_PIXELS(3) | XMIDGE_SHAPE_WORDS(3) |                      \
     XMIDGE_SHAPE_CHANNELS(15))

#define XMIDGE_SAVE_ARRAY(state, field, code)                                                      \
    for (uint32_t i = 0; i < sizeof(state)->field / sizeof(uint32_t); i++)                         \
    (state)->field[i] = xmidge_get(code, i)

#define XMIDGE_RESTORE_ARRAY(state, field, code)                                                   \
    xmidge_ldm(code, (state)->field, 0, sizeof(state)->field / sizeof(uint32_t))

/* Writes the state to *state; shape and the accumulators have changed afterwards. */
static inline void xmidge_save(struct xmidge_state *state) {
    /* With this weight, channel 4 i + j of a dot product is byte i of plane j. */
    static const uint32_t one_hot[16] = {
        1u << 0,  1u << 2,  1u << 4,  1u << 6,  1u << 8,  1u << 10, 1u << 12, 1u << 14,
        1u << 16, 1u << 18, 1u << 20, 1u << 22, 1u << 24, 1u << 26, 1u << 28, 1u << 30,
    };
    state->loop_count = xmidge_get(XMIDGE_LOOP_COUNT, 0);
    state->loop_start = xmidge_get(XMIDGE_LOOP_START, 0);
    state->loop_end = xmidge_get(XMIDGE_LOOP_END, 0);
    state->shape = xmidge_get(XMIDGE_SHAPE, 0);
    state->pixel_step = xmidge_get(XMIDGE_PIXEL_STEP, 0);
    state->column_step = xmidge_get(XMIDGE_COLUMN_STEP, 0);
    state->output_step = xmidge_get(XMIDGE_OUTPUT_STEP, 0);
    state->output = xmidge_get(XMIDGE_OUTPUT, 0);
    state->window = xmidge_get(XMIDGE_WINDOW, 0);
    state->position = xmidge_get(XMIDGE_POSITION, 0);
    XMIDGE_SAVE_ARRAY(state, accumulator, XMIDGE_ACCUMULATOR);
    XMIDGE_SAVE_ARRAY(state, column, XMIDGE_COLUMN);
    XMIDGE_SAVE_ARRAY(state, weight, XMIDGE_WEIGHT);
    XMIDGE_SAVE_ARRAY(state, bias, XMIDGE_BIAS);
    XMIDGE_SAVE_ARRAY(state, multiplier, XMIDGE_MULTIPLIER);
    XMIDGE_SAVE_ARRAY(state, shift, XMIDGE_SHIFT);
    XMIDGE_SAVE_ARRAY(state, table_a, XMIDGE_TABLE_A);
    XMIDGE_SAVE_ARRAY(state, table_b, XMIDGE_TABLE_B);
    xmidge_set(XMIDGE_SHAPE, XMIDGE_STATE_SHAPE, 0);
    xmidge_macf(one_hot);
    for (uint32_t pixel = 0; pixel < 4; pixel++)
        for (uint32_t plane = 0; plane < 4; plane++) {
            uint32_t word = 0;
            for (uint32_t byte = 0; byte < 4; byte++)
                word |= (xmidge_get(XMIDGE_ACCUMULATOR, 16 * pixel + 4 * byte + plane) & 0xffu)
                        << (8 * byte);
            state->activations[pixel][plane] = word;
        }
}

/* Puts the state back, the loop's registers last: from then on the loop is armed again. */
static inline void xmidge_restore(const struct xmidge_state *state) {
    xmidge_set(XMIDGE_SHAPE, XMIDGE_STATE_SHAPE, 0);
    xmidge_set(XMIDGE_PIXEL_STEP, sizeof state->activations[0], 0);
    xmidge_lda(state->activations);
    XMIDGE_RESTORE_ARRAY(state, accumulator, XMIDGE_ACCUMULATOR);
    XMIDGE_RESTORE_ARRAY(state, column, XMIDGE_COLUMN);
    XMIDGE_RESTORE_ARRAY(state, weight, XMIDGE_WEIGHT);
    XMIDGE_RESTORE_ARRAY(state, bias, XMIDGE_BIAS);
    XMIDGE_RESTORE_ARRAY(state, multiplier, XMIDGE_MULTIPLIER);
    XMIDGE_RESTORE_ARRAY(state, shift, XMIDGE_SHIFT);
    XMIDGE_RESTORE_ARRAY(state, table_a, XMIDGE_TABLE_A);
    XMIDGE_RESTORE_ARRAY(state, table_b, XMIDGE_TABLE_B);
    xmidge_set(XMIDGE_SHAPE, state->shape, 0);
    xmidge_set(XMIDGE_PIXEL_STEP, state->pixel_step, 0);
    xmidge_set(XMIDGE_COLUMN_STEP, state->column_step, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, state->output_step, 0);
    xmidge_set(XMIDGE_OUTPUT, state->output, 0);
    xmidge_set(XMIDGE_WINDOW, state->window, 0);
    xmidge_set(XMIDGE_POSITION, state->position, 0);
    xmidge_set(XMIDGE_LOOP_COUNT, 0, 0);
    xmidge_set(XMIDGE_LOOP_START, state->loop_start, 0);
    xmidge_set(XMIDGE_LOOP_END, state->loop_end, 0);
    xmidge_set(XMIDGE_LOOP_COUNT, state->loop_count, 0);
}

#endif
