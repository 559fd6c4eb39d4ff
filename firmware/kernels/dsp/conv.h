/* Convolutions with the DSP extension, int8 activations, NHWC, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_DSP_CONV_H
#define SMIDGEN_KERNELS_DSP_CONV_H

#include "product.h"

/* y (batches, output_height, output_width, output_channels) from x (batches, input_height,
 * input_width, input_channels). Every group has group_inputs inputs and group_outputs outputs, and
 * its weights in the blocks of product.h; depth runs over kernel rows, kernel columns, inputs.
 * whole: 1 when a window is one pixel, whose inputs need not be gathered. The input's zero point is
 * part of the bias, so padding holds the zero point. */
struct smidgen_dsp_conv_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels, groups, group_inputs, group_outputs;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t dilation_height, dilation_width, pad_top, pad_left, whole;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* Both return the next target. */
SMIDGEN_INLINE int8_t *smidgen_dsp_copy(int8_t *target, const int8_t *source, int32_t n) {
    int8_t *const end = target + n;
    if (n >= 4) {
        const int8_t *const last = source + n - 4;
        SMIDGEN_KEEP_LOOP
        for (; source < last; source += 4, target += 4)
            smidgen_dsp_store(target, smidgen_dsp_load(source));
        smidgen_dsp_store(end - 4, smidgen_dsp_load(last)); /* may overlap the one before */
        return end;
    }
    SMIDGEN_KEEP_LOOP
    while (target != end)
        *target++ = *source++;
    return end;
}

SMIDGEN_INLINE int8_t *smidgen_dsp_fill(int8_t *target, int8_t value, int32_t n) {
    SMIDGEN_KEEP_LOOP
    for (; n > 0; n--)
        *target++ = value;
    return target;
}

/* Gathers the window whose first row and column are y and x, perhaps outside the image. image: the
 * first channel of the group. */
SMIDGEN_SHARED void smidgen_dsp_window(const struct smidgen_dsp_conv_shape *shape,
                                       const int8_t *image, int32_t y, int32_t x, int8_t *target) {
    const int32_t channels = shape->group_inputs, width = shape->input_width;
    const int8_t zero = (int8_t)shape->input_zero_point;
    const ptrdiff_t row_bytes = (ptrdiff_t)width * shape->input_channels;
    /* Kernel columns that lie side by side in memory are copied together. */
    const int together = shape->dilation_width == 1 && shape->groups == 1;
    const int32_t columns = together ? shape->kernel_width : 1;
    const int32_t end = x + shape->kernel_width * shape->dilation_width;
    const int is_inside = together && x >= 0 && end <= width;
    const int8_t *from = image + y * row_bytes + (ptrdiff_t)x * shape->input_channels;
    for (int32_t row = shape->kernel_height; row > 0; row--) {
        if (y < 0 || y >= shape->input_height) {
            target = smidgen_dsp_fill(target, zero, shape->kernel_width * channels);
        } else if (is_inside) {
            target = smidgen_dsp_copy(target, from, columns * channels);
        } else {
            const int8_t *at = from;
            for (int32_t first = x; first < end; first += columns * shape->dilation_width) {
                const int32_t left = smidgen_clamp(-first, 0, columns);
                const int32_t inside = smidgen_clamp(width - first, left, columns) - left;
                target = smidgen_dsp_fill(target, zero, left * channels);
                if (inside > 0)
                    target = smidgen_dsp_copy(target, at + left * shape->input_channels,
                                              inside * channels);
                target = smidgen_dsp_fill(target, zero, (columns - left - inside) * channels);
                at += shape->dilation_width * shape->input_channels;
            }
        }
        y += shape->dilation_height;
        from += shape->dilation_height * row_bytes;
    }
}

SMIDGEN_INLINE void smidgen_dsp_conv_body(const struct smidgen_dsp_conv_shape *shape,
                                          const int8_t *x, const void *weights,
                                          const void *parameters, int8_t *y, uint32_t *scratch,
                                          smidgen_dsp_block_function *multiply_2,
                                          smidgen_dsp_block_function *multiply_1, const int bits) {
    const int32_t depth = shape->kernel_height * shape->kernel_width * shape->group_inputs;
    struct smidgen_dsp_block block = {
        weights,
        parameters,
        (depth + 3) / 4,
        shape->group_outputs,
        shape->output_channels,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    int8_t *const window = (int8_t *)(scratch + 4 * block.quads);
    for (int32_t group = 0; group < shape->groups; group++) {
        const int8_t *image = x + group * shape->group_inputs;
        int8_t *out = y + group * shape->group_outputs;
        int32_t pixels = shape->batches * shape->output_height * shape->output_width;
        int32_t row = -shape->pad_top, column = -shape->pad_left, columns = shape->output_width;
        int32_t rows = shape->output_height;
        while (pixels > 0) {
            const int32_t patches = pixels == 1 ? 1 : 2;
            int32_t totals[2];
            for (int32_t patch = 0; patch < patches; patch++) {
                const int8_t *from = window;
                if (shape->whole)
                    from = image +
                           ((ptrdiff_t)row * shape->input_width + column) * shape->input_channels;
                else
                    smidgen_dsp_window(shape, image, row, column, window);
                totals[patch] = smidgen_dsp_widen(from, depth, scratch + patch, patches, bits);
                column += shape->stride_width;
                if (--columns == 0) {
                    columns = shape->output_width;
                    column = -shape->pad_left;
                    row += shape->stride_height;
                    if (--rows == 0) {
                        rows = shape->output_height;
                        row = -shape->pad_top;
                        image += (ptrdiff_t)shape->input_height * shape->input_width *
                                 shape->input_channels;
                    }
                }
            }
            (patches == 2 ? multiply_2 : multiply_1)(&block, scratch, totals, out);
            out += (ptrdiff_t)patches * shape->output_channels;
            pixels -= patches;
        }
        const ptrdiff_t blocks = (shape->group_outputs + 3) / 4;
        block.weights += blocks * block.quads * (bits / 2);
        block.parameters += blocks;
    }
}

/* scratch: 16 bytes for each quad of a window's inputs, and the window's bytes unless it is whole.
 */
#define SMIDGEN_DSP_CONV(suffix, variant, bits)                                                    \
    static inline void smidgen_dsp_conv##suffix(                                                   \
        const struct smidgen_dsp_conv_shape *shape, const int8_t *x, const void *weights,          \
        const void *parameters, int8_t *y, void *scratch) {                                        \
        smidgen_dsp_conv_body(shape, x, weights, parameters, y, scratch,                           \
                              smidgen_dsp_block_2##suffix, smidgen_dsp_block_1##suffix, bits);     \
    }

SMIDGEN_DSP_FOR_ALL(SMIDGEN_DSP_CONV)

#endif
