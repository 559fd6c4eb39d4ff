/* Matrix products: 2 output channels with 4 patches, or 4 with 1 vector. The inner loops of
 * convolutions and fully connected layers.
 *
 * VMLADAVA adds the products of two vectors of 16 bytes to an even core register, so 8 sums stay in
 * registers. Patches lie interleaved, [depth / 16][4][16], filled up with zeros, so one pointer
 * walks through them, and what is loaded beyond the end of a row of weights is multiplied by zero.
 *
 * Weights of 8 bits lie in rows of `depth` bytes, one per channel. Narrow ones share a row: the
 * fields of a byte belong to 2 (4 bits) or 4 (2 bits) consecutive channels, the first in the lowest
 * bits. Every field but the highest holds its weight plus half the range, so that it is what a mask
 * leaves, less the fields below it, and the byte as it is serves for the highest:
 *   sum(x * (byte & 3)) = s0,  sum(x * (byte & 15)) = s0 + 4 * s1,  ...
 * One AND instead of two shifts for most; the sums are taken apart once per output. */
#ifndef SMIDGEN_KERNELS_MVE_PRODUCT_H
#define SMIDGEN_KERNELS_MVE_PRODUCT_H

#include "vectors.h"

#define SMIDGEN_MVE_PATCHES 4 /* that are interleaved */

/* One matrix product. depth: inputs per output; pixel_stride: bytes from one patch's outputs to the
 * next's. */
struct smidgen_mve_product {
    const int8_t *weights;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t depth, channels, pixel_stride;
    struct smidgen_output output;
};

/* All channels of 4 patches, or of 1 vector. */
typedef void (*smidgen_mve_product_function)(const struct smidgen_mve_product *product,
                                             const int8_t *x, int8_t *y);

SMIDGEN_INLINE int32_t smidgen_mve_vectors(int32_t depth) {
    return (depth + SMIDGEN_MVE_LANES - 1) / SMIDGEN_MVE_LANES;
}

#if SMIDGEN_MVE_ASSEMBLY
/* clang-format off */
#define SMIDGEN_MVE_STEP(load, multiply)                                                           \
    load                                                                                           \
    "vldrb.8 %q[x0], [%[x]], #16\n"                                                                \
    "vldrb.8 %q[x1], [%[x]], #16\n"                                                                \
    multiply ".s8 r0, %q[x0], %q[a]\n"                                                             \
    multiply ".s8 r2, %q[x0], %q[b]\n"                                                             \
    "vldrb.8 %q[x0], [%[x]], #16\n"                                                                \
    multiply ".s8 r4, %q[x1], %q[a]\n"                                                             \
    multiply ".s8 r6, %q[x1], %q[b]\n"                                                             \
    "vldrb.8 %q[x1], [%[x]], #16\n"                                                                \
    multiply ".s8 r8, %q[x0], %q[a]\n"                                                             \
    multiply ".s8 r10, %q[x0], %q[b]\n"                                                            \
    multiply ".s8 r12, %q[x1], %q[a]\n"                                                            \
    multiply ".s8 lr, %q[x1], %q[b]\n"
/* load: two vectors of weights into a and b. */
#define SMIDGEN_MVE_DOT(load)                                                                      \
    SMIDGEN_MVE_STEP(load, "vmladav")                                                              \
    "b 2f\n"                                                                                       \
    "1:\n"                                                                                         \
    SMIDGEN_MVE_STEP(load, "vmladava")                                                             \
    "2: subs %[n], #1\n"                                                                           \
    "bne 1b\n"                                                                                     \
    "vmov %q[a][2], %q[a][0], r0, r8\n"                                                            \
    "vmov %q[b][2], %q[b][0], r2, r10\n"                                                           \
    "vmov %q[a][3], %q[a][1], r4, r12\n"                                                           \
    "vmov %q[b][3], %q[b][1], r6, lr\n"
/* clang-format on */
#define SMIDGEN_MVE_CLOBBERS "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "cc", "memory"
#endif

/* Sums of two channels with 4 patches, one in each lane. */
struct smidgen_mve_sums {
    int32x4_t a, b;
};

/* Weights of 8 bits. w, v: their rows; vectors: of depth, at least 1. */
SMIDGEN_INLINE struct smidgen_mve_sums smidgen_mve_dot(const int8_t *x, const int8_t *w,
                                                       const int8_t *v, int32_t vectors) {
    struct smidgen_mve_sums sums;
#if SMIDGEN_MVE_ASSEMBLY
    int32x4_t a, b, x0, x1;
    __asm__ volatile(SMIDGEN_MVE_DOT("vldrb.8 %q[a], [%[w]], #16\n"
                                     "vldrb.8 %q[b], [%[v]], #16\n")
                     : [a] "=&w"(a), [b] "=&w"(b), [x0] "=&w"(x0), [x1] "=&w"(x1), [x] "+r"(x),
                       [w] "+r"(w), [v] "+r"(v), [n] "+r"(vectors)
                     :
                     : SMIDGEN_MVE_CLOBBERS);
    sums.a = a;
    sums.b = b;
#else
    sums.a = sums.b = vdupq_n_s32(0);
    for (int32_t k = 0; k < vectors * SMIDGEN_MVE_LANES; k++) {
        const int8_t *const at = x + k / 16 * 64 + k % 16;
        for (int i = 0; i < SMIDGEN_MVE_PATCHES; i++) {
            sums.a.lane[i] += w[k] * at[16 * i];
            sums.b.lane[i] += v[k] * at[16 * i];
        }
    }
#endif
    return sums;
}

/* As smidgen_mve_dot, of the fields of one row that two masks leave; a mask of -1 costs nothing. */
SMIDGEN_INLINE struct smidgen_mve_sums smidgen_mve_dot_masked(const int8_t *x, const int8_t *w,
                                                              int32_t vectors, const int mask_a,
                                                              const int mask_b) {
    struct smidgen_mve_sums sums;
#if SMIDGEN_MVE_ASSEMBLY
    const int8x16_t m = vdupq_n_s8((int8_t)mask_a);
    int32x4_t a, b, x0, x1;
    if (mask_b == -1) {
        __asm__ volatile(SMIDGEN_MVE_DOT("vldrb.8 %q[b], [%[w]], #16\n"
                                         "vand %q[a], %q[b], %q[m]\n")
                         : [a] "=&w"(a), [b] "=&w"(b), [x0] "=&w"(x0), [x1] "=&w"(x1), [x] "+r"(x),
                           [w] "+r"(w), [n] "+r"(vectors)
                         : [m] "w"(m)
                         : SMIDGEN_MVE_CLOBBERS);
    } else {
        const int8x16_t o = vdupq_n_s8((int8_t)mask_b);
        __asm__ volatile(SMIDGEN_MVE_DOT("vldrb.8 %q[b], [%[w]], #16\n"
                                         "vand %q[a], %q[b], %q[m]\n"
                                         "vand %q[b], %q[b], %q[o]\n")
                         : [a] "=&w"(a), [b] "=&w"(b), [x0] "=&w"(x0), [x1] "=&w"(x1), [x] "+r"(x),
                           [w] "+r"(w), [n] "+r"(vectors)
                         : [m] "w"(m), [o] "w"(o)
                         : SMIDGEN_MVE_CLOBBERS);
    }
    sums.a = a;
    sums.b = b;
#else
    sums.a = sums.b = vdupq_n_s32(0);
    for (int32_t k = 0; k < vectors * SMIDGEN_MVE_LANES; k++) {
        const int8_t *const at = x + k / 16 * 64 + k % 16;
        for (int i = 0; i < SMIDGEN_MVE_PATCHES; i++) {
            sums.a.lane[i] += (w[k] & mask_a) * at[16 * i];
            sums.b.lane[i] += (w[k] & mask_b) * at[16 * i];
        }
    }
#endif
    return sums;
}

/* Half the range of narrow weights times the sum of each patch. */
SMIDGEN_INLINE int32x4_t smidgen_mve_half_sums(const int8_t *patches, int32_t vectors,
                                               const int bits) {
    int32_t sums[SMIDGEN_MVE_PATCHES];
    for (int i = 0; i < SMIDGEN_MVE_PATCHES; i++) {
        int32_t sum = 0;
        for (int32_t k = 0; k < vectors; k++)
            sum = vaddvaq_s8(sum, vldrbq_s8(patches + 64 * k + 16 * i));
        sums[i] = sum * (1 << (bits - 1));
    }
    return vldrwq_s32(sums);
}

/* What is left to do of a product with 4 patches: the next channel's parameters and output. */
struct smidgen_mve_rest {
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int8_t *y;
    uint16x8_t places;
    int16x8_t least, most;
    int32_t zero_point;
};

/* Requantizes and stores the next channel. */
SMIDGEN_INLINE void smidgen_mve_store_one(int32x4_t sums, const struct smidgen_mve_rest *rest,
                                          int32_t pixel_stride, const int variant) {
    sums = smidgen_mve_scale(sums, *rest->bias, *rest->multiplier, *rest->shift, variant);
    const int16x8_t outputs =
        smidgen_mve_finish(sums, sums, rest->zero_point, rest->least, rest->most, variant);
    const uint32x4_t pixels = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)pixel_stride);
    vstrbq_scatter_offset_s32(rest->y, pixels, vreinterpretq_s32_s16(outputs));
}

/* Requantizes and stores the next two channels. */
SMIDGEN_INLINE void smidgen_mve_store_pair(struct smidgen_mve_sums sums,
                                           struct smidgen_mve_rest *rest, const int variant) {
    sums.a = smidgen_mve_scale(sums.a, rest->bias[0], rest->multiplier[0], rest->shift[0], variant);
    sums.b = smidgen_mve_scale(sums.b, rest->bias[1], rest->multiplier[1], rest->shift[1], variant);
    const int16x8_t outputs =
        smidgen_mve_finish(sums.a, sums.b, rest->zero_point, rest->least, rest->most, variant);
    vstrbq_scatter_offset_s16(rest->y, rest->places, outputs);
    rest->bias += 2;
    rest->multiplier += 2;
    rest->shift += 2;
    rest->y += 2;
}

/* The sums of the first two or, of 2 bits, the last two channels whose weights share a row. below:
 * what the first two left over. */
SMIDGEN_INLINE struct smidgen_mve_sums smidgen_mve_dot_narrow(const int8_t *x, const int8_t *w,
                                                              int32_t vectors, int32x4_t half,
                                                              int32x4_t *below, const int last,
                                                              const int bits) {
    struct smidgen_mve_sums sums;
    if (bits == 4) {
        sums = smidgen_mve_dot_masked(x, w, vectors, 15, -1);
        sums.b = vshrq_n_s32(vsubq_s32(sums.b, sums.a), 4);
    } else if (!last) {
        sums = smidgen_mve_dot_masked(x, w, vectors, 3, 15);
        *below = sums.b;
        sums.b = vsubq_s32(vshrq_n_s32(vsubq_s32(sums.b, sums.a), 2), half);
    } else {
        sums = smidgen_mve_dot_masked(x, w, vectors, 63, -1);
        sums.b = vshrq_n_s32(vsubq_s32(sums.b, sums.a), 6);
        sums.a = vshrq_n_s32(vsubq_s32(sums.a, *below), 4);
    }
    sums.a = vsubq_s32(sums.a, half);
    return sums;
}

/* All channels of 4 interleaved patches. */
SMIDGEN_INLINE void smidgen_mve_product_4_body(const struct smidgen_mve_product *product,
                                               const int8_t *patches, int8_t *y, const int variant,
                                               const int bits) {
    const int32_t pixel_stride = product->pixel_stride;
    const uint16x8_t lane = vidupq_n_u16(0, 1); /* of 4 pixels, 2 channels of each */
    const uint16x8_t pixels = vmulq_n_u16(vshrq_n_u16(lane, 1), (uint16_t)pixel_stride);
    struct smidgen_mve_rest rest = {
        product->bias,
        product->multiplier,
        product->shift,
        y,
        vaddq_u16(pixels, vandq_u16(lane, vdupq_n_u16(1))),
        vdupq_n_s16((int16_t)product->output.min),
        vdupq_n_s16((int16_t)product->output.max),
        product->output.zero_point,
    };
    const int32_t vectors = smidgen_mve_vectors(product->depth), depth = product->depth;
    const int8_t *w = product->weights;
    int32_t left = product->channels;
    if (bits == 8) {
        for (; left >= 2; left -= 2, w += 2 * (ptrdiff_t)depth)
            smidgen_mve_store_pair(smidgen_mve_dot(patches, w, w + depth, vectors), &rest, variant);
        if (left > 0)
            smidgen_mve_store_one(smidgen_mve_dot(patches, w, w, vectors).a, &rest, pixel_stride,
                                  variant);
        return;
    }
    const int32x4_t half = smidgen_mve_half_sums(patches, vectors, bits);
    int32x4_t below = half;
    for (; left >= 8 / bits; left -= 8 / bits, w += depth) {
        smidgen_mve_store_pair(smidgen_mve_dot_narrow(patches, w, vectors, half, &below, 0, bits),
                               &rest, variant);
        if (bits == 2)
            smidgen_mve_store_pair(
                smidgen_mve_dot_narrow(patches, w, vectors, half, &below, 1, bits), &rest, variant);
    }
    if (left == 0)
        return;
    struct smidgen_mve_sums sums =
        smidgen_mve_dot_narrow(patches, w, vectors, half, &below, 0, bits);
    if (left >= 2) {
        smidgen_mve_store_pair(sums, &rest, variant);
        sums = smidgen_mve_dot_narrow(patches, w, vectors, half, &below, 1, bits);
    }
    if (left % 2)
        smidgen_mve_store_one(sums.a, &rest, pixel_stride, variant);
}

#define SMIDGEN_MVE_PRODUCT_4(variant, value, width, bits)                                         \
    SMIDGEN_SHARED void smidgen_mve_product_4_##width##variant(                                    \
        const struct smidgen_mve_product *product, const int8_t *patches, int8_t *y) {             \
        smidgen_mve_product_4_body(product, patches, y, value, bits);                              \
    }

SMIDGEN_MVE_VARIANTS(SMIDGEN_MVE_PRODUCT_4)

#endif
