/* Windows of images, copied to where products want them. */
#ifndef SMIDGEN_KERNELS_MVE_PATCHES_H
#define SMIDGEN_KERNELS_MVE_PATCHES_H

#include "product.h"

/* y (batches, output_height, output_width, output_channels) from x (batches, input_height,
 * input_width, input_channels). The input's zero point is part of the bias. whole_vectors: whether
 * every tap of a window is a multiple of 16 bytes, or the only one. */
struct smidgen_mve_conv_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t groups, group_inputs, group_outputs, kernel_height, kernel_width;
    int32_t stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_left;
    int32_t whole_vectors;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* The output position whose window comes next. image: where its group's inputs begin. */
struct smidgen_mve_position {
    const int8_t *image;
    int32_t row, column;
};

SMIDGEN_INLINE void smidgen_mve_next(const struct smidgen_mve_conv_shape *shape,
                                     struct smidgen_mve_position *at) {
    if (++at->column < shape->output_width)
        return;
    at->column = 0;
    if (++at->row < shape->output_height)
        return;
    at->row = 0;
    at->image += (ptrdiff_t)shape->input_height * shape->input_width * shape->input_channels;
}

/* Copies the window of one group of channels, in pieces of 16 bytes that lie `step` bytes apart.
 * Where that is not 16, whole_vectors must hold. */
SMIDGEN_INLINE void smidgen_mve_window(const struct smidgen_mve_conv_shape *shape,
                                       const struct smidgen_mve_position *at, int8_t *to,
                                       const int step) {
    const int32_t height = shape->input_height, width = shape->input_width;
    const int32_t taps = shape->kernel_width, zero = shape->input_zero_point;
    const int32_t tap_bytes = shape->group_inputs, spread = step / SMIDGEN_MVE_LANES;
    /* Taps that lie side by side are copied at once. */
    const int joined = shape->groups == 1 && shape->dilation_width == 1;
    const int32_t run = joined ? taps : 1;
    const int32_t first = at->column * shape->stride_width - shape->pad_left;
    int32_t row = at->row * shape->stride_height - shape->pad_top;
    for (int32_t i = 0; i < shape->kernel_height; i++, row += shape->dilation_height) {
        const int8_t *const line = at->image + (ptrdiff_t)row * width * shape->input_channels;
        int32_t column = first;
        for (int32_t j = 0; j < taps; j += run, column += shape->dilation_width) {
            int32_t begin = run, end = run; /* of the taps that lie in the image */
            if (row >= 0 && row < height) {
                begin = smidgen_clamp(-column, 0, run);
                end = smidgen_clamp(width - column, begin, run);
            }
            if (begin > 0)
                smidgen_mve_fill(to, zero, begin * tap_bytes, step);
            to += begin * tap_bytes * spread;
            if (end > begin)
                smidgen_mve_copy(to, line + (ptrdiff_t)(column + begin) * shape->input_channels,
                                 (end - begin) * tap_bytes, step);
            to += (end - begin) * tap_bytes * spread;
            if (end < run)
                smidgen_mve_fill(to, zero, (run - end) * tap_bytes, step);
            to += (run - end) * tap_bytes * spread;
        }
    }
}

#endif
