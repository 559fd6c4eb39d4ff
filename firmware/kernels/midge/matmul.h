/* Fully connected layers on Xmidge, int8 activations, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_MIDGE_MATMUL_H
#define SMIDGEN_KERNELS_MIDGE_MATMUL_H

#include "product.h"

/* y (rows, outputs) from x (rows, depth); weights and parameters as product.h has them. One row is
 * a vector with blocks of 64 outputs (16 where weights are sparse), several are pixels with blocks
 * of 16. */
struct smidgen_midge_fully_connected_shape {
    int32_t rows, depth, outputs, width, words, steps, shared;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void
smidgen_midge_fully_connected_body(const struct smidgen_midge_fully_connected_shape *shape,
                                   const int8_t *x, const uint32_t *weights, const uint16_t *groups,
                                   const uint32_t *parameters, int8_t *y,
                                   const int32_t group_steps) {
    const int32_t vector = shape->rows == 1;
    struct smidgen_midge_product product = {
        .weights = weights,
        .parameters = parameters,
        .groups = groups,
        .width = shape->width,
        .words = shape->words,
        .shared = shape->shared,
        .vector = vector,
        .block = vector && group_steps == SMIDGEN_MIDGE_DENSE ? 64 : 16,
        .channels = shape->outputs,
        .rows = 1,
        .steps = shape->steps,
        .pixel_step = shape->depth,
        .output_step = shape->outputs,
        .output = {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    smidgen_midge_begin(&product);
    smidgen_midge_multiply(&product, x, y, shape->rows, group_steps);
}

static inline void
smidgen_midge_fully_connected(const struct smidgen_midge_fully_connected_shape *shape,
                              const int8_t *x, const uint32_t *weights, const uint32_t *parameters,
                              int8_t *y) {
    smidgen_midge_fully_connected_body(shape, x, weights, NULL, parameters, y, SMIDGEN_MIDGE_DENSE);
}

#define SMIDGEN_MIDGE_FULLY_CONNECTED_SPARSE(name, group_steps)                                    \
    static inline void name(const struct smidgen_midge_fully_connected_shape *shape,               \
                            const int8_t *x, const uint32_t *weights, const uint16_t *groups,      \
                            const uint32_t *parameters, int8_t *y) {                               \
        smidgen_midge_fully_connected_body(shape, x, weights, groups, parameters, y, group_steps); \
    }

SMIDGEN_MIDGE_FULLY_CONNECTED_SPARSE(smidgen_midge_fully_connected_sparse_i8, SMIDGEN_MIDGE_I8)
SMIDGEN_MIDGE_FULLY_CONNECTED_SPARSE(smidgen_midge_fully_connected_sparse_i4, SMIDGEN_MIDGE_I4)
SMIDGEN_MIDGE_FULLY_CONNECTED_SPARSE(smidgen_midge_fully_connected_sparse_i2, SMIDGEN_MIDGE_I2)

#endif
