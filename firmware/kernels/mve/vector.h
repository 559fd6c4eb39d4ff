/* Products of 4 output channels with 1 vector: fully connected layers, and what is left of a
 * convolution after its blocks of 4 patches. Weights lie as in product.h. */
#ifndef SMIDGEN_KERNELS_MVE_VECTOR_H
#define SMIDGEN_KERNELS_MVE_VECTOR_H

#include "product.h"

#if SMIDGEN_MVE_ASSEMBLY
/* clang-format off */
/* A loop that switches the lanes beyond `depth` off; steps: what adds to the sums. */
#define SMIDGEN_MVE_VECTOR(steps)                                                                  \
    "dlstp.8 lr, %[n]\n"                                                                           \
    "1:\n"                                                                                         \
    "vldrb.8 %q[a], [%[x]], #16\n"                                                                 \
    steps                                                                                          \
    "letp lr, 1b\n"                                                                                \
    "vmov %q[a][2], %q[a][0], %[s0], %[s2]\n"                                                      \
    "vmov %q[a][3], %q[a][1], %[s1], %[s3]\n"
/* clang-format on */
/* Its operands; Te: an even register. */
#define SMIDGEN_MVE_VECTOR_OPERANDS                                                                \
    [a] "=&w"(a), [b] "=&w"(b), [x] "+r"(x), [s0] "+Te"(s0), [s1] "+Te"(s1), [s2] "+Te"(s2),       \
        [s3] "+Te"(s3)
#endif

/* The sums of 4 channels with one vector. w: the rows of their weights. What narrow weights have
 * too much is still in the sums. */
SMIDGEN_INLINE int32x4_t smidgen_mve_dot_vector(const int8_t *x, const int8_t *const w[4],
                                                int32_t depth, const int bits) {
#if SMIDGEN_MVE_ASSEMBLY
    int32x4_t a, b, c;
    const int8_t *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    if (bits == 8) {
        __asm__ volatile(SMIDGEN_MVE_VECTOR("vldrb.8 %q[b], [%[w0]], #16\n"
                                            "vmladava.s8 %[s0], %q[a], %q[b]\n"
                                            "vldrb.8 %q[b], [%[w1]], #16\n"
                                            "vmladava.s8 %[s1], %q[a], %q[b]\n"
                                            "vldrb.8 %q[b], [%[w2]], #16\n"
                                            "vmladava.s8 %[s2], %q[a], %q[b]\n"
                                            "vldrb.8 %q[b], [%[w3]], #16\n"
                                            "vmladava.s8 %[s3], %q[a], %q[b]\n")
                         : SMIDGEN_MVE_VECTOR_OPERANDS, [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2),
                           [w3] "+r"(w3)
                         : [n] "r"(depth)
                         : "lr", "memory");
    } else if (bits == 4) {
        const int8x16_t m = vdupq_n_s8(15);
        __asm__ volatile(SMIDGEN_MVE_VECTOR("vldrb.8 %q[b], [%[w0]], #16\n"
                                            "vldrb.8 %q[c], [%[w1]], #16\n"
                                            "vmladava.s8 %[s1], %q[a], %q[b]\n"
                                            "vand %q[b], %q[b], %q[m]\n"
                                            "vmladava.s8 %[s3], %q[a], %q[c]\n"
                                            "vand %q[c], %q[c], %q[m]\n"
                                            "vmladava.s8 %[s0], %q[a], %q[b]\n"
                                            "vmladava.s8 %[s2], %q[a], %q[c]\n")
                         : SMIDGEN_MVE_VECTOR_OPERANDS, [c] "=&w"(c), [w0] "+r"(w0), [w1] "+r"(w1)
                         : [n] "r"(depth), [m] "w"(m)
                         : "lr", "memory");
    } else {
        const int8x16_t m3 = vdupq_n_s8(3), m15 = vdupq_n_s8(15), m63 = vdupq_n_s8(63);
        __asm__ volatile(SMIDGEN_MVE_VECTOR("vldrb.8 %q[b], [%[w0]], #16\n"
                                            "vand %q[c], %q[b], %q[m3]\n"
                                            "vmladava.s8 %[s3], %q[a], %q[b]\n"
                                            "vmladava.s8 %[s0], %q[a], %q[c]\n"
                                            "vand %q[c], %q[b], %q[m15]\n"
                                            "vand %q[b], %q[b], %q[m63]\n"
                                            "vmladava.s8 %[s1], %q[a], %q[c]\n"
                                            "vmladava.s8 %[s2], %q[a], %q[b]\n")
                         : SMIDGEN_MVE_VECTOR_OPERANDS, [c] "=&w"(c), [w0] "+r"(w0)
                         : [n] "r"(depth), [m3] "w"(m3), [m15] "w"(m15), [m63] "w"(m63)
                         : "lr", "memory");
    }
    return a;
#else
    static const int masks[3][4] = {{-1, -1, -1, -1}, {15, -1, 15, -1}, {3, 15, 63, -1}};
    const int *const mask = masks[bits == 8 ? 0 : bits == 4 ? 1 : 2];
    int32x4_t sums = vdupq_n_s32(0);
    for (int i = 0; i < 4; i++)
        for (int32_t k = 0; k < depth; k++)
            sums.lane[i] += (w[i * bits / 8][k] & mask[i]) * x[k];
    return sums;
#endif
}

SMIDGEN_INLINE int32_t smidgen_mve_sum(const int8_t *x, int32_t depth) {
    int32_t sum = 0;
    for (; depth > 0; depth -= SMIDGEN_MVE_LANES, x += SMIDGEN_MVE_LANES)
        sum = vaddvaq_s8(sum, vldrbq_z_s8(x, vctp8q((uint32_t)depth)));
    return sum;
}

/* The sums of narrow weights as they would be with weights of 8 bits. half: half the weights' range
 * times the sum of the vector. */
SMIDGEN_INLINE int32x4_t smidgen_mve_take_apart(int32x4_t sums, int32_t half, const int bits) {
    int32_t s[4];
    vstrwq_s32(s, sums);
    if (bits == 4) {
        s[1] = (s[1] - s[0]) >> 4;
        s[3] = (s[3] - s[2]) >> 4;
    } else {
        s[3] = (s[3] - s[2]) >> 6;
        s[2] = (s[2] - s[1]) >> 4;
        s[1] = ((s[1] - s[0]) >> 2) - half;
    }
    s[0] -= half;
    s[2] -= half;
    return vldrwq_s32(s);
}

/* All channels of one vector. */
SMIDGEN_INLINE void smidgen_mve_product_1_body(const struct smidgen_mve_product *product,
                                               const int8_t *x, int8_t *y, const int variant,
                                               const int bits) {
    const int32x4_t least = vdupq_n_s32(product->output.min);
    const int32x4_t most = vdupq_n_s32(product->output.max);
    const int32_t depth = product->depth, rows = bits / 2; /* of four channels */
    const int32_t half = bits == 8 ? 0 : smidgen_mve_sum(x, depth) * (1 << (bits - 1));
    const int8_t *w = product->weights;
    for (int32_t channel = 0; channel < product->channels; channel += 4, w += rows * depth) {
        const int32_t left = product->channels - channel;
        const int8_t *row[4] = {w, w, w, w};
        for (int32_t i = 1; i < rows; i++)
            row[i] = i * 8 < left * bits ? row[i - 1] + depth : w;
        int32x4_t sums = smidgen_mve_dot_vector(x, row, depth, bits);
        if (bits != 8)
            sums = smidgen_mve_take_apart(sums, half, bits);
        const mve_pred16_t valid = vctp32q((uint32_t)left);
        sums = smidgen_mve_scale_lanes(sums, vldrwq_z_s32(product->bias + channel, valid),
                                       vldrwq_z_s32(product->multiplier + channel, valid),
                                       vldrbq_z_s32(product->shift + channel, valid), variant);
        sums = vaddq_n_s32(sums, product->output.zero_point);
        vstrbq_p_s32(y + channel, vminq_s32(vmaxq_s32(sums, least), most), valid);
    }
}

#define SMIDGEN_MVE_PRODUCT_1(variant, value, width, bits)                                         \
    SMIDGEN_SHARED void smidgen_mve_product_1_##width##variant(                                    \
        const struct smidgen_mve_product *product, const int8_t *x, int8_t *y) {                   \
        smidgen_mve_product_1_body(product, x, y, value, bits);                                    \
    }

SMIDGEN_MVE_VARIANTS(SMIDGEN_MVE_PRODUCT_1)

#endif
