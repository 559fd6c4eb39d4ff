/* Fully connected layers, int8, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_MVE_MATMUL_H
#define SMIDGEN_KERNELS_MVE_MATMUL_H

#include "vector.h"

/* y (rows, outputs) from x (rows, depth). The input's zero point is part of the bias. */
struct smidgen_mve_fully_connected_shape {
    int32_t rows, depth, outputs;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void
smidgen_mve_fully_connected_body(const struct smidgen_mve_fully_connected_shape *shape,
                                 const int8_t *x, const int8_t *weights, const int32_t *bias,
                                 const int32_t *multiplier, const int8_t *shift, int8_t *y,
                                 smidgen_mve_product_function product_1) {
    const struct smidgen_mve_product product = {
        weights,        bias,
        multiplier,     shift,
        shape->depth,   shape->outputs,
        shape->outputs, {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->outputs)
        product_1(&product, x, y);
}

#define SMIDGEN_MVE_FULLY_CONNECTED(variant, value, width, bits)                                   \
    static inline void smidgen_mve_fully_connected_##width##variant(                               \
        const struct smidgen_mve_fully_connected_shape *shape, const int8_t *x,                    \
        const int8_t *weights, const int32_t *bias, const int32_t *multiplier,                     \
        const int8_t *shift, int8_t *y) {                                                          \
        smidgen_mve_fully_connected_body(shape, x, weights, bias, multiplier, shift, y,            \
                                         smidgen_mve_product_1_##width##variant);                  \
    }

SMIDGEN_MVE_VARIANTS(SMIDGEN_MVE_FULLY_CONNECTED)

#endif
