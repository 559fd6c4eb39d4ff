/* Convolutions on Xmidge, NHWC, int8 activations, weights of 8, 4 or 2 bits. */
#ifndef SMIDGEN_KERNELS_MIDGE_CONV_H
#define SMIDGEN_KERNELS_MIDGE_CONV_H

#include "product.h"

/* No padding, no groups, columns without dilation: windows are read in the image itself,
 * kernel_rows rows row_step bytes apart. In each image `lines` lines of `pixels` windows, line_step
 * and, in a line, pixel_step bytes apart; where all windows of all images lie evenly they are one
 * line. */
struct smidgen_midge_conv_unpadded_shape {
    int32_t images, image_step, lines, line_step, pixels, pixel_step, outputs;
    int32_t kernel_rows, row_step, width, words, steps, shared;
    int32_t output_zero_point, activation_min, activation_max;
};

SMIDGEN_INLINE void
smidgen_midge_conv_unpadded_body(const struct smidgen_midge_conv_unpadded_shape *shape,
                                 const int8_t *x, const uint32_t *weights, const uint16_t *groups,
                                 const uint32_t *parameters, int8_t *y, const int32_t group_steps,
                                 const int is_small) {
    struct smidgen_midge_product product = {
        .weights = weights,
        .parameters = parameters,
        .groups = groups,
        .width = shape->width,
        .words = shape->words,
        .shared = shape->shared,
        .channels = shape->outputs,
        .rows = shape->kernel_rows,
        .steps = shape->steps,
        .row_step = shape->row_step,
        .ring_end = (const int8_t *)UINTPTR_MAX,
        .pixel_step = shape->pixel_step,
        .output_step = shape->outputs,
        .output = {shape->output_zero_point, shape->activation_min, shape->activation_max},
    };
    if (is_small)
        smidgen_midge_prepare_body(&product);
    else
        smidgen_midge_prepare(&product);
    for (int32_t image = 0; image < shape->images; image++, x += shape->image_step) {
        for (int32_t line = 0; line < shape->lines; line++) {
            smidgen_midge_multiply(&product, x + (ptrdiff_t)line * shape->line_step, y,
                                   shape->pixels, group_steps, is_small);
            y += (ptrdiff_t)shape->pixels * shape->outputs;
        }
    }
}

static inline void
smidgen_midge_conv_unpadded(const struct smidgen_midge_conv_unpadded_shape *shape, const int8_t *x,
                            const uint32_t *weights, const uint32_t *parameters, int8_t *y) {
    smidgen_midge_conv_unpadded_body(shape, x, weights, NULL, parameters, y, SMIDGEN_MIDGE_DENSE,
                                     0);
}

static inline void
smidgen_midge_conv_unpadded_small(const struct smidgen_midge_conv_unpadded_shape *shape,
                                  const int8_t *x, const uint32_t *weights,
                                  const uint32_t *parameters, int8_t *y) {
    smidgen_midge_conv_unpadded_body(shape, x, weights, NULL, parameters, y, SMIDGEN_MIDGE_DENSE,
                                     1);
}

/* Any kernel. Input rows are copied into a ring of ring_rows rows, row_bytes each, with zero points
 * where rows and columns lie outside the image: the image's columns begin at data_offset, the first
 * window at window_offset, and windows lie window_step bytes apart.
 *
 * smidgen_midge_conv_ring reads windows in the ring, as kernel_rows rows.
 * smidgen_midge_conv_patches gathers them first, `patches` at a time and patch_bytes from one to
 * the next, each as one row: from every kernel row `pieces` of piece_bytes, which lie piece_step
 * bytes apart in the ring.
 *
 * Each group has group_inputs inputs, group_outputs outputs, and its own weights and parameters. */
struct smidgen_midge_conv_shape {
    int32_t images, input_height, input_row_bytes, output_height, output_width, outputs;
    int32_t groups, group_inputs, group_outputs, group_weights, group_parameters;
    int32_t kernel_rows, dilation_height, stride_height, pad_top;
    int32_t ring_rows, row_bytes, data_offset, window_offset, window_step;
    int32_t patches, patch_bytes, pieces, piece_step, piece_bytes;
    int32_t width, words, steps, shared;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

typedef uint32_t __attribute__((may_alias)) smidgen_midge_word;

SMIDGEN_SHARED void smidgen_midge_fill(int8_t *target, uint32_t value, int32_t bytes) {
    smidgen_midge_word *word = (smidgen_midge_word *)target;
    for (; SMIDGEN_UNROLL && bytes >= 16; bytes -= 16, word += 4)
        word[0] = value, word[1] = value, word[2] = value, word[3] = value;
    SMIDGEN_KEEP_LOOP
    for (; bytes > 0; bytes -= 4)
        *word++ = value;
}

/* Words where both ends lie on word boundaries, bytes elsewhere and at the end. */
SMIDGEN_INLINE void smidgen_midge_copy(int8_t *target, const int8_t *source, int32_t bytes) {
    if ((((uintptr_t)target | (uintptr_t)source) & 3u) == 0) {
        smidgen_midge_word *to = (smidgen_midge_word *)target;
        const smidgen_midge_word *from = (const smidgen_midge_word *)source;
        for (; SMIDGEN_UNROLL && bytes >= 32; bytes -= 32, to += 8, from += 8) {
            const uint32_t w0 = from[0], w1 = from[1], w2 = from[2], w3 = from[3];
            const uint32_t w4 = from[4], w5 = from[5], w6 = from[6], w7 = from[7];
            to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w3;
            to[4] = w4, to[5] = w5, to[6] = w6, to[7] = w7;
        }
        SMIDGEN_KEEP_LOOP
        for (; bytes >= 4; bytes -= 4)
            *to++ = *from++;
        target = (int8_t *)to;
        source = (const int8_t *)from;
    }
    for (; SMIDGEN_UNROLL && bytes >= 4; bytes -= 4, target += 4, source += 4) {
        const int8_t b0 = source[0], b1 = source[1], b2 = source[2], b3 = source[3];
        target[0] = b0, target[1] = b1, target[2] = b2, target[3] = b3;
    }
    SMIDGEN_KEEP_LOOP
    for (; bytes > 0; bytes--)
        *target++ = *source++;
}

/* Row y of the image, perhaps outside it, into the ring. */
SMIDGEN_SHARED void smidgen_midge_conv_row(const struct smidgen_midge_conv_shape *shape,
                                           const int8_t *image, int32_t y, int8_t *row) {
    if (y >= 0 && y < shape->input_height)
        smidgen_midge_copy(row + shape->data_offset, image + (ptrdiff_t)y * shape->input_row_bytes,
                           shape->input_row_bytes);
    else
        smidgen_midge_fill(row, (uint8_t)shape->input_zero_point * 0x01010101u, shape->row_bytes);
}

/* `bytes` bytes, at least 1: by words where they are whole words from a word on, whose source may
 * lie anywhere between words. */
SMIDGEN_INLINE void smidgen_midge_conv_piece(int8_t *target, const int8_t *source, int32_t bytes) {
    const uint32_t shift = 8 * (uint32_t)((uintptr_t)source & 3u);
    smidgen_midge_word *to = (smidgen_midge_word *)target;
    const smidgen_midge_word *from = (const smidgen_midge_word *)(source - shift / 8);
    if ((bytes & 3) != 0) {
        SMIDGEN_KEEP_LOOP
        for (; bytes > 0; bytes--)
            *target++ = *source++;
    } else if (shift == 0) {
        SMIDGEN_KEEP_LOOP
        for (; bytes > 0; bytes -= 4)
            *to++ = *from++;
    } else {
        uint32_t low = *from++;
        SMIDGEN_KEEP_LOOP
        for (; bytes > 0; bytes -= 4) {
            const uint32_t high = *from++;
            *to++ = low >> shift | high << (32 - shift);
            low = high;
        }
    }
}

/* The window at `window` in the ring that ends at ring_end. */
SMIDGEN_SHARED void smidgen_midge_conv_gather(const struct smidgen_midge_conv_shape *shape,
                                              const int8_t *window, const int8_t *ring_end,
                                              int8_t *patch) {
    const ptrdiff_t row_step = (ptrdiff_t)shape->dilation_height * shape->row_bytes;
    const ptrdiff_t ring_bytes = (ptrdiff_t)shape->ring_rows * shape->row_bytes;
    const ptrdiff_t piece_step = shape->piece_step;
    const int32_t pieces = shape->pieces, piece_bytes = shape->piece_bytes;
    for (int32_t rows = shape->kernel_rows; rows > 0; rows--) {
        const int8_t *piece = window;
        SMIDGEN_KEEP_LOOP
        for (int32_t left = pieces; left > 0; left--) {
            smidgen_midge_conv_piece(patch, piece, piece_bytes);
            patch += piece_bytes;
            piece += piece_step;
        }
        window += row_step;
        if (window >= ring_end)
            window -= ring_bytes;
    }
}

/* One group of one image. scratch: the ring, then the patches. */
SMIDGEN_INLINE void smidgen_midge_conv_image(const struct smidgen_midge_conv_shape *shape,
                                             const struct smidgen_midge_product *product,
                                             const int8_t *image, int32_t first_input, int8_t *y,
                                             int8_t *scratch, const int32_t group_steps,
                                             const int gather) {
    const int8_t *const ring_end = product->ring_end;
    int8_t *const patches = scratch + product->ring_bytes;
    int8_t *next = scratch;         /* ring row of input row next_y */
    const int8_t *window = scratch; /* ring row where the windows begin */
    int32_t next_y = -shape->pad_top, gathered = 0;
    for (int32_t row = 0; row < shape->output_height; row++) {
        const int32_t end_y = row * shape->stride_height - shape->pad_top + shape->ring_rows;
        for (; next_y < end_y; next_y++) {
            smidgen_midge_conv_row(shape, image, next_y, next);
            next += shape->row_bytes;
            if (next == ring_end)
                next = scratch;
        }
        const int8_t *place = window + shape->window_offset + first_input;
        if (!gather) {
            smidgen_midge_multiply(product, place, y, shape->output_width, group_steps, 0);
            y += (ptrdiff_t)shape->output_width * shape->outputs;
        }
        for (int32_t column = 0; gather && column < shape->output_width; column++) {
            smidgen_midge_conv_gather(shape, place, ring_end,
                                      patches + (ptrdiff_t)gathered * shape->patch_bytes);
            place += shape->window_step;
            if (++gathered == shape->patches) {
                smidgen_midge_multiply(product, patches, y, gathered, group_steps, 0);
                y += (ptrdiff_t)gathered * shape->outputs;
                gathered = 0;
            }
        }
        window += (ptrdiff_t)shape->stride_height * shape->row_bytes;
        while (window >= ring_end)
            window -= product->ring_bytes;
    }
    if (gather)
        smidgen_midge_multiply(product, patches, y, gathered, group_steps, 0);
}

SMIDGEN_INLINE void smidgen_midge_conv_body(const struct smidgen_midge_conv_shape *shape,
                                            const int8_t *x, const uint32_t *weights,
                                            const uint16_t *groups, const uint32_t *parameters,
                                            int8_t *y, void *scratch, const int32_t group_steps,
                                            const int gather) {
    const ptrdiff_t output_bytes =
        (ptrdiff_t)shape->output_height * shape->output_width * shape->outputs;
    const int32_t ring_bytes = shape->ring_rows * shape->row_bytes;
    for (int32_t group = 0; group < shape->groups; group++) {
        struct smidgen_midge_product product = {
            .weights = weights + (ptrdiff_t)group * shape->group_weights,
            .parameters = parameters + (ptrdiff_t)group * shape->group_parameters,
            .groups = groups,
            .width = shape->width,
            .words = shape->words,
            .shared = shape->shared,
            .channels = shape->group_outputs,
            .rows = gather ? 1 : shape->kernel_rows,
            .steps = shape->steps,
            .row_step = shape->dilation_height * shape->row_bytes,
            .ring_bytes = ring_bytes,
            .ring_end = (const int8_t *)scratch + ring_bytes,
            .pixel_step = gather ? shape->patch_bytes : shape->window_step,
            .output_step = shape->outputs,
            .output = {shape->output_zero_point, shape->activation_min, shape->activation_max},
        };
        smidgen_midge_prepare(&product);
        smidgen_midge_fill(scratch, (uint8_t)shape->input_zero_point * 0x01010101u, ring_bytes);
        for (int32_t number = 0; number < shape->images; number++)
            smidgen_midge_conv_image(
                shape, &product,
                x + (ptrdiff_t)number * shape->input_height * shape->input_row_bytes,
                group * shape->group_inputs,
                y + number * output_bytes + (ptrdiff_t)group * shape->group_outputs, scratch,
                group_steps, gather);
    }
}

static inline void smidgen_midge_conv_ring(const struct smidgen_midge_conv_shape *shape,
                                           const int8_t *x, const uint32_t *weights,
                                           const uint32_t *parameters, int8_t *y, void *scratch) {
    smidgen_midge_conv_body(shape, x, weights, NULL, parameters, y, scratch, SMIDGEN_MIDGE_DENSE,
                            0);
}

static inline void smidgen_midge_conv_patches(const struct smidgen_midge_conv_shape *shape,
                                              const int8_t *x, const uint32_t *weights,
                                              const uint32_t *parameters, int8_t *y,
                                              void *scratch) {
    smidgen_midge_conv_body(shape, x, weights, NULL, parameters, y, scratch, SMIDGEN_MIDGE_DENSE,
                            1);
}

#define SMIDGEN_MIDGE_CONV_SPARSE(bits)                                                            \
    static inline void smidgen_midge_conv_unpadded_sparse_i##bits(                                 \
        const struct smidgen_midge_conv_unpadded_shape *shape, const int8_t *x,                    \
        const uint32_t *weights, const uint16_t *groups, const uint32_t *parameters, int8_t *y) {  \
        smidgen_midge_conv_unpadded_body(shape, x, weights, groups, parameters, y,                 \
                                         SMIDGEN_MIDGE_I##bits, 0);                                \
    }                                                                                              \
    static inline void smidgen_midge_conv_ring_sparse_i##bits(                                     \
        const struct smidgen_midge_conv_shape *shape, const int8_t *x, const uint32_t *weights,    \
        const uint16_t *groups, const uint32_t *parameters, int8_t *y, void *scratch) {            \
        smidgen_midge_conv_body(shape, x, weights, groups, parameters, y, scratch,                 \
                                SMIDGEN_MIDGE_I##bits, 0);                                         \
    }

SMIDGEN_MIDGE_CONV_SPARSE(8)
SMIDGEN_MIDGE_CONV_SPARSE(4)
SMIDGEN_MIDGE_CONV_SPARSE(2)

#endif
