/* Mean over axes on Xmidge, int8, and sums of four channels at a time for pooling. */
#ifndef SMIDGEN_KERNELS_MIDGE_REDUCE_H
#define SMIDGEN_KERNELS_MIDGE_REDUCE_H

#include "columns.h"

/* Before the first sum: every value counts `weight` times. One multiplier and shift for all. */
SMIDGEN_INLINE void smidgen_midge_sum_begin(int32_t weight, int32_t row_step, int32_t column_step,
                                            int32_t offset) {
    const uint32_t word = 0x01010101u * (uint8_t)weight;
    xmidge_set(XMIDGE_SHAPE, XMIDGE_SHAPE_SHARED(1u), 0);
    xmidge_set(XMIDGE_PIXEL_STEP, (uintptr_t)row_step, 0);
    xmidge_set(XMIDGE_COLUMN_STEP, (uintptr_t)column_step, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, 0, 0);
    xmidge_set(XMIDGE_POSITION, 0, 0);
    for (uint32_t lane = 0; lane < 4; lane++) {
        xmidge_set(XMIDGE_WEIGHT, 0, 16 * lane);
        xmidge_set(XMIDGE_WEIGHT, word, 16 * lane + 1);
        xmidge_set(XMIDGE_BIAS, (uintptr_t)offset, lane);
    }
}

SMIDGEN_INLINE uint32_t smidgen_midge_sum_window(int32_t rows, int32_t lanes) {
    return XMIDGE_WINDOW_ROWS((uint32_t)rows) | XMIDGE_WINDOW_LANES((uint32_t)lanes - 1u);
}

/* Four channels' sums, of nothing yet. */
SMIDGEN_INLINE void smidgen_midge_sum_clear(int32_t lanes) {
    xmidge_set(XMIDGE_WINDOW, smidgen_midge_sum_window(0, lanes), 0);
    xmidge_colv(0, 0);
}

/* Adds `columns` columns of 1 to 4 rows. Returns where the next column is. */
SMIDGEN_INLINE const int8_t *smidgen_midge_sum_columns(const int8_t *x, int32_t rows,
                                                       int32_t columns, int32_t lanes) {
    if (rows < 4)
        xmidge_colv(1, 0); /* rows that are not loaded count as 0 */
    xmidge_set(XMIDGE_WINDOW, smidgen_midge_sum_window(rows, lanes), 0);
#ifdef __riscv
    __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%1", "4") XMIDGE_ASM_COL("1", "%0")
                         XMIDGE_ASM_END
                     : "+r"(x)
                     : "r"(columns)
                     : "memory");
#else
    for (; columns > 0; columns--)
        x = xmidge_col(1, x);
#endif
    return x;
}

SMIDGEN_INLINE void smidgen_midge_sum_end(int8_t *y) {
    xmidge_rqw(y, XMIDGE_WINDOWS(0, 1, 0));
}

/* y (kept_0, kept_1, kept_2) from x (kept_0, reduced_0, kept_1, reduced_1, kept_2); every value
 * counts `weight` times, 1 / (count * weight) is part of the multiplier, and offset is -count times
 * the input's zero point. */
struct smidgen_midge_mean_shape {
    int32_t kept_0, reduced_0, kept_1, reduced_1, kept_2, weight;
    uint32_t multiplier;
    int32_t offset, shift, output_zero_point, activation_min, activation_max;
};

static inline void smidgen_midge_mean(const struct smidgen_midge_mean_shape *shape, const int8_t *x,
                                      int8_t *y) {
    const int32_t channels = shape->kept_2, count = shape->reduced_1, kept_1 = shape->kept_1;
    const ptrdiff_t step_1 = (ptrdiff_t)count * channels, step_0 = step_1 * kept_1;
    smidgen_midge_sum_begin(shape->weight, channels, 4 * channels, shape->offset);
    xmidge_set(XMIDGE_OUTPUT,
               smidgen_midge_output(shape->output_zero_point, shape->activation_min,
                                    shape->activation_max),
               0);
    xmidge_set(XMIDGE_MULTIPLIER, shape->multiplier, 0);
    xmidge_set(XMIDGE_SHIFT, (uint8_t)shape->shift, 0);
    for (int32_t i = 0; i < shape->kept_0; i++) {
        for (int32_t j = 0; j < kept_1; j++) {
            for (int32_t channel = 0; channel < channels; channel += 4) {
                const int32_t rest = channels - channel, lanes = rest < 4 ? rest : 4;
                const int8_t *in = x + j * step_1 + channel;
                smidgen_midge_sum_clear(lanes);
                for (int32_t k = shape->reduced_0; k > 0; k--, in += step_0) {
                    const int8_t *last = smidgen_midge_sum_columns(in, 4, count / 4, lanes);
                    if (count % 4 != 0)
                        smidgen_midge_sum_columns(last, count % 4, 1, lanes);
                }
                smidgen_midge_sum_end(y);
                y += lanes;
            }
        }
        x += step_0 * shape->reduced_0;
    }
}

#endif
