/* Products of blocks whose weights have 4 or 2 bits.
 *
 * As in block.h, but weights lie in words, as fields that hold a weight plus 8 (4 bits) or plus 2
 * (2 bits), the first field in the lowest bits. A word of a block of 4 output channels has all four
 * at 2 (4 bits) or 4 (2 bits) consecutive depths: channels 0 and 2 of each depth in its lower half,
 * channels 1 and 3 in its upper half. So one shift, mask and subtraction give two weights, 16 bits
 * apart, and one multiply two products. Their sums are taken apart before they could reach 16 bits.
 * A channel that is left over has 8 or 16 depths in a word. Every block and every such channel
 * starts with a word. */
#ifndef SMIDGEN_KERNELS_NARROW_H
#define SMIDGEN_KERNELS_NARROW_H

#include "block.h"

/* Bytes of the weights of so many channels. */
SMIDGEN_INLINE ptrdiff_t smidgen_narrow_bytes(int32_t channels, int32_t depth, const int bits) {
    const ptrdiff_t block = (depth * 4 * bits + 31) / 32, row = (depth * bits + 31) / 32;
    return 4 * (channels / 4 * block + channels % 4 * row);
}

/* The weight in the lowest field of a word. */
SMIDGEN_INLINE uint32_t smidgen_narrow_weight(uint32_t word, const int bits) {
    return (word & ((1u << bits) - 1)) - (1u << (bits - 1));
}

/* The weights in the lowest fields of both halves of a word: the second times 65536, plus the
 * first. */
SMIDGEN_INLINE uint32_t smidgen_narrow_pair(uint32_t word, const int bits) {
    return (word & 0x10001u * ((1u << bits) - 1)) - 0x10001u * (1u << (bits - 1));
}

/* The depths that come after x until at most `most` later. step: elements per depth. */
SMIDGEN_INLINE const int8_t *smidgen_narrow_end(const int8_t *x, const int8_t *end, int32_t step,
                                                int32_t most) {
    return (end - x) / step > most ? x + step * most : end;
}

/* Depths whose products of two weights can be added up in one word: 2^15 / (128 * largest weight),
 * less what would part a word of weights. */
#define SMIDGEN_NARROW_DEPTHS (bits == 4 ? 30 : 124)

/* Adds the sums of two channels to where each has its own. */
SMIDGEN_INLINE void smidgen_narrow_split(uint32_t pair, uint32_t *first, uint32_t *second) {
    *first += (uint32_t)(int32_t)(int16_t)pair;
    *second += (uint32_t)((int32_t)(pair + 0x8000u) >> 16);
}

/* 4 channels x 4 patches at depth k of the word. */
#define SMIDGEN_NARROW_STEP_4X4(k)                                                                 \
    do {                                                                                           \
        const uint32_t v = smidgen_narrow_pair(word >> 2 * bits * (k), bits);                      \
        const uint32_t w = smidgen_narrow_pair(word >> (2 * bits * (k) + bits), bits);             \
        const uint32_t x0 = (uint32_t)x[4 * (k)], x1 = (uint32_t)x[4 * (k) + 1];                   \
        const uint32_t x2 = (uint32_t)x[4 * (k) + 2], x3 = (uint32_t)x[4 * (k) + 3];               \
        a0 += v * x0, b0 += w * x0;                                                                \
        a1 += v * x1, b1 += w * x1;                                                                \
        a2 += v * x2, b2 += w * x2;                                                                \
        a3 += v * x3, b3 += w * x3;                                                                \
    } while (0)

/* Adds the products of one block of 4 channels with 4 patches to sums[channel][patch]. Returns the
 * next block's weights. */
SMIDGEN_INLINE const uint32_t *smidgen_narrow_4x4(const uint32_t *weights, const int8_t *x,
                                                  int32_t depth, uint32_t *sums, const int bits) {
    const int32_t depths = 8 / bits; /* in a word */
    const int8_t *const end = x + SMIDGEN_PATCHES * depth;
    while (x != end) {
        uint32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
        const int8_t *const chunk_end =
            smidgen_narrow_end(x, end, SMIDGEN_PATCHES, SMIDGEN_NARROW_DEPTHS);
        while (chunk_end - x >= SMIDGEN_PATCHES * depths) {
            const uint32_t word = *weights++;
            SMIDGEN_NARROW_STEP_4X4(0);
            SMIDGEN_NARROW_STEP_4X4(1);
            if (bits == 2) {
                SMIDGEN_NARROW_STEP_4X4(2);
                SMIDGEN_NARROW_STEP_4X4(3);
            }
            x += SMIDGEN_PATCHES * depths;
        }
        if (x != chunk_end) {
            uint32_t word = *weights++;
            for (; x != chunk_end; x += SMIDGEN_PATCHES, word >>= 2 * bits)
                SMIDGEN_NARROW_STEP_4X4(0);
        }
        smidgen_narrow_split(a0, &sums[0], &sums[4]);
        smidgen_narrow_split(a1, &sums[1], &sums[5]);
        smidgen_narrow_split(a2, &sums[2], &sums[6]);
        smidgen_narrow_split(a3, &sums[3], &sums[7]);
        smidgen_narrow_split(b0, &sums[8], &sums[12]);
        smidgen_narrow_split(b1, &sums[9], &sums[13]);
        smidgen_narrow_split(b2, &sums[10], &sums[14]);
        smidgen_narrow_split(b3, &sums[11], &sums[15]);
    }
    return weights;
}

/* 4 channels x 1 vector at depth k of the word. */
#define SMIDGEN_NARROW_STEP_4X1(k)                                                                 \
    do {                                                                                           \
        const uint32_t value = (uint32_t)x[k];                                                     \
        a += smidgen_narrow_pair(word >> 2 * bits * (k), bits) * value;                            \
        b += smidgen_narrow_pair(word >> (2 * bits * (k) + bits), bits) * value;                   \
    } while (0)

/* As smidgen_narrow_4x4, with one vector and sums[channel]. */
SMIDGEN_INLINE const uint32_t *smidgen_narrow_4x1(const uint32_t *weights, const int8_t *x,
                                                  int32_t depth, uint32_t *sums, const int bits) {
    const int32_t depths = 8 / bits;
    const int8_t *const end = x + depth;
    while (x != end) {
        uint32_t a = 0, b = 0;
        const int8_t *const chunk_end = smidgen_narrow_end(x, end, 1, SMIDGEN_NARROW_DEPTHS);
        while (chunk_end - x >= depths) {
            const uint32_t word = *weights++;
            SMIDGEN_NARROW_STEP_4X1(0);
            SMIDGEN_NARROW_STEP_4X1(1);
            if (bits == 2) {
                SMIDGEN_NARROW_STEP_4X1(2);
                SMIDGEN_NARROW_STEP_4X1(3);
            }
            x += depths;
        }
        if (x != chunk_end) {
            uint32_t word = *weights++;
            for (; x != chunk_end; x++, word >>= 2 * bits)
                SMIDGEN_NARROW_STEP_4X1(0);
        }
        smidgen_narrow_split(a, &sums[0], &sums[1]);
        smidgen_narrow_split(b, &sums[2], &sums[3]);
    }
    return weights;
}

/* Adds the products of one channel that is left over with `patches` vectors, interleaved, to sums.
 * Returns the next channel's weights. */
SMIDGEN_INLINE const uint32_t *smidgen_narrow_row(const uint32_t *weights, const int8_t *x,
                                                  int32_t depth, int32_t patches, uint32_t *sums,
                                                  const int bits) {
    const int8_t *const end = x + patches * depth;
    while (x != end) {
        uint32_t word = *weights++;
        const int8_t *const word_end = smidgen_narrow_end(x, end, patches, 32 / bits);
        for (; x != word_end; word >>= bits) {
            const uint32_t weight = smidgen_narrow_weight(word, bits);
            for (int32_t i = 0; i < patches; i++)
                sums[i] += weight * (uint32_t)*x++;
        }
    }
    return weights;
}

/* All channels of `patches` vectors, interleaved: 4 of them or 1. */
SMIDGEN_INLINE void smidgen_narrow_body(const struct smidgen_block *block, const int8_t *vectors,
                                        int8_t *out, const int patches, const int variant,
                                        const int bits) {
    const struct smidgen_output output = {block->output.zero_point, block->output.min,
                                          block->output.max};
    const uint32_t *weights = block->weights;
    const int32_t *bias = block->bias;
    const uint32_t *multiplier = block->multiplier;
    const int8_t *shift = block->shift;
    uint32_t sums[4 * SMIDGEN_PATCHES];
    int32_t step;
    for (int32_t channels = block->channels; channels > 0; channels -= step) {
        step = channels >= 4 ? 4 : 1;
        SMIDGEN_KEEP_LOOP
        for (int32_t i = 0; i < step * patches; i++)
            sums[i] = (uint32_t)bias[i / patches];
        if (step == 1)
            weights = smidgen_narrow_row(weights, vectors, block->depth, patches, sums, bits);
        else if (patches == 1)
            weights = smidgen_narrow_4x1(weights, vectors, block->depth, sums, bits);
        else
            weights = smidgen_narrow_4x4(weights, vectors, block->depth, sums, bits);
        bias += step;
        SMIDGEN_KEEP_LOOP
        for (const uint32_t *sum = sums; sum != sums + step * patches; out++) {
            const struct smidgen_scaling scaling =
                smidgen_scaling(*multiplier, *shift, output.zero_point, variant);
            int8_t *o = out;
            for (int32_t i = 0; i < patches; i++, o += block->pixel_stride)
                *o = smidgen_finish(*sum++, &scaling, &output, variant);
            multiplier += block->parameter_step;
            shift += block->parameter_step;
        }
    }
}

#define SMIDGEN_NARROW_FUNCTION(name, patches, variant, bits)                                      \
    SMIDGEN_SHARED void name(const struct smidgen_block *block, const int8_t *x, int8_t *out) {    \
        smidgen_narrow_body(block, x, out, patches, variant, bits);                                \
    }

SMIDGEN_NARROW_FUNCTION(smidgen_narrow_4_i4_right, 4, SMIDGEN_RIGHT, 4)
SMIDGEN_NARROW_FUNCTION(smidgen_narrow_4_i4_wide, 4, SMIDGEN_WIDE, 4)
SMIDGEN_NARROW_FUNCTION(smidgen_narrow_4_i2_right, 4, SMIDGEN_RIGHT, 2)
SMIDGEN_NARROW_FUNCTION(smidgen_narrow_4_i2_wide, 4, SMIDGEN_WIDE, 2)
SMIDGEN_NARROW_FUNCTION(smidgen_narrow_1_i4_right, 1, SMIDGEN_RIGHT, 4)
SMIDGEN_NARROW_FUNCTION(smidgen_narrow_1_i4_wide, 1, SMIDGEN_WIDE, 4)
SMIDGEN_NARROW_FUNCTION(smidgen_narrow_1_i2_right, 1, SMIDGEN_RIGHT, 2)
SMIDGEN_NARROW_FUNCTION(smidgen_narrow_1_i2_wide, 1, SMIDGEN_WIDE, 2)

/* 4 interleaved patches, or one vector, in the variant and width that the caller is built for. */
SMIDGEN_INLINE void smidgen_narrow_4(const struct smidgen_block *block, const int8_t *patches,
                                     int8_t *out, const int variant, const int bits) {
    if (variant == SMIDGEN_WIDE)
        (bits == 4 ? smidgen_narrow_4_i4_wide : smidgen_narrow_4_i2_wide)(block, patches, out);
    else
        (bits == 4 ? smidgen_narrow_4_i4_right : smidgen_narrow_4_i2_right)(block, patches, out);
}

SMIDGEN_INLINE void smidgen_narrow_1(const struct smidgen_block *block, const int8_t *vector,
                                     int8_t *out, const int variant, const int bits) {
    if (variant == SMIDGEN_WIDE)
        (bits == 4 ? smidgen_narrow_1_i4_wide : smidgen_narrow_1_i2_wide)(block, vector, out);
    else
        (bits == 4 ? smidgen_narrow_1_i4_right : smidgen_narrow_1_i2_right)(block, vector, out);
}

#endif
