/* Fully connected layers on Xmidge, int8 activations, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_MIDGE_MATMUL_H
#define SMIDGEN_KERNELS_MIDGE_MATMUL_H

#include "product.h"

/* y (rows, outputs) from x (rows, depth); weights and parameters as product.h has them, in blocks
 * of 16 outputs. */
struct smidgen_midge_fully_connected_shape {
    int32_t rows, depth, outputs, width, words, steps, shared;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void smidgen_midge_rows(const struct smidgen_midge_fully_connected_shape *shape,
                                       const int8_t *x, const uint32_t *weights,
                                       const uint16_t *groups, const uint32_t *parameters,
                                       int8_t *y, const int32_t group_steps, const int is_small) {
    struct smidgen_midge_product product = {
        .weights = weights,
        .parameters = parameters,
        .groups = groups,
        .width = shape->width,
        .words = shape->words,
        .shared = shape->shared,
        .channels = shape->outputs,
        .rows = 1,
        .steps = shape->steps,
        .pixel_step = shape->depth,
        .output_step = shape->outputs,
        .output = {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    if (is_small)
        smidgen_midge_prepare_body(&product);
    else
        smidgen_midge_prepare(&product);
    smidgen_midge_multiply(&product, x, y, shape->rows, group_steps, is_small);
}

SMIDGEN_INLINE void
smidgen_midge_fully_connected_body(const struct smidgen_midge_fully_connected_shape *shape,
                                   const int8_t *x, const uint32_t *weights, const uint16_t *groups,
                                   const uint32_t *parameters, int8_t *y,
                                   const int32_t group_steps) {
    smidgen_midge_rows(shape, x, weights, groups, parameters, y, group_steps, 0);
}

/* y (outputs) from x, one row. Blocks are of 64 outputs, of 16 where weights are sparse. */
struct smidgen_midge_vector_shape {
    int32_t outputs, width, words, steps, shared;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void smidgen_midge_vector_body(const struct smidgen_midge_vector_shape *shape,
                                              const int8_t *x, const uint32_t *weights,
                                              const uint16_t *groups, const uint32_t *parameters,
                                              int8_t *y, const int32_t group_steps) {
    const int32_t block =
        group_steps == SMIDGEN_MIDGE_DENSE ? SMIDGEN_MIDGE_CHANNELS : SMIDGEN_MIDGE_BLOCK;
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    const int32_t steps = shape->steps, shared = shape->shared;
    const uint32_t mode = XMIDGE_SHAPE_WIDTH((uint32_t)shape->width) |
                          XMIDGE_SHAPE_WORDS((uint32_t)shape->words - 1) |
                          XMIDGE_SHAPE_SHARED((uint32_t)shared) | XMIDGE_SHAPE_VECTOR(1u);
    struct smidgen_midge_stream stream = {weights, groups};
    parameters = smidgen_midge_begin(&output, parameters, shared);
    for (int32_t left = shape->outputs; left > 0; left -= SMIDGEN_MIDGE_CHANNELS) {
        const int32_t channels = left < SMIDGEN_MIDGE_CHANNELS ? left : SMIDGEN_MIDGE_CHANNELS;
        for (int32_t first = 0; first < channels; first += block) {
            const int32_t count = channels - first < block ? channels - first : block;
            xmidge_set(XMIDGE_SHAPE, mode | XMIDGE_SHAPE_CHANNELS((uint32_t)count - 1), 0);
            stream = smidgen_midge_first_row(x, stream, steps, group_steps);
            if (first == 0) /* while the last product is added up */
                parameters = smidgen_midge_parameters(parameters, channels, shared);
            xmidge_rqc(y, (uint32_t)first);
            y += count;
        }
    }
}

static inline void
smidgen_midge_fully_connected(const struct smidgen_midge_fully_connected_shape *shape,
                              const int8_t *x, const uint32_t *weights, const uint32_t *parameters,
                              int8_t *y) {
    smidgen_midge_fully_connected_body(shape, x, weights, NULL, parameters, y, SMIDGEN_MIDGE_DENSE);
}

static inline void
smidgen_midge_fully_connected_small(const struct smidgen_midge_fully_connected_shape *shape,
                                    const int8_t *x, const uint32_t *weights,
                                    const uint32_t *parameters, int8_t *y) {
    smidgen_midge_rows(shape, x, weights, NULL, parameters, y, SMIDGEN_MIDGE_DENSE, 1);
}

static inline void smidgen_midge_vector(const struct smidgen_midge_vector_shape *shape,
                                        const int8_t *x, const uint32_t *weights,
                                        const uint32_t *parameters, int8_t *y) {
    smidgen_midge_vector_body(shape, x, weights, NULL, parameters, y, SMIDGEN_MIDGE_DENSE);
}

#define SMIDGEN_MIDGE_MATMUL_SPARSE(kernel, bits)                                                  \
    static inline void smidgen_midge_##kernel##_sparse_i##bits(                                    \
        const struct smidgen_midge_##kernel##_shape *shape, const int8_t *x,                       \
        const uint32_t *weights, const uint16_t *groups, const uint32_t *parameters, int8_t *y) {  \
        smidgen_midge_##kernel##_body(shape, x, weights, groups, parameters, y,                    \
                                      SMIDGEN_MIDGE_I##bits);                                      \
    }

SMIDGEN_MIDGE_MATMUL_SPARSE(fully_connected, 8)
SMIDGEN_MIDGE_MATMUL_SPARSE(fully_connected, 4)
SMIDGEN_MIDGE_MATMUL_SPARSE(fully_connected, 2)
SMIDGEN_MIDGE_MATMUL_SPARSE(vector, 8)
SMIDGEN_MIDGE_MATMUL_SPARSE(vector, 4)
SMIDGEN_MIDGE_MATMUL_SPARSE(vector, 2)

#endif
