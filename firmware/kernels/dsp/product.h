/* Products of blocks of 4 output channels with 2 patches or with 1 vector: the inner loops of
 * convolutions and fully connected layers.
 *
 * Inputs are widened to halves of words. Of each quad of depths the first and third make one word,
 * the second and fourth the next. Two patches lie word beside word. Depths that fill up the last
 * quad are zeros, and so are channels that fill up the last block.
 *
 * Weights lie block by block, quad by quad. With 8 bits a quad has 4 words: channels 0 and 1 of the
 * first and third depth, channels 2 and 3 of them, then both for the second and fourth. A half
 * holds channel 0 (or 2) + 256 * channel 1 (or 3), so that it is multiplied as it is, and again
 * with the lower byte alone: the first sum less the second is 256 times that of the upper channel.
 * With 4 and 2 bits, all four channels share a half (4 bits) or a byte (2 bits) in the same way, in
 * fields of that width; all but the highest hold the weight plus half the range. With 4 bits a quad
 * has 2 words, with 2 bits 1, whose bytes 0 and 2 are for the first and third depth.
 *
 * That is exact while the sums of channel 1, 2 and 3 stay within 32 bits less those below their
 * field; WIDE takes the channels apart, and has 8-bit weights each in a byte of its own. */
#ifndef SMIDGEN_KERNELS_DSP_PRODUCT_H
#define SMIDGEN_KERNELS_DSP_PRODUCT_H

#include "dsp.h"

/* One matrix product. quads: of inputs per output. parameter_step: 0 when one multiplier and shift
 * serve all channels, 1 when each has its own. pixel_stride: bytes from one patch's outputs to the
 * next's. */
struct smidgen_dsp_block {
    const uint32_t *weights;
    const int32_t *bias;
    const uint32_t *multiplier;
    const int8_t *shift;
    int32_t quads, channels, parameter_step, pixel_stride;
    struct smidgen_output output;
};

/* Widens n inputs to every step-th word of target. Returns the sum of the inputs where narrow
 * weights need it. */
SMIDGEN_SHARED int32_t smidgen_dsp_widen(const int8_t *x, int32_t n, uint32_t *target,
                                         ptrdiff_t step) {
    uint32_t sum = 0;
    for (; n > 0; n -= 4, x += 4, target += 2 * step) {
        const uint32_t word = n >= 4 ? smidgen_dsp_load(x) : smidgen_dsp_load_some(x, n);
        const uint32_t first = smidgen_dsp_even_bytes(word), second = smidgen_dsp_odd_bytes(word);
        target[0] = first;
        target[step] = second;
        sum = smidgen_dsp_multiply_pairs(first, 0x10001u, sum);
        sum = smidgen_dsp_multiply_pairs(second, 0x10001u, sum);
    }
    return (int32_t)sum;
}

/* The weights of channel c, alone or with those of the channels below it, at both depths of pair
 * p of a quad. */
SMIDGEN_INLINE uint32_t smidgen_dsp_weights(const uint32_t *quad, int32_t p, int32_t c,
                                            const int variant, const int bits) {
    const int alone = variant == SMIDGEN_DSP_WIDE;
    if (bits == 8) {
        const uint32_t word = quad[2 * p + c / 2];
        if (c % 2 == 0)
            return smidgen_dsp_even_bytes(word);
        return alone ? smidgen_dsp_odd_bytes(word) : word;
    }
    const uint32_t word = bits == 4 ? quad[p] : quad[0] >> 8 * p;
    const uint32_t field = (1u << bits) - 1, ones = 0x10001u;
    if (alone)
        return ((c == 3 ? word ^ (ones << (4 * bits - 1)) : word) >> bits * c) & ones * field;
    if (c < 3)
        return word & ones * ((1u << bits * (c + 1)) - 1);
    return bits == 4 ? word : smidgen_dsp_even_bytes(word);
}

/* Adds the products of one block with `pixels` patches to sums[channel][pixel]. */
SMIDGEN_INLINE void smidgen_dsp_multiply_plainly(const uint32_t *weights, const uint32_t *x,
                                                 int32_t quads, uint32_t *sums, const int pixels,
                                                 const int variant, const int bits) {
    for (; quads > 0; quads--, weights += bits / 2, x += 2 * pixels)
        for (int32_t p = 0; p < 2; p++)
            for (int32_t c = 0; c < 4; c++) {
                const uint32_t w = smidgen_dsp_weights(weights, p, c, variant, bits);
                for (int32_t i = 0; i < pixels; i++)
                    sums[c * pixels + i] =
                        smidgen_dsp_multiply_pairs(x[p * pixels + i], w, sums[c * pixels + i]);
            }
}

#ifdef __ARM_FEATURE_DSP
#define SMIDGEN_DSP_LINE(text) text "\n\t"
/* Both pixels' products with weights w for channel c. */
#define SMIDGEN_DSP_BOTH(c, w)                                                                     \
    SMIDGEN_DSP_LINE("smlad %[" #c "0], %[x0], %[" #w "], %[" #c "0]")                             \
    SMIDGEN_DSP_LINE("smlad %[" #c "1], %[x1], %[" #w "], %[" #c "1]")
#define SMIDGEN_DSP_INPUTS SMIDGEN_DSP_LINE("ldrd %[x0], %[x1], [%[x]], #8")

#define SMIDGEN_DSP_PAIR_8                                                                         \
    SMIDGEN_DSP_LINE("ldrd %[w0], %[w1], [%[w]], #8")                                              \
    SMIDGEN_DSP_INPUTS                                                                             \
    SMIDGEN_DSP_BOTH(b, w0)                                                                        \
    SMIDGEN_DSP_BOTH(d, w1)                                                                        \
    SMIDGEN_DSP_LINE("sxtb16 %[w0], %[w0]")                                                        \
    SMIDGEN_DSP_LINE("sxtb16 %[w1], %[w1]")                                                        \
    SMIDGEN_DSP_BOTH(a, w0)                                                                        \
    SMIDGEN_DSP_BOTH(c, w1)
#define SMIDGEN_DSP_QUAD_8 SMIDGEN_DSP_PAIR_8 SMIDGEN_DSP_PAIR_8

#define SMIDGEN_DSP_PAIR_4                                                                         \
    SMIDGEN_DSP_LINE("ldr %[w0], [%[w]], #4")                                                      \
    SMIDGEN_DSP_INPUTS                                                                             \
    SMIDGEN_DSP_BOTH(d, w0)                                                                        \
    SMIDGEN_DSP_LINE("bic %[w0], %[w0], #0xf000f000")                                              \
    SMIDGEN_DSP_BOTH(c, w0)                                                                        \
    SMIDGEN_DSP_LINE("uxtb16 %[w0], %[w0]")                                                        \
    SMIDGEN_DSP_BOTH(b, w0)                                                                        \
    SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x000f000f")                                              \
    SMIDGEN_DSP_BOTH(a, w0)
#define SMIDGEN_DSP_QUAD_4 SMIDGEN_DSP_PAIR_4 SMIDGEN_DSP_PAIR_4

#define SMIDGEN_DSP_PAIR_2(bytes)                                                                  \
    SMIDGEN_DSP_INPUTS                                                                             \
    SMIDGEN_DSP_LINE("sxtb16 %[w0], %[w1]" bytes)                                                  \
    SMIDGEN_DSP_BOTH(d, w0)                                                                        \
    SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x003f003f")                                              \
    SMIDGEN_DSP_BOTH(c, w0)                                                                        \
    SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x000f000f")                                              \
    SMIDGEN_DSP_BOTH(b, w0)                                                                        \
    SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x00030003")                                              \
    SMIDGEN_DSP_BOTH(a, w0)
#define SMIDGEN_DSP_QUAD_2                                                                         \
    SMIDGEN_DSP_LINE("ldr %[w1], [%[w]], #4")                                                      \
    SMIDGEN_DSP_PAIR_2("")                                                                         \
    SMIDGEN_DSP_PAIR_2(", ror #8")

/* Two quads at a time; an odd one comes first, through the middle of the loop. Every register but
 * the stack pointer is taken, so the end is compared from memory. */
#define SMIDGEN_DSP_LOOP(quad)                                                                     \
    __asm__ volatile(                                                                              \
        SMIDGEN_DSP_LINE("cmp %[x0], #0") SMIDGEN_DSP_LINE("bne 2f") SMIDGEN_DSP_LINE("1:")        \
            quad SMIDGEN_DSP_LINE("2:") quad SMIDGEN_DSP_LINE("ldr %[x0], %[end]")                 \
                SMIDGEN_DSP_LINE("cmp %[x], %[x0]") SMIDGEN_DSP_LINE("bne 1b")                     \
        : [a0] "+r"(s[0]), [a1] "+r"(s[1]), [b0] "+r"(s[2]), [b1] "+r"(s[3]), [c0] "+r"(s[4]),     \
          [c1] "+r"(s[5]), [d0] "+r"(s[6]), [d1] "+r"(s[7]), [w] "+r"(weights), [x] "+r"(x),       \
          [x0] "+r"(odd), [x1] "=&r"(x1), [w0] "=&r"(w0), [w1] "=&r"(w1)                           \
        : [end] "m"(end)                                                                           \
        : "cc", "memory")

/* As smidgen_dsp_multiply_plainly, with 2 pixels and not WIDE. */
SMIDGEN_INLINE void smidgen_dsp_multiply_2(const uint32_t *weights, const uint32_t *x,
                                           int32_t quads, uint32_t *s, const int bits) {
    const uint32_t *const end = x + 4 * quads;
    uint32_t odd = (uint32_t)quads & 1, x1, w0, w1;
    if (bits == 8)
        SMIDGEN_DSP_LOOP(SMIDGEN_DSP_QUAD_8);
    else if (bits == 4)
        SMIDGEN_DSP_LOOP(SMIDGEN_DSP_QUAD_4);
    else
        SMIDGEN_DSP_LOOP(SMIDGEN_DSP_QUAD_2);
}
#endif

/* Adds the products of one block with `pixels` patches to sums[channel][pixel]. */
SMIDGEN_INLINE void smidgen_dsp_multiply(const uint32_t *weights, const uint32_t *x, int32_t quads,
                                         uint32_t *sums, const int pixels, const int variant,
                                         const int bits) {
#ifdef __ARM_FEATURE_DSP
    if (pixels == 2 && variant != SMIDGEN_DSP_WIDE) {
        smidgen_dsp_multiply_2(weights, x, quads, sums, bits);
        return;
    }
#endif
    smidgen_dsp_multiply_plainly(weights, x, quads, sums, pixels, variant, bits);
}

/* Bits by which channel c lies above the channels whose sums are in its own; 0 when it is alone. */
SMIDGEN_INLINE int32_t smidgen_dsp_above(int32_t c, const int variant, const int bits) {
    if (variant == SMIDGEN_DSP_WIDE)
        return 0;
    return bits == 8 ? c % 2 * 8 : c * bits;
}

/* The accumulator of channel c and pixel i from the sums. total: of the pixel's inputs. */
SMIDGEN_INLINE uint32_t smidgen_dsp_end(const uint32_t *sums, int32_t c, int32_t i, int32_t total,
                                        const int pixels, const int variant, const int bits) {
    const int32_t above = smidgen_dsp_above(c, variant, bits);
    uint32_t sum = sums[c * pixels + i];
    if (above > 0)
        sum = (uint32_t)((int32_t)(sum - sums[(c - 1) * pixels + i]) >> above);
    if (bits < 8 && (c < 3 || variant == SMIDGEN_DSP_WIDE))
        sum -= (uint32_t)total << (bits - 1);
    return sum;
}

/* Pointers that move on from block to block. */
struct smidgen_dsp_channels {
    const uint32_t *weights;
    const int32_t *bias;
    const uint32_t *multiplier;
    const int8_t *shift;
    int8_t *out;
};

/* The first `count` channels of a block. */
SMIDGEN_INLINE void smidgen_dsp_some(const struct smidgen_dsp_block *block,
                                     struct smidgen_dsp_channels *at, const uint32_t *x,
                                     const int32_t *totals, const int32_t count, const int pixels,
                                     const int variant, const int bits) {
    const struct smidgen_output output = block->output;
    uint32_t bias[4] = {0, 0, 0, 0}, sums[8];
    for (int32_t c = 0; c < count; c++)
        bias[c] = (uint32_t)*at->bias++;
    for (int32_t c = 0; c < 4; c++) {
        const int32_t above = smidgen_dsp_above(c, variant, bits);
        if (above > 0)
            bias[c] = bias[c - 1] + (bias[c] << above);
        for (int32_t i = 0; i < pixels; i++)
            sums[c * pixels + i] = bias[c];
    }
    smidgen_dsp_multiply(at->weights, x, block->quads, sums, pixels, variant, bits);
    at->weights += block->quads * (bits / 2);
    for (int32_t c = 0; c < count; c++) {
        const struct smidgen_dsp_scaling scaling =
            smidgen_dsp_scaling(*at->multiplier, *at->shift, output.zero_point, variant);
        for (int32_t i = 0; i < pixels; i++) {
            const uint32_t sum = smidgen_dsp_end(sums, c, i, totals[i], pixels, variant, bits);
            at->out[i * block->pixel_stride] = smidgen_dsp_finish(sum, &scaling, &output, variant);
        }
        at->multiplier += block->parameter_step;
        at->shift += block->parameter_step;
        at->out++;
    }
}

/* All channels of `pixels` patches; totals: the sums of their inputs. */
SMIDGEN_INLINE void smidgen_dsp_block_body(const struct smidgen_dsp_block *block, const uint32_t *x,
                                           const int32_t *totals, int8_t *out, const int pixels,
                                           const int variant, const int bits) {
    const struct smidgen_dsp_block same = *block;
    struct smidgen_dsp_channels at = {block->weights, block->bias, block->multiplier, block->shift,
                                      out};
    int32_t channels = block->channels;
    for (; channels >= 4; channels -= 4)
        smidgen_dsp_some(&same, &at, x, totals, 4, pixels, variant, bits);
    if (channels > 0)
        smidgen_dsp_some(&same, &at, x, totals, channels, pixels, variant, bits);
}

typedef void smidgen_dsp_block_function(const struct smidgen_dsp_block *block, const uint32_t *x,
                                        const int32_t *totals, int8_t *out);

/* All channels of two patches, and of one vector, for each variant and width. */
#define SMIDGEN_DSP_BLOCK(suffix, variant, bits)                                                   \
    SMIDGEN_SHARED void smidgen_dsp_block_2##suffix(const struct smidgen_dsp_block *block,         \
                                                    const uint32_t *x, const int32_t *totals,      \
                                                    int8_t *out) {                                 \
        smidgen_dsp_block_body(block, x, totals, out, 2, variant, bits);                           \
    }                                                                                              \
    SMIDGEN_SHARED void smidgen_dsp_block_1##suffix(const struct smidgen_dsp_block *block,         \
                                                    const uint32_t *x, const int32_t *totals,      \
                                                    int8_t *out) {                                 \
        smidgen_dsp_block_body(block, x, totals, out, 1, variant, bits);                           \
    }

#define SMIDGEN_DSP_FOR_VARIANTS(define, width, bits)                                              \
    define(width##_clamped, SMIDGEN_DSP_CLAMPED, bits)                                             \
        define(width##_right, SMIDGEN_DSP_RIGHT, bits)                                             \
            define(width##_bounded, SMIDGEN_DSP_BOUNDED, bits)                                     \
                define(width##_wide, SMIDGEN_DSP_WIDE, bits)
#define SMIDGEN_DSP_FOR_ALL(define)                                                                \
    SMIDGEN_DSP_FOR_VARIANTS(define, _i8, 8)                                                       \
    SMIDGEN_DSP_FOR_VARIANTS(define, _i4, 4)                                                       \
    SMIDGEN_DSP_FOR_VARIANTS(define, _i2, 2)

SMIDGEN_DSP_FOR_ALL(SMIDGEN_DSP_BLOCK)

#endif
