/* Fully connected layers with the DSP extension, int8 activations, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_DSP_MATMUL_H
#define SMIDGEN_KERNELS_DSP_MATMUL_H

#include "product.h"

/* y (rows, outputs) from x (rows, depth); weights as product.h has them. The input's zero point is
 * part of the bias. parameter_step: as in struct smidgen_dsp_block. */
struct smidgen_dsp_fully_connected_shape {
    int32_t rows, depth, outputs, parameter_step;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void
smidgen_dsp_fully_connected_body(const struct smidgen_dsp_fully_connected_shape *shape,
                                 const int8_t *x, const void *weights, const int32_t *bias,
                                 const uint32_t *multiplier, const int8_t *shift, int8_t *y,
                                 uint32_t *scratch, smidgen_dsp_block_function *multiply) {
    const struct smidgen_dsp_block block = {
        weights,
        bias,
        multiplier,
        shift,
        (shape->depth + 3) / 4,
        shape->outputs,
        shape->parameter_step,
        shape->outputs,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->outputs) {
        const int32_t total = smidgen_dsp_widen(x, shape->depth, scratch, 1);
        multiply(&block, scratch, &total, y);
    }
}

/* scratch: 8 bytes for each quad of inputs. */
#define SMIDGEN_DSP_FULLY_CONNECTED(suffix, variant, bits)                                         \
    static inline void smidgen_dsp_fully_connected##suffix(                                        \
        const struct smidgen_dsp_fully_connected_shape *shape, const int8_t *x,                    \
        const void *weights, const int32_t *bias, const uint32_t *multiplier, const int8_t *shift, \
        int8_t *y, void *scratch) {                                                                \
        smidgen_dsp_fully_connected_body(shape, x, weights, bias, multiplier, shift, y, scratch,   \
                                         smidgen_dsp_block_1##suffix);                             \
    }

SMIDGEN_DSP_FOR_ALL(SMIDGEN_DSP_FULLY_CONNECTED)

#endif
