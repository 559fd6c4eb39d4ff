/* Fully connected layers, int8, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_MATMUL_H
#define SMIDGEN_KERNELS_MATMUL_H

#include "narrow.h"

/* y (rows, outputs) from x (rows, depth) and weights in the blocks of block.h (8 bits) or narrow.h;
 * parameter_step is 0 where one multiplier and shift serve all outputs, 1 where each has its own.
 * The input's zero point is part of the bias. */
struct smidgen_fully_connected_shape {
    int32_t rows, depth, outputs, parameter_step;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void smidgen_fully_connected_body(const struct smidgen_fully_connected_shape *shape,
                                                 const int8_t *x, const void *weights,
                                                 const int32_t *bias, const uint32_t *multiplier,
                                                 const int8_t *shift, int8_t *y, const int variant,
                                                 const int bits) {
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
    for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->outputs) {
        if (bits == 8)
            smidgen_block_1(&block, x, y, variant);
        else
            smidgen_narrow_1(&block, x, y, variant, bits);
    }
}

#define SMIDGEN_FULLY_CONNECTED(name, variant, bits)                                               \
    static inline void name(const struct smidgen_fully_connected_shape *shape, const int8_t *x,    \
                            const void *weights, const int32_t *bias, const uint32_t *multiplier,  \
                            const int8_t *shift, int8_t *y) {                                      \
        smidgen_fully_connected_body(shape, x, weights, bias, multiplier, shift, y, variant,       \
                                     bits);                                                        \
    }

SMIDGEN_FULLY_CONNECTED(smidgen_fully_connected_right, SMIDGEN_RIGHT, 8)
SMIDGEN_FULLY_CONNECTED(smidgen_fully_connected_wide, SMIDGEN_WIDE, 8)
SMIDGEN_FULLY_CONNECTED(smidgen_fully_connected_i4_right, SMIDGEN_RIGHT, 4)
SMIDGEN_FULLY_CONNECTED(smidgen_fully_connected_i4_wide, SMIDGEN_WIDE, 4)
SMIDGEN_FULLY_CONNECTED(smidgen_fully_connected_i2_right, SMIDGEN_RIGHT, 2)
SMIDGEN_FULLY_CONNECTED(smidgen_fully_connected_i2_wide, SMIDGEN_WIDE, 2)

#endif
