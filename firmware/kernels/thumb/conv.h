/* Convolutions for plain Thumb, int8, NHWC. */
#ifndef SMIDGEN_KERNELS_THUMB_CONV_H
#define SMIDGEN_KERNELS_THUMB_CONV_H

#include "../portable/conv.h"
#include "product.h"

typedef void smidgen_thumb_pairs_function(const struct smidgen_thumb_block *block,
                                          const uint32_t *x, const uint32_t *less, int32_t pairs,
                                          int8_t *out);
typedef void smidgen_thumb_vector_function(const struct smidgen_thumb_block *block,
                                           const uint32_t *x, const uint32_t *less, int8_t *out);

/* As smidgen_conv, up to 4 patches at a time, with weights in the blocks of product.h. */
SMIDGEN_INLINE void smidgen_thumb_conv_body(const struct smidgen_conv_shape *shape, const int8_t *x,
                                            const int8_t *weights, const void *parameters,
                                            int8_t *y, uint32_t *scratch,
                                            smidgen_thumb_pairs_function *multiply_2,
                                            smidgen_thumb_vector_function *multiply_1) {
    const ptrdiff_t image_bytes =
        (ptrdiff_t)shape->input_height * shape->input_width * shape->input_channels;
    const int is_pointwise = shape->kernel_height == 1 && shape->kernel_width == 1;
    struct smidgen_thumb_block block = {
        (const uint8_t *)weights,
        parameters,
        shape->kernel_height * shape->kernel_width * shape->group_inputs,
        shape->group_outputs,
        shape->output_channels,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    int8_t *const bytes = (int8_t *)(scratch + shape->patches * block.depth);
    for (int32_t group = 0; group < shape->groups; group++) {
        const int8_t *image = x + group * shape->group_inputs;
        int8_t *out = y + group * shape->group_outputs;
        int32_t row = 0, column = 0;
        for (int32_t pixels = shape->batches * shape->output_height * shape->output_width;
             pixels > 0;) {
            const int32_t left = pixels > 1 ? pixels & ~1 : 1;
            const int32_t patches = left < shape->patches ? left : shape->patches;
            const int32_t together = patches > 1 ? 2 : 1;
            uint32_t less[SMIDGEN_THUMB_ROW];
            for (int32_t patch = 0; patch < patches; patch++) {
                const int32_t top = row * shape->stride_height - shape->pad_top;
                const int32_t start = column * shape->stride_width - shape->pad_left;
                const int8_t *from = bytes;
                if (is_pointwise && top >= 0 && top < shape->input_height && start >= 0 &&
                    start < shape->input_width)
                    from = image +
                           (ptrdiff_t)(top * shape->input_width + start) * shape->input_channels;
                else
                    smidgen_conv_patch(shape, image, top, start, bytes, 1);
                less[patch] = smidgen_thumb_widen(from, block.depth,
                                                  scratch + patch / 2 * 2 * block.depth + patch % 2,
                                                  together, 0)
                              << 7;
                if (++column == shape->output_width) {
                    column = 0;
                    if (++row == shape->output_height) {
                        row = 0;
                        image += image_bytes;
                    }
                }
            }
            if (patches > 1)
                multiply_2(&block, scratch, less, patches / 2, out);
            else
                multiply_1(&block, scratch, less, out);
            out += (ptrdiff_t)patches * shape->output_channels;
            pixels -= patches;
        }
        const ptrdiff_t blocks = (shape->group_outputs + 3) / 4;
        block.weights += blocks * 4 * block.depth;
        block.parameters += blocks;
    }
}

/* scratch: 4 bytes for each input of a window and patch, one more for each input of a window. */
#define SMIDGEN_THUMB_CONV(suffix, variant)                                                        \
    static inline void smidgen_thumb_conv##suffix(                                                 \
        const struct smidgen_conv_shape *shape, const int8_t *x, const int8_t *weights,            \
        const void *parameters, int8_t *y, void *scratch) {                                        \
        smidgen_thumb_conv_body(shape, x, weights, parameters, y, scratch,                         \
                                smidgen_thumb_block_2##suffix, smidgen_thumb_block_1##suffix);     \
    }

SMIDGEN_THUMB_FOR_ALL(SMIDGEN_THUMB_CONV)

#endif
