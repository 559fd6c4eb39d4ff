/* Convolutions, int8, weights of 8, 4 or 2 bits: 4 windows at a time are copied to scratch and
 * multiplied with all channels. */
#ifndef SMIDGEN_KERNELS_MVE_CONV_H
#define SMIDGEN_KERNELS_MVE_CONV_H

#include "depthwise.h"
#include "depthwise_lanes.h"
#include "patches.h"
#include "vector.h"

/* One of 4 interleaved windows. scratch: after the windows. */
SMIDGEN_INLINE void smidgen_mve_patch(const struct smidgen_mve_conv_shape *shape,
                                      const struct smidgen_mve_position *position, int32_t depth,
                                      int8_t *patch, int8_t *scratch) {
    const int8_t *inside = NULL;
    if (shape->offset_bytes)
        inside = smidgen_mve_inside(shape, position);
    if (inside != NULL) {
        smidgen_mve_gather_window(inside, (const uint16_t *)(const void *)scratch, depth, patch);
    } else if (shape->whole_vectors) {
        smidgen_mve_window(shape, position, patch, 64);
    } else {
        scratch += shape->offset_bytes;
        smidgen_mve_window(shape, position, scratch, 16);
        smidgen_mve_copy(patch, scratch, depth, 64);
    }
}

/* scratch: 4 interleaved windows, offsets, and one more window unless whole_vectors. */
SMIDGEN_INLINE void smidgen_mve_conv_body(const struct smidgen_mve_conv_shape *shape,
                                          const int8_t *x, const int8_t *weights,
                                          const int32_t *bias, const int32_t *multiplier,
                                          const int8_t *shift, int8_t *y, int8_t *scratch,
                                          const int bits, smidgen_mve_product_function product_4,
                                          smidgen_mve_product_function product_1) {
    const int32_t depth = shape->kernel_height * shape->kernel_width * shape->group_inputs;
    const int32_t patch_bytes =
        SMIDGEN_MVE_PATCHES * SMIDGEN_MVE_LANES * smidgen_mve_vectors(depth);
    const int32_t group_rows = (shape->group_outputs * bits + 7) / 8;
    struct smidgen_mve_position position = {x, 0, 0}, begin;
    struct smidgen_mve_product product = {
        weights,
        bias,
        multiplier,
        shift,
        depth,
        shape->group_outputs,
        shape->output_channels,
        {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    int32_t pixels = shape->batches * shape->output_height * shape->output_width;
    int32_t patches = pixels >= SMIDGEN_MVE_PATCHES ? SMIDGEN_MVE_PATCHES : 1;
    if (patches > 1)
        smidgen_mve_fill(scratch, 0, patch_bytes, 16); /* the ends of windows stay zero */
    if (patches > 1 && shape->offset_bytes)
        smidgen_mve_find_offsets(shape, (uint16_t *)(void *)(scratch + patch_bytes));
    for (; pixels > 0; pixels -= patches, y += patches * shape->output_channels) {
        patches = pixels >= SMIDGEN_MVE_PATCHES ? SMIDGEN_MVE_PATCHES : 1;
        begin = position;
        for (int32_t group = 0; group < shape->groups; group++) {
            const ptrdiff_t channel = (ptrdiff_t)group * shape->group_outputs;
            product.weights = weights + (ptrdiff_t)group * group_rows * depth;
            product.bias = bias + channel;
            product.multiplier = multiplier + channel;
            product.shift = shift + channel;
            position = begin;
            position.image += (ptrdiff_t)group * shape->group_inputs;
            if (patches == 1) {
                if (shape->pointwise)
                    smidgen_mve_copy(scratch, position.image, depth, 16);
                else
                    smidgen_mve_window(shape, &position, scratch, 16);
                product_1(&product, scratch, y + channel);
                continue;
            }
            if (shape->pointwise) {
                for (int32_t i = 0; i < SMIDGEN_MVE_PATCHES; i++, position.image += depth)
                    smidgen_mve_copy(scratch + SMIDGEN_MVE_LANES * i, position.image, depth, 64);
                product_4(&product, scratch, y);
                continue;
            }
            for (int32_t i = 0; i < SMIDGEN_MVE_PATCHES; i++) {
                smidgen_mve_patch(shape, &position, depth, scratch + SMIDGEN_MVE_LANES * i,
                                  scratch + patch_bytes);
                smidgen_mve_next(shape, &position);
            }
            position.image -= (ptrdiff_t)group * shape->group_inputs;
            product_4(&product, scratch, y + channel);
        }
        if (patches == 1) {
            position = begin;
            if (shape->pointwise)
                position.image += depth;
            else
                smidgen_mve_next(shape, &position);
        }
    }
}

#define SMIDGEN_MVE_CONV(variant, value, width, bits)                                              \
    static inline void smidgen_mve_conv_##width##variant(                                          \
        const struct smidgen_mve_conv_shape *shape, const int8_t *x, const int8_t *weights,        \
        const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int8_t *y,            \
        void *scratch) {                                                                           \
        smidgen_mve_conv_body(shape, x, weights, bias, multiplier, shift, y, scratch, bits,        \
                              smidgen_mve_product_4_##width##variant,                              \
                              smidgen_mve_product_1_##width##variant);                             \
    }

SMIDGEN_MVE_VARIANTS(SMIDGEN_MVE_CONV)

#endif
