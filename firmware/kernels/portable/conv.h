/* Convolutions and depthwise convolutions, int8, NHWC, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_CONV_H
#define SMIDGEN_KERNELS_CONV_H

#include "block.h"
#include "depthwise.h"
#include "narrow.h"

/* y (batches, output_height, output_width, output_channels) from x (batches, input_height,
 * input_width, input_channels). Every group has group_inputs inputs and group_outputs outputs, and
 * its weights in the blocks of block.h (8 bits) or narrow.h; depth runs over kernel rows, kernel
 * columns, inputs.
 * patches: 4, or 1 to make do with a quarter of the scratch. Multiplier and shift per output
 * channel; the input's zero point is part of the bias, so padding holds the zero point. */
struct smidgen_conv_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels, groups, group_inputs, group_outputs;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t dilation_height, dilation_width, pad_top, pad_left, patches;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* Copies n bytes to every step-th byte. Returns the next target. */
SMIDGEN_SHARED int8_t *smidgen_conv_spread(int8_t *target, ptrdiff_t step, const int8_t *source,
                                           int32_t n) {
    for (; SMIDGEN_UNROLL && n >= 4; n -= 4, source += 4) {
        const int8_t b0 = source[0], b1 = source[1], b2 = source[2], b3 = source[3];
        *target = b0;
        target += step;
        *target = b1;
        target += step;
        *target = b2;
        target += step;
        *target = b3;
        target += step;
    }
    for (; n > 0; n--, target += step)
        *target = *source++;
    return target;
}

SMIDGEN_SHARED int8_t *smidgen_conv_fill(int8_t *target, ptrdiff_t step, int8_t value, int32_t n) {
    for (; n > 0; n--, target += step)
        *target = value;
    return target;
}

/* The window whose first row and column are y and x (perhaps outside the image) as one vector.
 * image is the first channel of the group; the vector's elements lie step bytes apart. */
SMIDGEN_SHARED void smidgen_conv_patch(const struct smidgen_conv_shape *shape, const int8_t *image,
                                       int32_t y, int32_t x, int8_t *target, ptrdiff_t step) {
    const int32_t channels = shape->group_inputs;
    const ptrdiff_t row_bytes = (ptrdiff_t)shape->input_width * shape->input_channels;
    /* Kernel columns that lie side by side in memory are copied together. */
    const int together = shape->dilation_width == 1 && shape->groups == 1;
    const int32_t columns = together ? shape->kernel_width : 1;
    const int32_t end = x + shape->kernel_width * shape->dilation_width;
    for (int32_t row = 0; row < shape->kernel_height; row++, y += shape->dilation_height) {
        if (y < 0 || y >= shape->input_height) {
            target = smidgen_conv_fill(target, step, (int8_t)shape->input_zero_point,
                                       shape->kernel_width * channels);
            continue;
        }
        for (int32_t first = x; first < end; first += columns * shape->dilation_width) {
            int32_t left = 0, inside = columns;
            if (first < 0 || first + columns > shape->input_width) {
                left = smidgen_clamp(-first, 0, columns);
                inside = smidgen_clamp(shape->input_width - first, left, columns) - left;
                target = smidgen_conv_fill(target, step, (int8_t)shape->input_zero_point,
                                           left * channels);
            }
            if (inside > 0)
                target = smidgen_conv_spread(target, step,
                                             image + y * row_bytes +
                                                 (ptrdiff_t)(first + left) * shape->input_channels,
                                             inside * channels);
            if (left + inside < columns)
                target = smidgen_conv_fill(target, step, (int8_t)shape->input_zero_point,
                                           (columns - left - inside) * channels);
        }
    }
}

SMIDGEN_INLINE void smidgen_conv_body(const struct smidgen_conv_shape *shape, const int8_t *x,
                                      const int8_t *weights, const int32_t *bias,
                                      const uint32_t *multiplier, const int8_t *shift, int8_t *y,
                                      int8_t *scratch, const int variant, const int bits) {
    const ptrdiff_t image_bytes =
        (ptrdiff_t)shape->input_height * shape->input_width * shape->input_channels;
    struct smidgen_block block = {
        weights,
        bias,
        multiplier,
        shift,
        shape->kernel_height * shape->kernel_width * shape->group_inputs,
        shape->group_outputs,
        1,
        shape->output_channels,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    for (int32_t group = 0; group < shape->groups; group++) {
        const int8_t *image = x + group * shape->group_inputs;
        int8_t *out = y + group * shape->group_outputs;
        int32_t pixels = shape->batches * shape->output_height * shape->output_width;
        int32_t row = 0, column = 0;
        while (pixels > 0) {
            const int32_t patches = pixels < shape->patches ? 1 : shape->patches;
            for (int32_t patch = 0; patch < patches; patch++) {
                smidgen_conv_patch(shape, image, row * shape->stride_height - shape->pad_top,
                                   column * shape->stride_width - shape->pad_left, scratch + patch,
                                   patches);
                if (++column == shape->output_width) {
                    column = 0;
                    if (++row == shape->output_height) {
                        row = 0;
                        image += image_bytes;
                    }
                }
            }
            if (patches == SMIDGEN_PATCHES && bits == 8)
                smidgen_block_4(&block, scratch, out, variant);
            else if (patches == SMIDGEN_PATCHES)
                smidgen_narrow_4(&block, scratch, out, variant, bits);
            else if (bits == 8)
                smidgen_block_1(&block, scratch, out, variant);
            else
                smidgen_narrow_1(&block, scratch, out, variant, bits);
            out += (ptrdiff_t)patches * shape->output_channels;
            pixels -= patches;
        }
        block.weights = (const int8_t *)block.weights +
                        (bits == 8 ? (ptrdiff_t)shape->group_outputs * block.depth
                                   : smidgen_narrow_bytes(shape->group_outputs, block.depth, bits));
        block.bias += shape->group_outputs;
        block.multiplier += shape->group_outputs;
        block.shift += shape->group_outputs;
    }
}

/* scratch: patches * kernel_height * kernel_width * group_inputs bytes. */
#define SMIDGEN_CONV(name, variant, bits)                                                          \
    static inline void name(const struct smidgen_conv_shape *shape, const int8_t *x,               \
                            const void *weights, const int32_t *bias, const uint32_t *multiplier,  \
                            const int8_t *shift, int8_t *y, void *scratch) {                       \
        smidgen_conv_body(shape, x, weights, bias, multiplier, shift, y, scratch, variant, bits);  \
    }

SMIDGEN_CONV(smidgen_conv_clamped, SMIDGEN_CLAMPED, 8)
SMIDGEN_CONV(smidgen_conv_right, SMIDGEN_RIGHT, 8)
SMIDGEN_CONV(smidgen_conv_wide, SMIDGEN_WIDE, 8)
SMIDGEN_CONV(smidgen_conv_i4_right, SMIDGEN_RIGHT, 4)
SMIDGEN_CONV(smidgen_conv_i4_wide, SMIDGEN_WIDE, 4)
SMIDGEN_CONV(smidgen_conv_i2_right, SMIDGEN_RIGHT, 2)
SMIDGEN_CONV(smidgen_conv_i2_wide, SMIDGEN_WIDE, 2)

#endif
