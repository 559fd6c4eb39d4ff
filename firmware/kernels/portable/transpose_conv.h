/* Transposed convolutions, int8, NHWC, weights of 8, 4 or 2 bits.
 *
 * The output positions that have the same remainder by the stride see the same part of the kernel,
 * and form an image of their own that is an ordinary convolution of the input with it: a phase. */
#ifndef SMIDGEN_KERNELS_TRANSPOSE_CONV_H
#define SMIDGEN_KERNELS_TRANSPOSE_CONV_H

#include "conv.h"

/* y (batches, output_height, output_width, output_channels) from x (batches, input_height,
 * input_width, input_channels). Phases lie row after row, stride_height by stride_width of them;
 * phase (p, q) has the kernel's rows p, p + stride_height, ... and columns likewise, both
 * backwards, its weights in the blocks of block.h or narrow.h, and a bias with the input's zero
 * point in it. patches: 4, or 1 to make do with a quarter of the scratch. */
struct smidgen_transpose_conv_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left, patches;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* What a phase has along rows or along columns. kernel: its part of the kernel's size; output: its
 * first output position; first: the input position at which the window for that begins. */
struct smidgen_phase {
    int32_t kernel, output, first;
};

SMIDGEN_INLINE struct smidgen_phase smidgen_phase(int32_t phase, int32_t stride, int32_t kernel,
                                                  int32_t pad) {
    const int32_t taps = kernel > phase ? (kernel - phase + stride - 1) / stride : 0;
    const int32_t skipped = pad > phase ? (pad - phase + stride - 1) / stride : 0;
    return (struct smidgen_phase){taps, phase + skipped * stride - pad, skipped - taps + 1};
}

/* The image of one phase. window: the convolution that it is, as far as windows are gathered. */
SMIDGEN_INLINE void smidgen_transpose_conv_phase(const struct smidgen_transpose_conv_shape *shape,
                                                 const struct smidgen_block *block,
                                                 const struct smidgen_conv_shape *window,
                                                 const struct smidgen_phase *row,
                                                 const struct smidgen_phase *column,
                                                 const int8_t *x, int8_t *y, int8_t *scratch,
                                                 const int variant, const int bits) {
    const ptrdiff_t row_bytes = (ptrdiff_t)shape->output_width * shape->output_channels;
    for (int32_t i = row->output, top = row->first; i < shape->output_height;
         i += shape->stride_height, top++) {
        int8_t *out = y + i * row_bytes + (ptrdiff_t)column->output * shape->output_channels;
        int32_t left = column->first, end = shape->output_width - column->output;
        while (end > 0) {
            const int32_t pixels = (end + shape->stride_width - 1) / shape->stride_width;
            const int32_t patches = pixels < shape->patches ? 1 : shape->patches;
            for (int32_t patch = 0; patch < patches; patch++)
                smidgen_conv_patch(window, x, top, left++, scratch + patch, patches);
            if (patches == SMIDGEN_PATCHES && bits == 8)
                smidgen_block_4(block, scratch, out, variant);
            else if (patches == SMIDGEN_PATCHES)
                smidgen_narrow_4(block, scratch, out, variant, bits);
            else if (bits == 8)
                smidgen_block_1(block, scratch, out, variant);
            else
                smidgen_narrow_1(block, scratch, out, variant, bits);
            out += (ptrdiff_t)patches * block->pixel_stride;
            end -= patches * shape->stride_width;
        }
    }
}

SMIDGEN_INLINE void smidgen_transpose_conv_body(const struct smidgen_transpose_conv_shape *shape,
                                                const int8_t *x, const void *weights,
                                                const int32_t *bias, const uint32_t *multiplier,
                                                const int8_t *shift, int8_t *y, int8_t *scratch,
                                                const int variant, const int bits) {
    const int32_t channels = shape->output_channels;
    struct smidgen_block block = {
        weights,
        bias,
        multiplier,
        shift,
        0,
        channels,
        1,
        channels * shape->stride_width,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    struct smidgen_conv_shape window = {
        .input_height = shape->input_height,
        .input_width = shape->input_width,
        .input_channels = shape->input_channels,
        .group_inputs = shape->input_channels,
        .groups = 1,
        .dilation_height = 1,
        .dilation_width = 1,
        .input_zero_point = shape->input_zero_point,
    };
    for (int32_t p = 0; p < shape->stride_height; p++) {
        const struct smidgen_phase row =
            smidgen_phase(p, shape->stride_height, shape->kernel_height, shape->pad_top);
        for (int32_t q = 0; q < shape->stride_width; q++) {
            const struct smidgen_phase column =
                smidgen_phase(q, shape->stride_width, shape->kernel_width, shape->pad_left);
            const int8_t *image = x;
            int8_t *out = y;
            window.kernel_height = row.kernel;
            window.kernel_width = column.kernel;
            block.depth = row.kernel * column.kernel * shape->input_channels;
            for (int32_t batch = 0; batch < shape->batches; batch++) {
                smidgen_transpose_conv_phase(shape, &block, &window, &row, &column, image, out,
                                             scratch, variant, bits);
                image +=
                    (ptrdiff_t)shape->input_height * shape->input_width * shape->input_channels;
                out += (ptrdiff_t)shape->output_height * shape->output_width * channels;
            }
            block.weights = (const int8_t *)block.weights +
                            (bits == 8 ? (ptrdiff_t)channels * block.depth
                                       : smidgen_narrow_bytes(channels, block.depth, bits));
            block.bias += channels;
        }
    }
}

/* scratch: patches times the depth of the first phase, which has the largest part of the kernel. */
#define SMIDGEN_TRANSPOSE_CONV(name, variant, bits)                                                \
    static inline void name(const struct smidgen_transpose_conv_shape *shape, const int8_t *x,     \
                            const void *weights, const int32_t *bias, const uint32_t *multiplier,  \
                            const int8_t *shift, int8_t *y, void *scratch) {                       \
        smidgen_transpose_conv_body(shape, x, weights, bias, multiplier, shift, y, scratch,        \
                                    variant, bits);                                                \
    }

SMIDGEN_TRANSPOSE_CONV(smidgen_transpose_conv_clamped, SMIDGEN_CLAMPED, 8)
SMIDGEN_TRANSPOSE_CONV(smidgen_transpose_conv_right, SMIDGEN_RIGHT, 8)
SMIDGEN_TRANSPOSE_CONV(smidgen_transpose_conv_wide, SMIDGEN_WIDE, 8)
SMIDGEN_TRANSPOSE_CONV(smidgen_transpose_conv_i4_right, SMIDGEN_RIGHT, 4)
SMIDGEN_TRANSPOSE_CONV(smidgen_transpose_conv_i4_wide, SMIDGEN_WIDE, 4)
SMIDGEN_TRANSPOSE_CONV(smidgen_transpose_conv_i2_right, SMIDGEN_RIGHT, 2)
SMIDGEN_TRANSPOSE_CONV(smidgen_transpose_conv_i2_wide, SMIDGEN_WIDE, 2)

#endif
