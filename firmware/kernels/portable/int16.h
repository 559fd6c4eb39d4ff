/* Layers with int16 activations, whose zero point is 0, and int8 weights: sums of 64 bits, and a
 * multiplier of 15. TensorFlow Lite's 16x8 scheme. */
#ifndef SMIDGEN_KERNELS_INT16_H
#define SMIDGEN_KERNELS_INT16_H

#include "block.h"
#include "conv.h"

/* Products of int16 and int8 that can be added up in 32 bits. */
#define SMIDGEN_INT16_DEPTHS 256

/* A matrix product. weights: in the blocks of block.h. multiplier: 15 bits; shift: to the right, at
 * least 1. pixel_stride: elements from one patch's outputs to the next's. */
struct smidgen_block_int16 {
    const int8_t *weights;
    const int64_t *bias;
    const int16_t *multiplier;
    const int8_t *shift;
    int32_t depth, channels, pixel_stride, activation_min, activation_max;
};

SMIDGEN_INLINE int16_t smidgen_finish_int16(int64_t sum, int32_t multiplier, int32_t shift,
                                            int32_t min, int32_t max) {
    const uint64_t half = (uint64_t)1 << (shift - 1);
    const int64_t scaled = (int64_t)((uint64_t)sum * (uint64_t)multiplier + half);
    return (int16_t)smidgen_clamp((int32_t)(scaled >> shift), min, max);
}

/* Requantizes the sums of so many channels with so many patches, [channel][patch of 4]. */
SMIDGEN_SHARED void smidgen_store_int16(const struct smidgen_block_int16 *block,
                                        const int64_t *sums, int32_t first, int32_t channels,
                                        int32_t patches, int16_t *out) {
    for (int32_t channel = 0; channel < channels; channel++)
        for (int32_t patch = 0; patch < patches; patch++)
            out[(ptrdiff_t)patch * block->pixel_stride + channel] = smidgen_finish_int16(
                sums[4 * channel + patch], block->multiplier[first + channel],
                block->shift[first + channel], block->activation_min, block->activation_max);
}

SMIDGEN_INLINE int32_t smidgen_depths_int16(int32_t left) {
    return left < SMIDGEN_INT16_DEPTHS ? left : SMIDGEN_INT16_DEPTHS;
}

/* All channels of 4 interleaved patches. */
SMIDGEN_SHARED void smidgen_block_4_int16(const struct smidgen_block_int16 *block,
                                          const int16_t *patches, int16_t *out) {
    const int8_t *w = block->weights;
    int32_t channel = 0;
    for (; channel + 4 <= block->channels; channel += 4) {
        int64_t sums[16];
        for (int32_t i = 0; i < 16; i++)
            sums[i] = block->bias[channel + i / 4];
        const int16_t *x = patches;
        for (int32_t left = block->depth; left > 0; left -= SMIDGEN_INT16_DEPTHS) {
            const int16_t *const end = x + SMIDGEN_PATCHES * smidgen_depths_int16(left);
            uint32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
            uint32_t c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
            for (; x != end; x += 4, w += 4)
                SMIDGEN_STEP_4X4(0);
            const uint32_t parts[16] = {a0, a1, a2, a3, b0, b1, b2, b3,
                                        c0, c1, c2, c3, d0, d1, d2, d3};
            for (int32_t i = 0; i < 16; i++)
                sums[i] += (int32_t)parts[i];
        }
        smidgen_store_int16(block, sums, channel, 4, SMIDGEN_PATCHES, out + channel);
    }
    for (; channel < block->channels; channel++) {
        const int64_t bias = block->bias[channel];
        int64_t sums[4] = {bias, bias, bias, bias};
        for (int32_t k = 0; k < block->depth; k++)
            for (int32_t patch = 0; patch < SMIDGEN_PATCHES; patch++)
                sums[patch] += patches[SMIDGEN_PATCHES * k + patch] * w[k];
        w += block->depth;
        smidgen_store_int16(block, sums, channel, 1, SMIDGEN_PATCHES, out + channel);
    }
}

/* All channels of one vector. */
SMIDGEN_SHARED void smidgen_block_1_int16(const struct smidgen_block_int16 *block,
                                          const int16_t *vector, int16_t *out) {
    const int8_t *w = block->weights;
    int32_t channel = 0;
    for (; channel + 4 <= block->channels; channel += 4) {
        int64_t sums[16];
        for (int32_t i = 0; i < 4; i++)
            sums[4 * i] = block->bias[channel + i];
        const int16_t *x = vector;
        for (int32_t left = block->depth; left > 0; left -= SMIDGEN_INT16_DEPTHS) {
            const int16_t *const end = x + smidgen_depths_int16(left);
            uint32_t a = 0, b = 0, c = 0, d = 0;
            for (; x != end; x++, w += 4)
                SMIDGEN_STEP_4X1(0);
            sums[0] += (int32_t)a;
            sums[4] += (int32_t)b;
            sums[8] += (int32_t)c;
            sums[12] += (int32_t)d;
        }
        smidgen_store_int16(block, sums, channel, 4, 1, out + channel);
    }
    for (; channel < block->channels; channel++) {
        int64_t sums[4] = {block->bias[channel]};
        for (int32_t k = 0; k < block->depth; k++)
            sums[0] += vector[k] * w[k];
        w += block->depth;
        smidgen_store_int16(block, sums, channel, 1, 1, out + channel);
    }
}

/* Convolutions. As smidgen_conv_patch. */
SMIDGEN_SHARED void smidgen_conv_patch_int16(const struct smidgen_conv_shape *shape,
                                             const int16_t *image, int32_t y, int32_t x,
                                             int16_t *target, ptrdiff_t step) {
    const ptrdiff_t row_elements = (ptrdiff_t)shape->input_width * shape->input_channels;
    for (int32_t i = 0; i < shape->kernel_height; i++, y += shape->dilation_height) {
        int32_t at = x;
        for (int32_t j = 0; j < shape->kernel_width; j++, at += shape->dilation_width) {
            const int inside =
                y >= 0 && y < shape->input_height && at >= 0 && at < shape->input_width;
            const int16_t *source =
                inside ? image + y * row_elements + (ptrdiff_t)at * shape->input_channels : image;
            for (int32_t k = 0; k < shape->group_inputs; k++, target += step)
                *target = inside ? source[k] : 0;
        }
    }
}

/* scratch: patches * kernel_height * kernel_width * group_inputs elements. */
static inline void smidgen_conv_int16(const struct smidgen_conv_shape *shape, const int16_t *x,
                                      const int8_t *weights, const int64_t *bias,
                                      const int16_t *multiplier, const int8_t *shift, int16_t *y,
                                      void *scratch) {
    const int32_t outputs = shape->group_outputs;
    struct smidgen_block_int16 block = {
        weights,
        bias,
        multiplier,
        shift,
        shape->kernel_height * shape->kernel_width * shape->group_inputs,
        outputs,
        shape->output_channels,
        shape->activation_min,
        shape->activation_max,
    };
    int16_t *const patch_elements = scratch;
    for (int32_t group = 0; group < shape->groups; group++) {
        const int16_t *image = x + group * shape->group_inputs;
        int16_t *out = y + group * outputs;
        int32_t pixels = shape->batches * shape->output_height * shape->output_width;
        int32_t row = 0, column = 0;
        while (pixels > 0) {
            const int32_t patches = pixels < shape->patches ? 1 : shape->patches;
            for (int32_t patch = 0; patch < patches; patch++) {
                smidgen_conv_patch_int16(shape, image, row * shape->stride_height - shape->pad_top,
                                         column * shape->stride_width - shape->pad_left,
                                         patch_elements + patch, patches);
                if (++column == shape->output_width) {
                    column = 0;
                    if (++row == shape->output_height) {
                        row = 0;
                        image += (ptrdiff_t)shape->input_height * shape->input_width *
                                 shape->input_channels;
                    }
                }
            }
            if (patches == SMIDGEN_PATCHES)
                smidgen_block_4_int16(&block, patch_elements, out);
            else
                smidgen_block_1_int16(&block, patch_elements, out);
            out += (ptrdiff_t)patches * shape->output_channels;
            pixels -= patches;
        }
        block.weights += (ptrdiff_t)outputs * block.depth;
        block.bias += outputs;
        block.multiplier += outputs;
        block.shift += outputs;
    }
}

/* y (rows, outputs) from x (rows, depth). */
struct smidgen_fully_connected_int16_shape {
    int32_t rows, depth, outputs, activation_min, activation_max;
};

static inline void
smidgen_fully_connected_int16(const struct smidgen_fully_connected_int16_shape *shape,
                              const int16_t *x, const int8_t *weights, const int64_t *bias,
                              const int16_t *multiplier, const int8_t *shift, int16_t *y) {
    const struct smidgen_block_int16 block = {
        weights,
        bias,
        multiplier,
        shift,
        shape->depth,
        shape->outputs,
        shape->outputs,
        shape->activation_min,
        shape->activation_max,
    };
    for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->outputs)
        smidgen_block_1_int16(&block, x, y);
}

/* Weights [kernel_height][kernel_width][output channels]; output channel c * channel_multiplier + m
 * is of input channel c. kernel_width is at most SMIDGEN_INT16_DEPTHS. */
struct smidgen_depthwise_int16_shape {
    int32_t batches, input_height, input_width, input_channels, channel_multiplier;
    int32_t output_height, output_width, kernel_height, kernel_width;
    int32_t stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_left;
    int32_t activation_min, activation_max;
};

SMIDGEN_INLINE int64_t
smidgen_depthwise_sum_int16(const struct smidgen_depthwise_int16_shape *shape, const int16_t *image,
                            int32_t top, int32_t left, const int8_t *weights, int32_t channels) {
    int64_t sum = 0;
    for (int32_t i = 0, y = top; i < shape->kernel_height; i++, y += shape->dilation_height) {
        int32_t part = 0;
        if (y < 0 || y >= shape->input_height)
            continue;
        for (int32_t j = 0, x = left; j < shape->kernel_width; j++, x += shape->dilation_width)
            if (x >= 0 && x < shape->input_width)
                part += image[((ptrdiff_t)y * shape->input_width + x) * shape->input_channels] *
                        weights[((ptrdiff_t)i * shape->kernel_width + j) * channels];
        sum += part;
    }
    return sum;
}

static inline void smidgen_depthwise_int16(const struct smidgen_depthwise_int16_shape *shape,
                                           const int16_t *x, const int8_t *weights,
                                           const int64_t *bias, const int16_t *multiplier,
                                           const int8_t *shift, int16_t *y) {
    const int32_t channels = shape->input_channels * shape->channel_multiplier;
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t i = 0; i < shape->output_height; i++) {
            for (int32_t j = 0; j < shape->output_width; j++) {
                const int32_t top = i * shape->stride_height - shape->pad_top;
                const int32_t left = j * shape->stride_width - shape->pad_left;
                for (int32_t channel = 0; channel < channels; channel++) {
                    const int16_t *image = x + channel / shape->channel_multiplier;
                    const int64_t sum = smidgen_depthwise_sum_int16(shape, image, top, left,
                                                                    weights + channel, channels);
                    *y++ = smidgen_finish_int16(bias[channel] + sum, multiplier[channel],
                                                shift[channel], shape->activation_min,
                                                shape->activation_max);
                }
            }
        }
        x += (ptrdiff_t)shape->input_height * shape->input_width * shape->input_channels;
    }
}

#endif
