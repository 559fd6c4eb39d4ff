/* Fully connected layers for plain Thumb, int8. */
#ifndef SMIDGEN_KERNELS_THUMB_MATMUL_H
#define SMIDGEN_KERNELS_THUMB_MATMUL_H

#include "product.h"

/* y (rows, outputs) from x (rows, depth) and weights in the blocks of product.h. The input's zero
 * point is part of the bias. */
struct smidgen_thumb_fully_connected_shape {
    int32_t rows, depth, outputs;
    int32_t output_zero_point, activation_min, activation_max;
};

/* scratch: 4 bytes for each input of a row. */
#define SMIDGEN_THUMB_FULLY_CONNECTED(suffix, variant)                                             \
    static inline void smidgen_thumb_fully_connected##suffix(                                      \
        const struct smidgen_thumb_fully_connected_shape *shape, const int8_t *x,                  \
        const int8_t *weights, const void *parameters, int8_t *y, void *scratch) {                 \
        const struct smidgen_thumb_block block = {                                                 \
            (const uint8_t *)weights,                                                              \
            parameters,                                                                            \
            shape->depth,                                                                          \
            shape->outputs,                                                                        \
            0,                                                                                     \
            {shape->output_zero_point, shape->activation_min, shape->activation_max},              \
        };                                                                                         \
        for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->outputs) {  \
            const uint32_t less = smidgen_thumb_widen(x, shape->depth, scratch, 1, 0) << 7;        \
            smidgen_thumb_block_1##suffix(&block, scratch, &less, y);                              \
        }                                                                                          \
    }

SMIDGEN_THUMB_FOR_ALL(SMIDGEN_THUMB_FULLY_CONNECTED)

#endif
