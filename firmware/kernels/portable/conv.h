/* Convolutions and depthwise convolutions, int8, NHWC. */
#ifndef SMIDGEN_KERNELS_CONV_H
#define SMIDGEN_KERNELS_CONV_H

#include "block.h"
#include "depthwise.h"

/* y (batches, output_height, output_width, output_channels) from x (batches, input_height, input_width,
 * input_channels). Every group has input_channels / groups inputs and output_channels / groups outputs,
 * and its weights in the blocks of block.h; depth runs over kernel rows, kernel columns, inputs.
 * patches: 4, or 1 to make do with a quarter of the scratch. Multiplier and shift per output channel; the
 * input's zero point is part of the bias, so padding holds the zero point. */
struct smidgen_conv_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels, groups;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t dilation_height, dilation_width, pad_top, pad_left, patches;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* Copies n bytes, or n times `fill` where source is null, to every step-th byte. Returns the next target. */
SMIDGEN_SHARED int8_t *smidgen_conv_spread(int8_t *target, ptrdiff_t step, const int8_t *source, int32_t n,
                                           int8_t fill) {
    for (; n > 0; n--) {
        *target = source ? *source++ : fill;
        target += step;
    }
    return target;
}

/* The window whose first row and column are y and x (perhaps outside the image) as one vector. image is
 * the first channel of the group; the vector's elements lie step bytes apart. */
SMIDGEN_SHARED void smidgen_conv_patch(const struct smidgen_conv_shape *shape, const int8_t *image, int32_t y,
                                       int32_t x, int8_t *target, ptrdiff_t step) {
    const int32_t channels = shape->input_channels / shape->groups;
    /* Kernel columns that lie side by side in memory are copied together. */
    const int together = shape->dilation_width == 1 && shape->groups == 1;
    const int32_t columns = together ? shape->kernel_width : 1;
    const int32_t runs = together ? 1 : shape->kernel_width;
    const int8_t fill = (int8_t)shape->input_zero_point;
    for (int32_t row = 0; row < shape->kernel_height; row++, y += shape->dilation_height) {
        const int inside = y >= 0 && y < shape->input_height;
        for (int32_t run = 0; run < runs; run++) {
            const int32_t first = x + run * shape->dilation_width;
            const int32_t left = inside ? smidgen_clamp(-first, 0, columns) : columns;
            const int32_t middle = smidgen_clamp(shape->input_width - first, left, columns) - left;
            const int8_t *source = NULL;
            if (middle > 0)
                source = image + ((ptrdiff_t)y * shape->input_width + first + left) * shape->input_channels;
            target = smidgen_conv_spread(target, step, NULL, left * channels, fill);
            target = smidgen_conv_spread(target, step, source, middle * channels, fill);
            target = smidgen_conv_spread(target, step, NULL, (columns - left - middle) * channels, fill);
        }
    }
}

SMIDGEN_INLINE void smidgen_conv_body(const struct smidgen_conv_shape *shape, const int8_t *x,
                                      const int8_t *weights, const int32_t *bias,
                                      const uint32_t *multiplier, const int8_t *shift, int8_t *y,
                                      int8_t *scratch, const int wide) {
    const int32_t channels = shape->output_channels / shape->groups;
    const int32_t inputs = shape->input_channels / shape->groups;
    const ptrdiff_t image_bytes =
        (ptrdiff_t)shape->input_height * shape->input_width * shape->input_channels;
    struct smidgen_block block = {
        weights,
        bias,
        multiplier,
        shift,
        shape->kernel_height * shape->kernel_width * inputs,
        channels,
        1,
        shape->output_channels,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    for (int32_t group = 0; group < shape->groups; group++) {
        const int8_t *image = x + group * inputs;
        int8_t *out = y + group * channels;
        int32_t pixels = shape->batches * shape->output_height * shape->output_width;
        int32_t row = 0, column = 0;
        while (pixels > 0) {
            const int32_t patches = pixels < shape->patches ? 1 : shape->patches;
            for (int32_t patch = 0; patch < patches; patch++) {
                smidgen_conv_patch(shape, image, row * shape->stride_height - shape->pad_top,
                                   column * shape->stride_width - shape->pad_left, scratch + patch, patches);
                if (++column == shape->output_width) {
                    column = 0;
                    if (++row == shape->output_height) {
                        row = 0;
                        image += image_bytes;
                    }
                }
            }
            if (patches == SMIDGEN_PATCHES) {
                if (wide)
                    smidgen_block_4x4_wide(&block, scratch, out);
                else
                    smidgen_block_4x4(&block, scratch, out);
            } else {
                if (wide)
                    smidgen_block_4x1_wide(&block, scratch, out);
                else
                    smidgen_block_4x1(&block, scratch, out);
            }
            out += patches * shape->output_channels;
            pixels -= patches;
        }
        block.weights += (ptrdiff_t)channels * block.depth;
        block.bias += channels;
        block.multiplier += channels;
        block.shift += channels;
    }
}

/* scratch: patches * kernel_height * kernel_width * input_channels / groups bytes. */
static inline void smidgen_conv(const struct smidgen_conv_shape *shape, const int8_t *x,
                                const int8_t *weights, const int32_t *bias, const uint32_t *multiplier,
                                const int8_t *shift, int8_t *y, void *scratch) {
    smidgen_conv_body(shape, x, weights, bias, multiplier, shift, y, scratch, 0);
}

/* For shifts of any sign and accumulators of any size. */
static inline void smidgen_conv_wide(const struct smidgen_conv_shape *shape, const int8_t *x,
                                     const int8_t *weights, const int32_t *bias,
                                     const uint32_t *multiplier, const int8_t *shift, int8_t *y,
                                     void *scratch) {
    smidgen_conv_body(shape, x, weights, bias, multiplier, shift, y, scratch, 1);
}

#endif
