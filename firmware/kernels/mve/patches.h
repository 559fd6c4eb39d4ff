/* Windows of images, copied to where products want them. */
#ifndef SMIDGEN_KERNELS_MVE_PATCHES_H
#define SMIDGEN_KERNELS_MVE_PATCHES_H

#include "product.h"

/* y (batches, output_height, output_width, output_channels) from x (batches, input_height,
 * input_width, input_channels). The input's zero point is part of the bias. pointwise:
 * whether windows are single pixels side by side; whole_vectors: whether every tap of a window is a
 * multiple of 16 bytes, or the only one; offset_bytes: of scratch, for where inputs lie in a
 * window, or 0. */
struct smidgen_mve_conv_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t groups, group_inputs, group_outputs, kernel_height, kernel_width;
    int32_t stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_left;
    int32_t pointwise, whole_vectors, offset_bytes;
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

/* Whether the whole window lies in the image, and its first byte. */
SMIDGEN_INLINE const int8_t *smidgen_mve_inside(const struct smidgen_mve_conv_shape *shape,
                                                const struct smidgen_mve_position *at) {
    const int32_t row = at->row * shape->stride_height - shape->pad_top;
    const int32_t column = at->column * shape->stride_width - shape->pad_left;
    if (row < 0 || column < 0 ||
        row + (shape->kernel_height - 1) * shape->dilation_height >= shape->input_height ||
        column + (shape->kernel_width - 1) * shape->dilation_width >= shape->input_width)
        return NULL;
    return at->image + ((ptrdiff_t)row * shape->input_width + column) * shape->input_channels;
}

/* Where each input of a window inside the image lies from its first byte on. */
SMIDGEN_INLINE void smidgen_mve_find_offsets(const struct smidgen_mve_conv_shape *shape,
                                             uint16_t *offsets) {
    for (int32_t i = 0; i < shape->kernel_height; i++) {
        for (int32_t j = 0; j < shape->kernel_width; j++) {
            const int32_t tap =
                (i * shape->dilation_height * shape->input_width + j * shape->dilation_width) *
                shape->input_channels;
            for (int32_t channel = 0; channel < shape->group_inputs; channel++)
                *offsets++ = (uint16_t)(tap + channel);
        }
    }
}

/* Copies a window inside the image by its offsets into pieces of 16 bytes, 64 apart. */
SMIDGEN_INLINE void smidgen_mve_gather_window(const int8_t *from, const uint16_t *offsets,
                                              int32_t depth, int8_t *to) {
    for (; depth >= 16; depth -= 16, offsets += 16, to += 64) {
        vstrbq_s16(to, vldrbq_gather_offset_s16(from, vldrhq_u16(offsets)));
        vstrbq_s16(to + 8, vldrbq_gather_offset_s16(from, vldrhq_u16(offsets + 8)));
    }
    if (depth >= 8) {
        vstrbq_s16(to, vldrbq_gather_offset_s16(from, vldrhq_u16(offsets)));
        depth -= 8;
        offsets += 8;
        to += 8;
    }
    if (depth > 0) {
        const mve_pred16_t valid = vctp16q((uint32_t)depth);
        const uint16x8_t last = vldrhq_z_u16(offsets, valid);
        vstrbq_p_s16(to, vldrbq_gather_offset_z_s16(from, last, valid), valid);
    }
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
    const int8_t *from = joined ? smidgen_mve_inside(shape, at) : NULL;
    if (from != NULL) {
        const int32_t bytes = taps * tap_bytes;
        const ptrdiff_t line = (ptrdiff_t)shape->dilation_height * width * tap_bytes;
        for (int32_t i = 0; i < shape->kernel_height; i++, from += line, to += bytes * spread)
            smidgen_mve_copy(to, from, bytes, step);
        return;
    }
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
