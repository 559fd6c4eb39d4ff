/* Products of blocks of 4 output channels with pairs of patches or with 1 vector: the inner loops
 * of convolutions and fully connected layers.
 *
 * Inputs are widened to halves of words. Of each quad of depths the first and third make one word,
 * the second and fourth the next. The patches of a pair lie word beside word,
 * pair after pair. Depths that fill up the last
 * quad are zeros. Where the channels are no multiple of 4, the last block begins with some of those
 * of the block before it.
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

/* Of a block of channels. shift: as struct smidgen_dsp_scaling has it. */
struct smidgen_dsp_parameters {
    int32_t bias[4];
    uint32_t multiplier[4];
    int8_t shift[4];
};

/* One matrix product. quads: of inputs per output; channels: at least 4. pixel_stride: bytes from
 * one patch's outputs to the next's. */
struct smidgen_dsp_block {
    const uint32_t *weights;
    const struct smidgen_dsp_parameters *parameters;
    int32_t quads, channels, pixel_stride;
    struct smidgen_output output;
};

/* Widens a quad to every step-th word of target. Returns sum, with the quad added
 * where weights are narrow. */
SMIDGEN_INLINE uint32_t smidgen_dsp_widen_quad(uint32_t word, uint32_t *target, ptrdiff_t step,
                                               uint32_t sum, const int bits) {
    const uint32_t first = smidgen_dsp_even_bytes(word), second = smidgen_dsp_odd_bytes(word);
    target[0] = first;
    target[step] = second;
    if (bits < 8) {
        sum = smidgen_dsp_multiply_pairs(first, 0x10001u, sum);
        sum = smidgen_dsp_multiply_pairs(second, 0x10001u, sum);
    }
    return sum;
}

/* Widens n inputs and fills up their last quad. Returns sum, with the inputs added where weights
 * are narrow. */
SMIDGEN_INLINE uint32_t smidgen_dsp_widen(const int8_t *x, int32_t n, uint32_t *target,
                                          ptrdiff_t step, uint32_t sum, const int bits) {
    SMIDGEN_KEEP_LOOP
    for (; n >= 4; n -= 4, x += 4, target += 2 * step)
        sum = smidgen_dsp_widen_quad(smidgen_dsp_load(x), target, step, sum, bits);
    if (n > 0)
        sum = smidgen_dsp_widen_quad(smidgen_dsp_load_some(x, n), target, step, sum, bits);
    return sum;
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

/* The sums of one block with `pixels` patches, [channel][pixel]; bias: what each channel's begin
 * with. */
SMIDGEN_INLINE void smidgen_dsp_multiply_plainly(const uint32_t *weights, const uint32_t *x,
                                                 int32_t quads, const uint32_t *bias,
                                                 uint32_t *sums, const int pixels,
                                                 const int variant, const int bits) {
    for (int32_t i = 0; i < 4 * pixels; i++)
        sums[i] = bias[i / pixels];
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
/* Products with weights w for channel c: of both pixels, or of one with either pair of a quad. */
#define SMIDGEN_DSP_FIRST(c, w) SMIDGEN_DSP_LINE("smlad %[" #c "0], %[x0], %[" #w "], %[" #c "0]")
#define SMIDGEN_DSP_SECOND(c, w) SMIDGEN_DSP_LINE("smlad %[" #c "0], %[x1], %[" #w "], %[" #c "0]")
#define SMIDGEN_DSP_BOTH(c, w)                                                                     \
    SMIDGEN_DSP_FIRST(c, w)                                                                        \
    SMIDGEN_DSP_LINE("smlad %[" #c "1], %[x1], %[" #w "], %[" #c "1]")

/* Each pair of a quad with all channels. */
#define SMIDGEN_DSP_PAIR_8(multiply, bytes)                                                        \
    SMIDGEN_DSP_LINE("ldrd %[w0], %[w1], [%[w]], #8")                                              \
    multiply(b, w0) multiply(d, w1) SMIDGEN_DSP_LINE("sxtb16 %[w0], %[w0]")                        \
        SMIDGEN_DSP_LINE("sxtb16 %[w1], %[w1]") multiply(a, w0) multiply(c, w1)
#define SMIDGEN_DSP_PAIR_4(multiply, bytes)                                                        \
    SMIDGEN_DSP_LINE("ldr %[w0], [%[w]], #4")                                                      \
    multiply(d, w0) SMIDGEN_DSP_LINE("bic %[w0], %[w0], #0xf000f000") multiply(c, w0)              \
        SMIDGEN_DSP_LINE("uxtb16 %[w0], %[w0]") multiply(b, w0)                                    \
            SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x000f000f") multiply(a, w0)
#define SMIDGEN_DSP_PAIR_2(multiply, bytes)                                                        \
    SMIDGEN_DSP_LINE("sxtb16 %[w0], %[w1]" bytes)                                                  \
    multiply(d, w0) SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x003f003f") multiply(c, w0)              \
        SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x000f000f") multiply(b, w0)                          \
            SMIDGEN_DSP_LINE("and %[w0], %[w0], #0x00030003") multiply(a, w0)

/* A quad; begin: what both of its pairs need, for narrow weights. */
#define SMIDGEN_DSP_INPUTS SMIDGEN_DSP_LINE("ldrd %[x0], %[x1], [%[x]], #8")
#define SMIDGEN_DSP_QUAD_OF_1(begin, pair)                                                         \
    begin SMIDGEN_DSP_INPUTS pair(SMIDGEN_DSP_FIRST, "") pair(SMIDGEN_DSP_SECOND, ", ror #8")
#define SMIDGEN_DSP_QUAD_OF_2(begin, pair)                                                         \
    begin SMIDGEN_DSP_INPUTS pair(SMIDGEN_DSP_BOTH, "") SMIDGEN_DSP_INPUTS pair(SMIDGEN_DSP_BOTH,  \
                                                                                ", ror #8")
#define SMIDGEN_DSP_QUAD_8(quad) quad("", SMIDGEN_DSP_PAIR_8)
#define SMIDGEN_DSP_QUAD_4(quad) quad("", SMIDGEN_DSP_PAIR_4)
#define SMIDGEN_DSP_QUAD_2(quad) quad(SMIDGEN_DSP_LINE("ldr %[w1], [%[w]], #4"), SMIDGEN_DSP_PAIR_2)

/* Several quads at a time; the first time some are jumped over where their number is no multiple:
 * x0 bytes of instructions, from the nop on. With two pixels every register but the stack pointer
 * is taken, so the end is compared from memory. */
#if SMIDGEN_UNROLL
#define SMIDGEN_DSP_QUADS 4
#define SMIDGEN_DSP_REPEAT(quad) quad quad quad quad
#else
#define SMIDGEN_DSP_QUADS 2
#define SMIDGEN_DSP_REPEAT(quad) quad quad
#endif
#define SMIDGEN_DSP_LOOP(quad)                                                                     \
    SMIDGEN_DSP_LINE("add pc, %[x0]")                                                              \
    SMIDGEN_DSP_LINE("nop")                                                                        \
    SMIDGEN_DSP_LINE("1:")                                                                         \
    SMIDGEN_DSP_REPEAT(quad)                                                                       \
    SMIDGEN_DSP_LINE("ldr %[x0], %[end]")                                                          \
    SMIDGEN_DSP_LINE("cmp %[x], %[x0]")                                                            \
    SMIDGEN_DSP_LINE("bne 1b")
#define SMIDGEN_DSP_REGISTERS                                                                      \
    [w] "+r"(weights), [x] "+r"(x), [x0] "+r"(over), [x1] "=&r"(x1), [w0] "=&r"(w0), [w1] "=&r"(w1)
#define SMIDGEN_DSP_MULTIPLY_1(quad)                                                               \
    __asm__(SMIDGEN_DSP_LOOP(quad(SMIDGEN_DSP_QUAD_OF_1))                                          \
            : [a0] "+r"(a0), [b0] "+r"(b0), [c0] "+r"(c0), [d0] "+r"(d0), SMIDGEN_DSP_REGISTERS    \
            : [end] "m"(end)                                                                       \
            : "cc", "memory")
#define SMIDGEN_DSP_MULTIPLY_2(quad)                                                               \
    __asm__(SMIDGEN_DSP_LOOP(quad(SMIDGEN_DSP_QUAD_OF_2))                                          \
            : [a0] "+r"(a0), [a1] "+r"(a1), [b0] "+r"(b0), [b1] "+r"(b1), [c0] "+r"(c0),           \
              [c1] "+r"(c1), [d0] "+r"(d0), [d1] "+r"(d1), SMIDGEN_DSP_REGISTERS                   \
            : [end] "m"(end)                                                                       \
            : "cc", "memory")

/* Instructions of a quad; each has 4 bytes. */
SMIDGEN_INLINE int32_t smidgen_dsp_quad_length(const int pixels, const int bits) {
    const int32_t of_pair = (bits == 8 ? 3 : 4) + 4 * pixels;
    return 2 * of_pair + pixels + (bits == 2);
}

/* As smidgen_dsp_multiply_plainly, not WIDE. */
SMIDGEN_INLINE void smidgen_dsp_multiply_fast(const uint32_t *weights, const uint32_t *x,
                                              int32_t quads, const uint32_t *bias, uint32_t *sums,
                                              const int pixels, const int bits) {
    const uint32_t *const end = x + 2 * pixels * quads;
    uint32_t a0 = bias[0], b0 = bias[1], c0 = bias[2], d0 = bias[3];
    uint32_t over =
        (uint32_t)(4 * smidgen_dsp_quad_length(pixels, bits) * (-quads & (SMIDGEN_DSP_QUADS - 1)));
    uint32_t x1, w0, w1;
    if (pixels == 1) {
        if (bits == 8)
            SMIDGEN_DSP_MULTIPLY_1(SMIDGEN_DSP_QUAD_8);
        else if (bits == 4)
            SMIDGEN_DSP_MULTIPLY_1(SMIDGEN_DSP_QUAD_4);
        else
            SMIDGEN_DSP_MULTIPLY_1(SMIDGEN_DSP_QUAD_2);
        sums[0] = a0, sums[1] = b0, sums[2] = c0, sums[3] = d0;
        return;
    }
    uint32_t a1 = a0, b1 = b0, c1 = c0, d1 = d0;
    if (bits == 8)
        SMIDGEN_DSP_MULTIPLY_2(SMIDGEN_DSP_QUAD_8);
    else if (bits == 4)
        SMIDGEN_DSP_MULTIPLY_2(SMIDGEN_DSP_QUAD_4);
    else
        SMIDGEN_DSP_MULTIPLY_2(SMIDGEN_DSP_QUAD_2);
    sums[0] = a0, sums[1] = a1, sums[2] = b0, sums[3] = b1;
    sums[4] = c0, sums[5] = c1, sums[6] = d0, sums[7] = d1;
}
#endif

SMIDGEN_INLINE void smidgen_dsp_multiply(const uint32_t *weights, const uint32_t *x, int32_t quads,
                                         const uint32_t *bias, uint32_t *sums, const int pixels,
                                         const int variant, const int bits) {
#ifdef __ARM_FEATURE_DSP
    if (variant != SMIDGEN_DSP_WIDE) {
        smidgen_dsp_multiply_fast(weights, x, quads, bias, sums, pixels, bits);
        return;
    }
#endif
    smidgen_dsp_multiply_plainly(weights, x, quads, bias, sums, pixels, variant, bits);
}

/* Bits by which channel c lies above the channels whose sums are in its own; 0 when it is alone. */
SMIDGEN_INLINE int32_t smidgen_dsp_above(int32_t c, const int variant, const int bits) {
    if (variant == SMIDGEN_DSP_WIDE)
        return 0;
    return bits == 8 ? c % 2 * 8 : c * bits;
}

/* The outputs of one block. sums: [pair of patches][channel][patch], of `pixels` patches; totals:
 * the sums of their inputs, where weights are narrow. */
SMIDGEN_INLINE void smidgen_dsp_finish_block(const struct smidgen_dsp_block *block,
                                             const struct smidgen_dsp_parameters *parameters,
                                             const uint32_t *sums, const uint32_t *totals,
                                             int8_t *out, const int pixels, const int variant,
                                             const int bits) {
    /* Copies, since any store of an output might change what pointers lead to. */
    const struct smidgen_output output = block->output;
    const ptrdiff_t pixel_stride = block->pixel_stride;
    const int together = pixels < 2 ? pixels : 2;
    uint32_t below[4] = {0, 0, 0, 0};
    for (int32_t c = 0; c < 4; c++) {
        const int32_t above = smidgen_dsp_above(c, variant, bits);
        const struct smidgen_dsp_scaling scaling = smidgen_dsp_scaling(
            parameters->multiplier[c], parameters->shift[c], output.zero_point, variant);
        for (int32_t i = 0; i < pixels; i++) {
            const uint32_t sum = sums[i / together * 8 + c * together + i % together];
            uint32_t value = sum;
            if (above > 0)
                value = (uint32_t)((int32_t)(sum - below[i]) >> above);
            if (bits < 8 && (c < 3 || variant == SMIDGEN_DSP_WIDE))
                value -= totals[i] << (bits - 1);
            out[c + i * pixel_stride] = smidgen_dsp_finish(value, &scaling, &output, variant);
            below[i] = sum;
        }
    }
}

typedef void smidgen_dsp_finish_function(const struct smidgen_dsp_block *block,
                                         const struct smidgen_dsp_parameters *parameters,
                                         const uint32_t *sums, const uint32_t *totals, int8_t *out);

/* All channels of one vector (pixels 1, pairs 1), or of `pairs` pairs of patches (pixels 2). */
SMIDGEN_INLINE void smidgen_dsp_block_body(const struct smidgen_dsp_block *block, const uint32_t *x,
                                           const uint32_t *totals, int8_t *out, const int32_t pairs,
                                           smidgen_dsp_finish_function *finish, const int pixels,
                                           const int variant, const int bits) {
    const uint32_t *weights = block->weights;
    const struct smidgen_dsp_parameters *parameters = block->parameters;
    const int32_t quads = block->quads, weight_words = quads * (bits / 2);
    int8_t *const last = out + block->channels - 4;
    for (;;) {
        uint32_t bias[4], sums[16];
        for (int32_t c = 0; c < 4; c++) {
            const int32_t above = smidgen_dsp_above(c, variant, bits);
            bias[c] = (uint32_t)parameters->bias[c];
            if (above > 0)
                bias[c] = bias[c - 1] + (bias[c] << above);
        }
        SMIDGEN_KEEP_LOOP
        for (int32_t pair = 0; pair < pairs; pair++)
            smidgen_dsp_multiply(weights, x + pair * 4 * quads, quads, bias, sums + 8 * pair,
                                 pixels, variant, bits);
        finish(block, parameters, sums, totals, out);
        if (out == last)
            break;
        out += 4;
        if (out > last)
            out = last;
        weights += weight_words;
        parameters++;
    }
}

typedef void smidgen_dsp_block_function(const struct smidgen_dsp_block *block, const uint32_t *x,
                                        const uint32_t *totals, int8_t *out);

#define SMIDGEN_DSP_BLOCK(patches, pixels, suffix, variant, bits)                                  \
    SMIDGEN_SHARED void smidgen_dsp_finish_##patches##suffix(                                      \
        const struct smidgen_dsp_block *block, const struct smidgen_dsp_parameters *parameters,    \
        const uint32_t *sums, const uint32_t *totals, int8_t *out) {                               \
        smidgen_dsp_finish_block(block, parameters, sums, totals, out, patches, variant, bits);    \
    }                                                                                              \
    SMIDGEN_SHARED void smidgen_dsp_block_##patches##suffix(const struct smidgen_dsp_block *block, \
                                                            const uint32_t *x,                     \
                                                            const uint32_t *totals, int8_t *out) { \
        smidgen_dsp_block_body(block, x, totals, out, patches / pixels,                            \
                               smidgen_dsp_finish_##patches##suffix, pixels, variant, bits);       \
    }

/* All channels of four or two patches, and of one vector, for each variant and width. */
#define SMIDGEN_DSP_BLOCKS(suffix, variant, bits)                                                  \
    SMIDGEN_DSP_BLOCK(4, 2, suffix, variant, bits)                                                 \
    SMIDGEN_DSP_BLOCK(2, 2, suffix, variant, bits)                                                 \
    SMIDGEN_DSP_BLOCK(1, 1, suffix, variant, bits)

#define SMIDGEN_DSP_FOR_VARIANTS(define, width, bits)                                              \
    define(width##_clamped, SMIDGEN_DSP_CLAMPED, bits)                                             \
        define(width##_right, SMIDGEN_DSP_RIGHT, bits)                                             \
            define(width##_bounded, SMIDGEN_DSP_BOUNDED, bits)                                     \
                define(width##_wide, SMIDGEN_DSP_WIDE, bits)
#define SMIDGEN_DSP_FOR_ALL(define)                                                                \
    SMIDGEN_DSP_FOR_VARIANTS(define, _i8, 8)                                                       \
    SMIDGEN_DSP_FOR_VARIANTS(define, _i4, 4)                                                       \
    SMIDGEN_DSP_FOR_VARIANTS(define, _i2, 2)

SMIDGEN_DSP_FOR_ALL(SMIDGEN_DSP_BLOCKS)

#endif
