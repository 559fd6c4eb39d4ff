/* Fully connected layers, int8. */
#ifndef SMIDGEN_KERNELS_MATMUL_H
#define SMIDGEN_KERNELS_MATMUL_H

#include "block.h"

/* y (rows, outputs) from x (rows, depth) and weights in the blocks of block.h; parameter_step is 0 where
 * one multiplier and shift serve all outputs, 1 where each has its own. The input's zero point is part of
 * the bias. */
struct smidgen_fully_connected_shape {
    int32_t rows, depth, outputs, parameter_step;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE struct smidgen_block
smidgen_fully_connected_block(const struct smidgen_fully_connected_shape *shape, const int8_t *weights,
                              const int32_t *bias, const uint32_t *multiplier, const int8_t *shift) {
    const struct smidgen_block block = {
        weights,
        bias,
        multiplier,
        shift,
        shape->depth,
        shape->outputs,
        shape->parameter_step,
        shape->outputs,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    return block;
}

static inline void smidgen_fully_connected(const struct smidgen_fully_connected_shape *shape,
                                           const int8_t *x, const int8_t *weights, const int32_t *bias,
                                           const uint32_t *multiplier, const int8_t *shift, int8_t *y) {
    const struct smidgen_block block =
        smidgen_fully_connected_block(shape, weights, bias, multiplier, shift);
    for (int32_t row = 0; row < shape->rows; row++)
        smidgen_block_4x1(&block, x + (ptrdiff_t)row * shape->depth, y + (ptrdiff_t)row * shape->outputs);
}

/* For shifts of any sign and accumulators of any size. */
static inline void smidgen_fully_connected_wide(const struct smidgen_fully_connected_shape *shape,
                                                const int8_t *x, const int8_t *weights,
                                                const int32_t *bias, const uint32_t *multiplier,
                                                const int8_t *shift, int8_t *y) {
    const struct smidgen_block block =
        smidgen_fully_connected_block(shape, weights, bias, multiplier, shift);
    for (int32_t row = 0; row < shape->rows; row++)
        smidgen_block_4x1_wide(&block, x + (ptrdiff_t)row * shape->depth,
                               y + (ptrdiff_t)row * shape->outputs);
}

#endif
