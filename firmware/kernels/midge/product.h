/* Products of up to 4 pixels with blocks of output channels on Xmidge: the inner loops of
 * convolutions and fully connected layers.
 *
 * Weights are words in the order in which they are used: [block of channels][row][step][channel of
 * the block], a word being one channel's weights of a step. Inputs that a row has not got have zero
 * weights, so whatever lies after a row may be read: up to 15 bytes.
 *
 * Sparse weights leave out groups of 16 inputs that are zero for a whole block. For each row of
 * each block `groups` has the number of groups there are and where they begin, in bytes; a block's
 * first row has at least one, which comes before the number of the others.
 *
 * Parameters are words: where one multiplier and shift serve all channels these two, then for each
 * 64 channels the biases and, unless shared, multipliers and shifts (4 to a word). The input's zero
 * point is part of the bias. */
#ifndef SMIDGEN_KERNELS_MIDGE_PRODUCT_H
#define SMIDGEN_KERNELS_MIDGE_PRODUCT_H

#include "../portable/common.h"
#include "xmidge.h"

/* A branch off the path that is worth keeping straight. */
#define SMIDGEN_MIDGE_RARELY(condition) __builtin_expect(condition, 0)

#define SMIDGEN_MIDGE_PIXELS 4    /* at a time */
#define SMIDGEN_MIDGE_BLOCK 16    /* channels of several pixels */
#define SMIDGEN_MIDGE_CHANNELS 64 /* whose parameters are held at a time */

/* groups: NULL for dense weights. width: 0, 1, 2 for weights of 8, 4, 2 bits; words: of inputs per
 * step; rows, steps: of a pixel's inputs, and per row; row_step: bytes from row to row, in a ring
 * of ring_bytes that ends at ring_end; pixel_step, output_step: bytes from pixel to pixel. */
struct smidgen_midge_product {
    const uint32_t *weights, *parameters;
    const uint16_t *groups;
    int32_t width, words, shared, channels, rows, steps, row_step, ring_bytes;
    const int8_t *ring_end;
    int32_t pixel_step, output_step;
    struct smidgen_output output;
};

/* Steps in a group of 16 inputs, by the kernel's name; 0 stands for dense weights. */
enum { SMIDGEN_MIDGE_DENSE = 0, SMIDGEN_MIDGE_I8 = 4, SMIDGEN_MIDGE_I4 = 2, SMIDGEN_MIDGE_I2 = 1 };

/* Where the inner loops are in their streams. */
struct smidgen_midge_stream {
    const void *weights;
    const uint16_t *groups;
};

/* `count` steps. Returns the next weights. */
SMIDGEN_INLINE const void *smidgen_midge_steps(const void *x, const void *weights, int32_t count) {
#ifdef __riscv
    if (__builtin_constant_p(count) && count < 4) { /* sooner done than a loop is set up */
        for (int32_t i = 0; i < count; i++) {
            x = xmidge_lda(x);
            weights = xmidge_mac(weights);
        }
        return weights;
    }
    __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%2", "8") XMIDGE_ASM_LDA("%0")
                         XMIDGE_ASM_MAC("%1") XMIDGE_ASM_END
                     : "+r"(x), "+r"(weights)
                     : "r"(count)
                     : "memory");
#else
    for (; count > 0; count--) {
        x = xmidge_lda(x);
        weights = xmidge_mac(weights);
    }
#endif
    return weights;
}

#ifdef __riscv
/* A loop over groups: the next group's place, then its steps. */
#define SMIDGEN_MIDGE_GROUPS(bytes, steps)                                                         \
    __asm__ volatile(                                                                              \
        XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%4", bytes) "lhu %0, 0(%1)\n"                            \
                                                      "addi %1, %1, 2\n"                           \
                                                      "add %0, %0, %3\n" steps XMIDGE_ASM_END      \
        : "=&r"(x), "+r"(stream.groups), "+r"(stream.weights)                                      \
        : "r"(row), "r"(count)                                                                     \
        : "memory")
#define SMIDGEN_MIDGE_GROUP_STEP XMIDGE_ASM_LDA("%0") XMIDGE_ASM_MAC("%2")
#endif

/* The next number and as many groups of a row, `steps` steps each. */
SMIDGEN_INLINE struct smidgen_midge_stream
smidgen_midge_sparse_row(const int8_t *row, struct smidgen_midge_stream stream,
                         const int32_t steps) {
    int32_t count = *stream.groups++;
    const void *x;
#ifdef __riscv
    if (steps == SMIDGEN_MIDGE_I8)
        SMIDGEN_MIDGE_GROUPS("44", SMIDGEN_MIDGE_GROUP_STEP SMIDGEN_MIDGE_GROUP_STEP
                                       SMIDGEN_MIDGE_GROUP_STEP SMIDGEN_MIDGE_GROUP_STEP);
    else if (steps == SMIDGEN_MIDGE_I4)
        SMIDGEN_MIDGE_GROUPS("28", SMIDGEN_MIDGE_GROUP_STEP SMIDGEN_MIDGE_GROUP_STEP);
    else
        SMIDGEN_MIDGE_GROUPS("20", SMIDGEN_MIDGE_GROUP_STEP);
#else
    for (; count > 0; count--) {
        x = row + *stream.groups++;
        for (int32_t step = 0; step < steps; step++) {
            x = xmidge_lda(x);
            stream.weights = xmidge_mac(stream.weights);
        }
    }
#endif
    return stream;
}

/* The first row, whose first step overwrites the accumulators. */
SMIDGEN_INLINE struct smidgen_midge_stream
smidgen_midge_first_row(const int8_t *row, struct smidgen_midge_stream stream, int32_t steps,
                        const int32_t group_steps) {
    if (group_steps == SMIDGEN_MIDGE_DENSE) {
        const void *x = xmidge_lda(row);
        stream.weights = smidgen_midge_steps(x, xmidge_macf(stream.weights), steps - 1);
        return stream;
    }
    const void *x = xmidge_lda(row + *stream.groups++);
    stream.weights = xmidge_macf(stream.weights);
    for (int32_t step = 1; step < group_steps; step++) {
        x = xmidge_lda(x);
        stream.weights = xmidge_mac(stream.weights);
    }
    return smidgen_midge_sparse_row(row, stream, group_steps);
}

SMIDGEN_INLINE struct smidgen_midge_stream
smidgen_midge_next_row(const int8_t *row, struct smidgen_midge_stream stream, int32_t steps,
                       const int32_t group_steps) {
    if (group_steps != SMIDGEN_MIDGE_DENSE)
        return smidgen_midge_sparse_row(row, stream, group_steps);
    stream.weights = smidgen_midge_steps(row, stream.weights, steps);
    return stream;
}

/* Parameters of `channels` channels. Returns the next ones. */
SMIDGEN_INLINE const uint32_t *smidgen_midge_parameters(const uint32_t *parameters,
                                                        int32_t channels, int32_t shared) {
    const uint32_t count = (uint32_t)channels;
    const void *next = xmidge_ldm(XMIDGE_BIAS, parameters, 0, count);
    if (!shared) {
        next = xmidge_ldm(XMIDGE_MULTIPLIER, next, 0, count);
        next = xmidge_ldm(XMIDGE_SHIFT, next, 0, (count + 3) / 4);
    }
    return next;
}

/* How outputs are made, and the multiplier and shift that all channels share. Returns the other
 * parameters. */
SMIDGEN_INLINE const uint32_t *smidgen_midge_begin(const struct smidgen_output *output,
                                                   const uint32_t *parameters, int32_t shared) {
    xmidge_set(XMIDGE_OUTPUT,
               XMIDGE_OUTPUT_ZERO_POINT((uint32_t)output->zero_point) |
                   XMIDGE_OUTPUT_MINIMUM((uint32_t)output->min) |
                   XMIDGE_OUTPUT_MAXIMUM((uint32_t)output->max),
               0);
    if (shared) {
        xmidge_set(XMIDGE_MULTIPLIER, parameters[0], 0);
        xmidge_set(XMIDGE_SHIFT, parameters[1], 0);
        parameters += 2;
    }
    return parameters;
}

/* Before the first product. */
SMIDGEN_INLINE void smidgen_midge_prepare_body(struct smidgen_midge_product *product) {
    product->parameters =
        smidgen_midge_begin(&product->output, product->parameters, product->shared);
    xmidge_set(XMIDGE_PIXEL_STEP, (uintptr_t)product->pixel_step, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, (uintptr_t)product->output_step, 0);
    if (product->channels <= SMIDGEN_MIDGE_CHANNELS)
        smidgen_midge_parameters(product->parameters, product->channels, product->shared);
}

SMIDGEN_SHARED void smidgen_midge_prepare(struct smidgen_midge_product *product) {
    smidgen_midge_prepare_body(product);
}

/* All channels of `pixels` pixels, the first of which has its first row at x. */
SMIDGEN_INLINE void smidgen_midge_multiply_body(const struct smidgen_midge_product *product,
                                                const int8_t *x, int8_t *y, int32_t pixels,
                                                const int32_t group_steps) {
    const int32_t block = SMIDGEN_MIDGE_BLOCK, steps = product->steps, rows = product->rows;
    const int32_t row_step = product->row_step;
    const int8_t *const ring_end = product->ring_end;
    struct smidgen_midge_stream start = {product->weights, product->groups}, next = start;
    const uint32_t *parameters = product->parameters;
    const uint32_t mode = XMIDGE_SHAPE_WIDTH((uint32_t)product->width) |
                          XMIDGE_SHAPE_WORDS((uint32_t)product->words - 1) |
                          XMIDGE_SHAPE_SHARED((uint32_t)product->shared);
    for (int32_t left = product->channels; left > 0; left -= SMIDGEN_MIDGE_CHANNELS) {
        const int32_t channels = left < SMIDGEN_MIDGE_CHANNELS ? left : SMIDGEN_MIDGE_CHANNELS;
        if (product->channels > SMIDGEN_MIDGE_CHANNELS)
            parameters = smidgen_midge_parameters(parameters, channels, product->shared);
        const int8_t *pixel = x;
        int8_t *pixel_out = y;
        for (int32_t rest = pixels; rest > 0; rest -= SMIDGEN_MIDGE_PIXELS) {
            const int32_t together = rest < SMIDGEN_MIDGE_PIXELS ? rest : SMIDGEN_MIDGE_PIXELS;
            const uint32_t shape = mode | XMIDGE_SHAPE_PIXELS((uint32_t)together - 1);
            int32_t first = 0, count = channels < block ? channels : block;
            xmidge_set(XMIDGE_SHAPE, shape | XMIDGE_SHAPE_CHANNELS((uint32_t)count - 1), 0);
            next = start;
            for (;;) {
                next = smidgen_midge_first_row(pixel, next, steps, group_steps);
                if (SMIDGEN_MIDGE_RARELY(rows > 1)) {
                    const int8_t *row = pixel;
                    SMIDGEN_KEEP_LOOP
                    for (int32_t below = rows - 1; below > 0; below--) {
                        row += row_step;
                        if (SMIDGEN_MIDGE_RARELY(row >= ring_end))
                            row -= product->ring_bytes;
                        next = smidgen_midge_next_row(row, next, steps, group_steps);
                    }
                }
                xmidge_rqc(pixel_out + first, (uint32_t)first);
                first += block;
                if (first >= channels)
                    break;
                if (SMIDGEN_MIDGE_RARELY(first + block > channels))
                    xmidge_set(XMIDGE_SHAPE,
                               shape | XMIDGE_SHAPE_CHANNELS((uint32_t)(channels - first) - 1), 0);
            }
            pixel += SMIDGEN_MIDGE_PIXELS * (ptrdiff_t)product->pixel_step;
            pixel_out += SMIDGEN_MIDGE_PIXELS * (ptrdiff_t)product->output_step;
        }
        start = next;
        y += channels;
    }
}

#define SMIDGEN_MIDGE_MULTIPLY(name, group_steps)                                                  \
    SMIDGEN_SHARED void name(const struct smidgen_midge_product *product, const int8_t *x,         \
                             int8_t *y, int32_t pixels) {                                          \
        smidgen_midge_multiply_body(product, x, y, pixels, group_steps);                           \
    }

SMIDGEN_MIDGE_MULTIPLY(smidgen_midge_multiply_dense, SMIDGEN_MIDGE_DENSE)
SMIDGEN_MIDGE_MULTIPLY(smidgen_midge_multiply_sparse_i8, SMIDGEN_MIDGE_I8)
SMIDGEN_MIDGE_MULTIPLY(smidgen_midge_multiply_sparse_i4, SMIDGEN_MIDGE_I4)
SMIDGEN_MIDGE_MULTIPLY(smidgen_midge_multiply_sparse_i2, SMIDGEN_MIDGE_I2)

/* is_small: the call's constants are known, and worth code of their own. */
SMIDGEN_INLINE void smidgen_midge_multiply(const struct smidgen_midge_product *product,
                                           const int8_t *x, int8_t *y, int32_t pixels,
                                           const int32_t group_steps, const int is_small) {
    if (is_small)
        smidgen_midge_multiply_body(product, x, y, pixels, group_steps);
    else if (group_steps == SMIDGEN_MIDGE_DENSE)
        smidgen_midge_multiply_dense(product, x, y, pixels);
    else if (group_steps == SMIDGEN_MIDGE_I8)
        smidgen_midge_multiply_sparse_i8(product, x, y, pixels);
    else if (group_steps == SMIDGEN_MIDGE_I4)
        smidgen_midge_multiply_sparse_i4(product, x, y, pixels);
    else
        smidgen_midge_multiply_sparse_i2(product, x, y, pixels);
}

#endif
