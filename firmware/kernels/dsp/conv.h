/* Convolutions with the DSP extension, int8 activations, NHWC, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_DSP_CONV_H
#define SMIDGEN_KERNELS_DSP_CONV_H

#include "product.h"

/* y (batches, output_height, output_width, output_channels) from x (batches, input_height,
 * input_width, input_channels). Every group has group_inputs inputs and group_outputs outputs, and
 * its weights in the blocks of product.h; depth runs over kernel rows, kernel columns, inputs, and
 * every row of the kernel begins with a quad. patches: gathered at a time, 4 or 2. The input's zero
 * point is part of the bias, so padding holds the zero point. */
struct smidgen_dsp_conv_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels, groups, group_inputs, group_outputs;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t dilation_height, dilation_width, pad_top, pad_left, patches;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* Widens rows of `length` bytes, row_step bytes apart, to every second word of target, and each
 * from a quad on. Returns the sum of the inputs where weights are narrow. */
SMIDGEN_INLINE uint32_t smidgen_dsp_widen_rows_body(const int8_t *x, ptrdiff_t row_step,
                                                    int32_t rows, int32_t length, uint32_t *target,
                                                    const int bits) {
    uint32_t sum = 0;
    const uint32_t row_words = ((uint32_t)length + 3) / 4 * 4;
    for (; rows > 0; rows--, x += row_step, target += row_words)
        sum = smidgen_dsp_widen(x, length, target, 2, sum, bits);
    return sum;
}

#define SMIDGEN_DSP_WIDEN_ROWS(name, bits)                                                         \
    SMIDGEN_SHARED uint32_t name(const int8_t *x, ptrdiff_t row_step, int32_t rows,                \
                                 int32_t length, uint32_t *target) {                               \
        return smidgen_dsp_widen_rows_body(x, row_step, rows, length, target, bits);               \
    }

SMIDGEN_DSP_WIDEN_ROWS(smidgen_dsp_widen_rows, 8)
SMIDGEN_DSP_WIDEN_ROWS(smidgen_dsp_widen_rows_for_narrow, 4)

/* One row of a window, which begins at column x of the image, gathered byte by byte. image: the
 * group's first channel in the image's row, or NULL where there is no such row. */
SMIDGEN_SHARED void smidgen_dsp_row(const struct smidgen_dsp_conv_shape *shape, const int8_t *image,
                                    int32_t x, int8_t *row) {
    const int32_t channels = shape->group_inputs;
    for (int32_t column = shape->kernel_width; column > 0; column--, x += shape->dilation_width) {
        const int is_inside = image != NULL && x >= 0 && x < shape->input_width;
        const int8_t *from = is_inside ? image + (ptrdiff_t)x * shape->input_channels : NULL;
        for (int32_t i = 0; i < channels; i++)
            *row++ = is_inside ? from[i] : (int8_t)shape->input_zero_point;
    }
}

/* As smidgen_dsp_widen_rows, for the window whose first row and column are y and x, wherever they
 * are. image: the first channel of the group; row: room for one row of the window. */
SMIDGEN_SHARED uint32_t smidgen_dsp_window(const struct smidgen_dsp_conv_shape *shape,
                                           const int8_t *image, int32_t y, int32_t x,
                                           uint32_t *target, int8_t *row) {
    const int32_t length = shape->kernel_width * shape->group_inputs;
    const ptrdiff_t row_bytes = (ptrdiff_t)shape->input_width * shape->input_channels;
    uint32_t sum = 0;
    for (int32_t n = shape->kernel_height; n > 0; n--, y += shape->dilation_height) {
        const int is_inside = y >= 0 && y < shape->input_height;
        smidgen_dsp_row(shape, is_inside ? image + y * row_bytes : NULL, x, row);
        sum = smidgen_dsp_widen(row, length, target, 2, sum, 4);
        target += (length + 3) / 4 * 4;
    }
    return sum;
}

SMIDGEN_INLINE void smidgen_dsp_conv_body(const struct smidgen_dsp_conv_shape *shape,
                                          const int8_t *x, const void *weights,
                                          const void *parameters, int8_t *y, uint32_t *scratch,
                                          smidgen_dsp_block_function *multiply_4,
                                          smidgen_dsp_block_function *multiply_2, const int bits) {
    const int32_t length = shape->kernel_width * shape->group_inputs;
    const int32_t quads = shape->kernel_height * ((length + 3) / 4);
    const ptrdiff_t row_bytes = (ptrdiff_t)shape->input_width * shape->input_channels;
    const ptrdiff_t row_step = row_bytes * shape->dilation_height;
    /* Where the first row and column of a window are if it lies inside the image and its rows side
     * by side in memory: from 0 to these. */
    const int32_t last_y =
        shape->input_height - 1 - (shape->kernel_height - 1) * shape->dilation_height;
    const int32_t last_x = shape->dilation_width == 1 && shape->groups == 1
                               ? shape->input_width - shape->kernel_width
                               : -1;
    struct smidgen_dsp_block block = {
        weights,
        parameters,
        quads,
        shape->group_outputs,
        shape->output_channels,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    int8_t *const room = (int8_t *)(scratch + 2 * shape->patches * quads);
    for (int32_t group = 0; group < shape->groups; group++) {
        const int8_t *image = x + group * shape->group_inputs;
        int8_t *out = y + group * shape->group_outputs;
        int32_t pixels = shape->batches * shape->output_height * shape->output_width;
        int32_t rows = shape->output_height, columns = shape->output_width;
        int32_t row = -shape->pad_top, column = -shape->pad_left;
        while (pixels > 0) {
            /* The plan may have put the output over inputs that this many patches have read. */
            const int32_t patches = pixels >= shape->patches ? shape->patches : 2;
            uint32_t totals[4];
            for (int32_t patch = 0; patch < patches; patch++) {
                uint32_t *const target = scratch + patch / 2 * 4 * quads + patch % 2;
                if (row >= 0 && row <= last_y && column >= 0 && column <= last_x)
                    totals[patch] =
                        (bits == 8 ? smidgen_dsp_widen_rows : smidgen_dsp_widen_rows_for_narrow)(
                            image + row * row_bytes + (ptrdiff_t)column * shape->input_channels,
                            row_step, shape->kernel_height, length, target);
                else
                    totals[patch] = smidgen_dsp_window(shape, image, row, column, target, room);
                if (pixels == 1)
                    continue; /* the last one of an odd number is done twice */
                column += shape->stride_width;
                if (--columns == 0) {
                    columns = shape->output_width;
                    column = -shape->pad_left;
                    row += shape->stride_height;
                    if (--rows == 0) {
                        rows = shape->output_height;
                        row = -shape->pad_top;
                        image += row_bytes * shape->input_height;
                    }
                }
            }
            if (pixels == 1)
                block.pixel_stride = 0;
            if (SMIDGEN_UNROLL && patches == 4) {
                multiply_4(&block, scratch, totals, out);
            } else {
                multiply_2(&block, scratch, totals, out);
                if (patches == 4)
                    multiply_2(&block, scratch + 4 * quads, totals + 2,
                               out + 2 * block.pixel_stride);
            }
            out += patches * block.pixel_stride;
            pixels -= patches;
        }
        const ptrdiff_t blocks = (shape->group_outputs + 3) / 4;
        block.weights += blocks * quads * (bits / 2);
        block.parameters += blocks;
        block.pixel_stride = shape->output_channels;
    }
}

/* scratch: 8 bytes for each patch and quad of a window's inputs, and the bytes of one of its rows.
 */
#define SMIDGEN_DSP_CONV(suffix, variant, bits)                                                    \
    static inline void smidgen_dsp_conv##suffix(                                                   \
        const struct smidgen_dsp_conv_shape *shape, const int8_t *x, const void *weights,          \
        const void *parameters, int8_t *y, void *scratch) {                                        \
        smidgen_dsp_conv_body(shape, x, weights, parameters, y, scratch,                           \
                              smidgen_dsp_block_4##suffix, smidgen_dsp_block_2##suffix, bits);     \
    }

SMIDGEN_DSP_FOR_ALL(SMIDGEN_DSP_CONV)

#endif
