/* Products of up to 4 pixels with blocks of output channels on Xmidge: the inner loops of
 * convolutions and fully connected layers.
 *
 * Weights are words in the order in which they are used: [group of 64 channels][block][row][step]
 * [channel of the block], a word being one channel's weights of a step. A block is 16 channels, or
 * 64 of a vector. Inputs that a row has not got have zero weights, so whatever lies after a row may
 * be read: up to 15 bytes.
 *
 * Parameters are words: where one multiplier and shift serve all channels these two, then for each
 * group of 64 channels the biases and, unless shared, multipliers and shifts (4 to a word). The
 * input's zero point is part of the bias. */
#ifndef SMIDGEN_KERNELS_MIDGE_PRODUCT_H
#define SMIDGEN_KERNELS_MIDGE_PRODUCT_H

#include "../portable/common.h"
#include "xmidge.h"

#define SMIDGEN_MIDGE_PIXELS 4    /* at a time */
#define SMIDGEN_MIDGE_CHANNELS 64 /* whose parameters are held at a time */

/* width: 0, 1, 2 for weights of 8, 4, 2 bits; words: of inputs per step; block: 16, or 64 for
 * single vectors; rows, steps: of one pixel's inputs, and per row; row_step: bytes from row to row,
 * in a ring of ring_bytes that ends at ring_end; pixel_step, output_step: bytes from pixel to
 * pixel. */
struct smidgen_midge_product {
    const uint32_t *weights, *parameters;
    int32_t width, words, shared, block, channels, rows, steps, row_step, ring_bytes;
    const int8_t *ring_end;
    int32_t pixel_step, output_step;
    struct smidgen_output output;
};

/* `count` steps. Returns the next weights. */
SMIDGEN_INLINE const void *smidgen_midge_steps(const void *x, const void *weights, int32_t count) {
#ifdef __riscv
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

/* Parameters of `channels` channels. Returns the next ones. */
SMIDGEN_SHARED const uint32_t *smidgen_midge_parameters(const uint32_t *parameters,
                                                        int32_t channels, int32_t shared) {
    const uint32_t count = (uint32_t)channels;
    const void *next = xmidge_ldm(XMIDGE_BIAS, parameters, 0, count);
    if (!shared) {
        next = xmidge_ldm(XMIDGE_MULTIPLIER, next, 0, count);
        next = xmidge_ldm(XMIDGE_SHIFT, next, 0, (count + 3) / 4);
    }
    return next;
}

/* Before the first product. */
SMIDGEN_SHARED void smidgen_midge_begin(struct smidgen_midge_product *product) {
    const struct smidgen_output *output = &product->output;
    xmidge_set(XMIDGE_OUTPUT,
               XMIDGE_OUTPUT_ZERO_POINT((uint32_t)output->zero_point) |
                   XMIDGE_OUTPUT_MINIMUM((uint32_t)output->min) |
                   XMIDGE_OUTPUT_MAXIMUM((uint32_t)output->max),
               0);
    xmidge_set(XMIDGE_PIXEL_STEP, (uintptr_t)product->pixel_step, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, (uintptr_t)product->output_step, 0);
    if (product->shared) {
        xmidge_set(XMIDGE_MULTIPLIER, product->parameters[0], 0);
        xmidge_set(XMIDGE_SHIFT, product->parameters[1], 0);
        product->parameters += 2;
    }
    if (product->channels <= SMIDGEN_MIDGE_CHANNELS)
        smidgen_midge_parameters(product->parameters, product->channels, product->shared);
}

/* All channels of `pixels` pixels, the first of which has its first row at x. */
SMIDGEN_SHARED void smidgen_midge_multiply(const struct smidgen_midge_product *product,
                                           const int8_t *x, int8_t *y, int32_t pixels) {
    const int32_t block = product->block, steps = product->steps, rows = product->rows;
    const int32_t row_step = product->row_step;
    const int8_t *const ring_end = product->ring_end;
    const void *weights = product->weights, *next = weights;
    const uint32_t *parameters = product->parameters;
    const uint32_t mode = XMIDGE_SHAPE_WIDTH((uint32_t)product->width) |
                          XMIDGE_SHAPE_WORDS((uint32_t)product->words - 1) |
                          XMIDGE_SHAPE_SHARED((uint32_t)product->shared) |
                          XMIDGE_SHAPE_VECTOR((uint32_t)(block > 16));
    for (int32_t left = product->channels; left > 0; left -= SMIDGEN_MIDGE_CHANNELS) {
        const int32_t channels = left < SMIDGEN_MIDGE_CHANNELS ? left : SMIDGEN_MIDGE_CHANNELS;
        if (product->channels > SMIDGEN_MIDGE_CHANNELS)
            parameters = smidgen_midge_parameters(parameters, channels, product->shared);
        const int8_t *pixel = x;
        int8_t *pixel_out = y;
        for (int32_t rest = pixels; rest > 0; rest -= SMIDGEN_MIDGE_PIXELS) {
            const uint32_t shape =
                mode |
                XMIDGE_SHAPE_PIXELS(
                    (uint32_t)(rest < SMIDGEN_MIDGE_PIXELS ? rest : SMIDGEN_MIDGE_PIXELS) - 1);
            int32_t first = 0, count = block;
            xmidge_set(XMIDGE_SHAPE, shape | XMIDGE_SHAPE_CHANNELS((uint32_t)block - 1), 0);
            next = weights;
            do {
                if (channels - first < block) {
                    count = channels - first;
                    xmidge_set(XMIDGE_SHAPE, shape | XMIDGE_SHAPE_CHANNELS((uint32_t)count - 1), 0);
                }
                const int8_t *row = pixel;
                const void *second = xmidge_lda(row);
                next = smidgen_midge_steps(second, xmidge_macf(next), steps - 1);
                for (int32_t below = rows - 1; below > 0; below--) {
                    row += row_step;
                    if (row >= ring_end)
                        row -= product->ring_bytes;
                    next = smidgen_midge_steps(row, next, steps);
                }
                xmidge_rqc(pixel_out + first, (uint32_t)first);
                first += count;
            } while (first < channels);
            pixel += SMIDGEN_MIDGE_PIXELS * (ptrdiff_t)product->pixel_step;
            pixel_out += SMIDGEN_MIDGE_PIXELS * (ptrdiff_t)product->output_step;
        }
        weights = next;
        y += channels;
    }
}

#endif
