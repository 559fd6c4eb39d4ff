/* Products of blocks: 4 output channels with 4 patches, or with 1 vector. The inner loops of
 * convolutions and fully connected layers.
 *
 * Weights lie in blocks of 4 output channels, [channels / 4][depth][4], then one row of `depth` per
 * channel that is left over. Patches lie interleaved, [depth][4]. So each loop has one pointer per
 * stream, loads at constant offsets, and every byte loaded is used four times. */
#ifndef SMIDGEN_KERNELS_BLOCK_H
#define SMIDGEN_KERNELS_BLOCK_H

#include "common.h"

#define SMIDGEN_PATCHES 4 /* that are interleaved */

/* One matrix product. weights: int8, or packed as in narrow.h. depth: inputs per output.
 * parameter_step: for one vector, 0 when one multiplier and shift serve all channels, 1 when each
 * has its own, as with patches. pixel_stride: bytes from one patch's outputs to the next's. */
struct smidgen_block {
    const void *weights;
    const int32_t *bias;
    const uint32_t *multiplier;
    const int8_t *shift;
    int32_t depth, channels, parameter_step, pixel_stride;
    struct smidgen_output output;
};

/* One value of a patch times the weights of 4 channels. */
#define SMIDGEN_MULTIPLY_4(value, s0, s1, s2, s3)                                                  \
    do {                                                                                           \
        const int32_t v = (value);                                                                 \
        s0 += (uint32_t)(w0 * v);                                                                  \
        s1 += (uint32_t)(w1 * v);                                                                  \
        s2 += (uint32_t)(w2 * v);                                                                  \
        s3 += (uint32_t)(w3 * v);                                                                  \
    } while (0)

/* 4 channels x 4 patches at depth k after the pointers w and x. */
#define SMIDGEN_STEP_4X4(k)                                                                        \
    do {                                                                                           \
        const int32_t w0 = w[4 * (k)], w1 = w[4 * (k) + 1];                                        \
        const int32_t w2 = w[4 * (k) + 2], w3 = w[4 * (k) + 3];                                    \
        SMIDGEN_MULTIPLY_4(x[4 * (k)], a0, b0, c0, d0);                                            \
        SMIDGEN_MULTIPLY_4(x[4 * (k) + 1], a1, b1, c1, d1);                                        \
        SMIDGEN_MULTIPLY_4(x[4 * (k) + 2], a2, b2, c2, d2);                                        \
        SMIDGEN_MULTIPLY_4(x[4 * (k) + 3], a3, b3, c3, d3);                                        \
    } while (0)

/* 4 channels x 1 vector at depth k after the pointers w and x. */
#define SMIDGEN_STEP_4X1(k)                                                                        \
    do {                                                                                           \
        const int32_t w0 = w[4 * (k)], w1 = w[4 * (k) + 1];                                        \
        const int32_t w2 = w[4 * (k) + 2], w3 = w[4 * (k) + 3];                                    \
        SMIDGEN_MULTIPLY_4(x[k], a, b, c, d);                                                      \
    } while (0)

/* As SMIDGEN_STEP_4X1, for the block of channels that starts at v as well. */
#define SMIDGEN_STEP_8X1(k)                                                                        \
    do {                                                                                           \
        const int32_t value = x[k];                                                                \
        a += (uint32_t)(w[4 * (k)] * value);                                                       \
        b += (uint32_t)(w[4 * (k) + 1] * value);                                                   \
        c += (uint32_t)(w[4 * (k) + 2] * value);                                                   \
        d += (uint32_t)(w[4 * (k) + 3] * value);                                                   \
        e += (uint32_t)(v[4 * (k)] * value);                                                       \
        f += (uint32_t)(v[4 * (k) + 1] * value);                                                   \
        g += (uint32_t)(v[4 * (k) + 2] * value);                                                   \
        h += (uint32_t)(v[4 * (k) + 3] * value);                                                   \
    } while (0)

/* Requantizes and stores the 4 patches of one channel, then moves on to the next channel. */
#define SMIDGEN_STORE_4(s0, s1, s2, s3)                                                            \
    do {                                                                                           \
        const struct smidgen_scaling scaling =                                                     \
            smidgen_scaling(*multiplier, *shift, output.zero_point, variant);                      \
        int8_t *o = out;                                                                           \
        *o = smidgen_finish(s0, &scaling, &output, variant);                                       \
        o += pixel_stride;                                                                         \
        *o = smidgen_finish(s1, &scaling, &output, variant);                                       \
        o += pixel_stride;                                                                         \
        *o = smidgen_finish(s2, &scaling, &output, variant);                                       \
        o += pixel_stride;                                                                         \
        *o = smidgen_finish(s3, &scaling, &output, variant);                                       \
        multiplier++;                                                                              \
        shift++;                                                                                   \
        out++;                                                                                     \
    } while (0)

/* All channels of 4 interleaved patches. */
SMIDGEN_INLINE void smidgen_block_4_body(const struct smidgen_block *block, const int8_t *patches,
                                         int8_t *out, const int variant) {
    const ptrdiff_t pixel_stride = block->pixel_stride;
    const struct smidgen_output output = {block->output.zero_point, block->output.min,
                                          block->output.max};
    const int8_t *w = block->weights;
    const int32_t *bias = block->bias;
    const uint32_t *multiplier = block->multiplier;
    const int8_t *shift = block->shift;
    int32_t channels = block->channels;
    for (; channels >= 4; channels -= 4) {
        uint32_t a0 = (uint32_t)bias[0], a1 = a0, a2 = a0, a3 = a0;
        uint32_t b0 = (uint32_t)bias[1], b1 = b0, b2 = b0, b3 = b0;
        uint32_t c0 = (uint32_t)bias[2], c1 = c0, c2 = c0, c3 = c0;
        uint32_t d0 = (uint32_t)bias[3], d1 = d0, d2 = d0, d3 = d0;
        const int8_t *x = patches, *const end = x + SMIDGEN_PATCHES * block->depth;
        const int8_t *const unrolled_end =
            x + SMIDGEN_PATCHES * (SMIDGEN_UNROLL ? block->depth & ~3 : 0);
        for (; x != unrolled_end; x += 16, w += 16) {
            SMIDGEN_STEP_4X4(0);
            SMIDGEN_STEP_4X4(1);
            SMIDGEN_STEP_4X4(2);
            SMIDGEN_STEP_4X4(3);
        }
        for (; x != end; x += 4, w += 4)
            SMIDGEN_STEP_4X4(0);
        SMIDGEN_STORE_4(a0, a1, a2, a3);
        SMIDGEN_STORE_4(b0, b1, b2, b3);
        SMIDGEN_STORE_4(c0, c1, c2, c3);
        SMIDGEN_STORE_4(d0, d1, d2, d3);
        bias += 4;
    }
    for (; channels > 0; channels--) {
        uint32_t s0 = (uint32_t)*bias++, s1 = s0, s2 = s0, s3 = s0;
        const int8_t *x = patches, *const end = x + SMIDGEN_PATCHES * block->depth;
        for (; x != end; x += 4) {
            const int32_t v = *w++;
            s0 += (uint32_t)(x[0] * v);
            s1 += (uint32_t)(x[1] * v);
            s2 += (uint32_t)(x[2] * v);
            s3 += (uint32_t)(x[3] * v);
        }
        SMIDGEN_STORE_4(s0, s1, s2, s3);
    }
}

/* All channels of one vector; pixel_stride plays no part. */
SMIDGEN_INLINE void smidgen_block_1_body(const struct smidgen_block *block, const int8_t *vector,
                                         int8_t *out, const int variant) {
    const ptrdiff_t parameter_step = block->parameter_step;
    const struct smidgen_output output = {block->output.zero_point, block->output.min,
                                          block->output.max};
    const int8_t *w = block->weights;
    const int32_t *bias = block->bias;
    const uint32_t *multiplier = block->multiplier;
    const int8_t *shift = block->shift;
    const int8_t *const end = vector + block->depth;
    uint32_t sums[8];
    int32_t step;
    for (int32_t channels = block->channels; channels > 0; channels -= step) {
        const int8_t *x = vector;
        if (SMIDGEN_UNROLL && channels >= 8) {
            uint32_t a = (uint32_t)bias[0], b = (uint32_t)bias[1], c = (uint32_t)bias[2];
            uint32_t d = (uint32_t)bias[3], e = (uint32_t)bias[4], f = (uint32_t)bias[5];
            uint32_t g = (uint32_t)bias[6], h = (uint32_t)bias[7];
            const int8_t *v = w + 4 * (ptrdiff_t)block->depth;
            const int8_t *const unrolled_end = x + (block->depth & ~7);
            for (; x != unrolled_end; x += 8, w += 32, v += 32) {
                SMIDGEN_STEP_8X1(0);
                SMIDGEN_STEP_8X1(1);
                SMIDGEN_STEP_8X1(2);
                SMIDGEN_STEP_8X1(3);
                SMIDGEN_STEP_8X1(4);
                SMIDGEN_STEP_8X1(5);
                SMIDGEN_STEP_8X1(6);
                SMIDGEN_STEP_8X1(7);
            }
            for (; x != end; x++, w += 4, v += 4)
                SMIDGEN_STEP_8X1(0);
            w = v;
            sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
            sums[4] = e, sums[5] = f, sums[6] = g, sums[7] = h;
            step = 8;
        } else if (channels >= 4) {
            uint32_t a = (uint32_t)bias[0], b = (uint32_t)bias[1], c = (uint32_t)bias[2];
            uint32_t d = (uint32_t)bias[3];
            for (; x != end; x++, w += 4)
                SMIDGEN_STEP_4X1(0);
            sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
            step = 4;
        } else {
            uint32_t a = (uint32_t)bias[0];
            while (x != end)
                a += (uint32_t)(*w++ * *x++);
            sums[0] = a;
            step = 1;
        }
        bias += step;
        SMIDGEN_KEEP_LOOP
        for (int32_t i = 0; i < step; i++) {
            const struct smidgen_scaling scaling =
                smidgen_scaling(*multiplier, *shift, output.zero_point, variant);
            *out++ = smidgen_finish(sums[i], &scaling, &output, variant);
            multiplier += parameter_step;
            shift += parameter_step;
        }
    }
}

#define SMIDGEN_BLOCK_FUNCTION(name, body, variant)                                                \
    SMIDGEN_SHARED void name(const struct smidgen_block *block, const int8_t *x, int8_t *out) {    \
        body(block, x, out, variant);                                                              \
    }

SMIDGEN_BLOCK_FUNCTION(smidgen_block_4_clamped, smidgen_block_4_body, SMIDGEN_CLAMPED)
SMIDGEN_BLOCK_FUNCTION(smidgen_block_4_right, smidgen_block_4_body, SMIDGEN_RIGHT)
SMIDGEN_BLOCK_FUNCTION(smidgen_block_4_wide, smidgen_block_4_body, SMIDGEN_WIDE)
SMIDGEN_BLOCK_FUNCTION(smidgen_block_1_right, smidgen_block_1_body, SMIDGEN_RIGHT)
SMIDGEN_BLOCK_FUNCTION(smidgen_block_1_wide, smidgen_block_1_body, SMIDGEN_WIDE)

/* 4 interleaved patches, or one vector, in the variant that the caller is built for. What suits
 * RIGHT suits CLAMPED too, and with one vector there is little to be gained. */
SMIDGEN_INLINE void smidgen_block_4(const struct smidgen_block *block, const int8_t *patches,
                                    int8_t *out, const int variant) {
    if (variant == SMIDGEN_CLAMPED)
        smidgen_block_4_clamped(block, patches, out);
    else if (variant == SMIDGEN_RIGHT)
        smidgen_block_4_right(block, patches, out);
    else
        smidgen_block_4_wide(block, patches, out);
}

SMIDGEN_INLINE void smidgen_block_1(const struct smidgen_block *block, const int8_t *vector,
                                    int8_t *out, const int variant) {
    if (variant == SMIDGEN_WIDE)
        smidgen_block_1_wide(block, vector, out);
    else
        smidgen_block_1_right(block, vector, out);
}

#endif
