/* Fully connected layers with the DSP extension, int8 activations, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_DSP_MATMUL_H
#define SMIDGEN_KERNELS_DSP_MATMUL_H

#include "product.h"

/* y (rows, outputs) from x (rows, depth); weights and parameters as product.h has them. The
 * input's zero point is part of the bias. */
struct smidgen_dsp_fully_connected_shape {
    int32_t rows, depth, outputs;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void
smidgen_dsp_fully_connected_body(const struct smidgen_dsp_fully_connected_shape *shape,
                                 const int8_t *x, const void *weights, const void *parameters,
                                 int8_t *y, uint32_t *scratch, smidgen_dsp_block_function *multiply,
                                 const int bits) {
    const struct smidgen_dsp_block block = {
        weights,
        parameters,
        (shape->depth + 3) / 4,
        shape->outputs,
        shape->outputs,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->outputs) {
        const uint32_t total = smidgen_dsp_widen(x, shape->depth, scratch, 1, 0, bits);
        multiply(&block, scratch, &total, y);
    }
}

/* scratch: 8 bytes for each quad of inputs. */
#define SMIDGEN_DSP_FULLY_CONNECTED(suffix, variant, bits)                                         \
    static inline void smidgen_dsp_fully_connected##suffix(                                        \
        const struct smidgen_dsp_fully_connected_shape *shape, const int8_t *x,                    \
        const void *weights, const void *parameters, int8_t *y, void *scratch) {                   \
        smidgen_dsp_fully_connected_body(shape, x, weights, parameters, y, scratch,                \
                                         smidgen_dsp_block_1##suffix, bits);                       \
    }

SMIDGEN_DSP_FOR_ALL(SMIDGEN_DSP_FULLY_CONNECTED)

#endif
