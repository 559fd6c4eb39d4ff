/* Fixed-point requantization and clamping, shared by all portable kernels.
 *
 * Every kernel is `static inline void smidgen_X(const struct smidgen_X_shape *shape, reads...,
 * blobs..., writes..., scratch)`. Accumulators are uint32_t: they wrap as two's complement does,
 * which is what the int32 accumulators of TensorFlow Lite Micro do on real machines, without
 * undefined behaviour. */
#ifndef SMIDGEN_KERNELS_COMMON_H
#define SMIDGEN_KERNELS_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* One copy of an inner loop for all callers, and a body that is built into each of its variants. */
#if defined(__GNUC__)
#define SMIDGEN_SHARED static __attribute__((noinline, unused))
#define SMIDGEN_INLINE static inline __attribute__((always_inline))
#else
#define SMIDGEN_SHARED static
#define SMIDGEN_INLINE static inline
#endif

/* Keeps GCC from unrolling the loop that follows where that buys no speed. */
#if defined(__GNUC__) && !defined(__clang__)
#define SMIDGEN_KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define SMIDGEN_KEEP_LOOP
#endif

/* For speed loops are unrolled and small functions built into each of their users; for size
 * neither. */
#ifdef __OPTIMIZE_SIZE__
#define SMIDGEN_UNROLL 0
#define SMIDGEN_INLINE_FOR_SPEED SMIDGEN_SHARED
#else
#define SMIDGEN_UNROLL 1
#define SMIDGEN_INLINE_FOR_SPEED SMIDGEN_INLINE
#endif

SMIDGEN_INLINE int32_t smidgen_clamp(int32_t x, int32_t low, int32_t high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* x * multiplier / 2^32, rounded to nearest, ties upward. A multiplier is twice the 31-bit
 * multiplier of the TFLite 8-bit specification, so this is gemmlowp's saturating rounding doubling
 * high multiply (arXiv 1712.05877): it saturates only for two factors of -2^31, and no multiplier
 * is negative. */
#if defined(__thumb__) && !defined(__thumb2__)
/* ARMv6-M has no product of more than 32 bits: it is put together from products of halves. */
SMIDGEN_SHARED int32_t smidgen_multiply_high(int32_t x, uint32_t multiplier) {
    const uint32_t lower = (uint32_t)x & 0xffffu, lower_multiplier = multiplier & 0xffffu;
    const int32_t upper = x >> 16, upper_multiplier = (int32_t)(multiplier >> 16);
    const uint32_t low = lower * lower_multiplier, right = lower * (uint32_t)upper_multiplier;
    const int32_t left = upper * (int32_t)lower_multiplier;
    const uint32_t middle = (low >> 16) + (right & 0xffffu) + ((uint32_t)left & 0xffffu);
    return upper * upper_multiplier + (int32_t)(right >> 16) + (left >> 16) +
           (int32_t)((middle + 0x8000u) >> 16);
}
#else
SMIDGEN_INLINE int32_t smidgen_multiply_high(int32_t x, uint32_t multiplier) {
    const int64_t product = (int64_t)x * multiplier;
    return (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
}
#endif

/* x / 2^exponent, rounded to nearest, ties away from zero; 0 <= exponent <= 31. */
SMIDGEN_INLINE int32_t smidgen_rounding_shift(int32_t x, int32_t exponent) {
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + ((x & mask) > threshold);
}

/* Scales an accumulator by multiplier / 2^32 / 2^shift; a negative shift goes left, first, and
 * wraps. */
SMIDGEN_INLINE int32_t smidgen_scale(uint32_t x, uint32_t multiplier, int32_t shift) {
    const uint32_t shifted = shift < 0 ? x << -shift : x;
    return smidgen_rounding_shift(smidgen_multiply_high((int32_t)shifted, multiplier),
                                  shift < 0 ? 0 : shift);
}

/* How an int8 output is made from a scaled accumulator. */
struct smidgen_output {
    int32_t zero_point, min, max;
};

/* The output of any accumulator, with any shift. */
SMIDGEN_INLINE_FOR_SPEED int8_t smidgen_requantize(uint32_t x, uint32_t multiplier, int32_t shift,
                                                   const struct smidgen_output *output) {
    const uint32_t scaled = (uint32_t)smidgen_scale(x, multiplier, shift);
    const int32_t shifted = (int32_t)(scaled + (uint32_t)output->zero_point);
    return (int8_t)smidgen_clamp(shifted, output->min, output->max);
}

/* Which accumulators, shifts and outputs a kernel is built for; each is the cheapest that is still
 * exact. RIGHT: 0 <= shift and |accumulator| + 2^shift * |2 * zero point + 1| < 2^31 - 1.
 * CLAMPED: besides, outputs below the zero point are clamped to it, so how a negative value is
 * rounded does not matter. WIDE: every shift and accumulator. */
enum { SMIDGEN_CLAMPED, SMIDGEN_RIGHT, SMIDGEN_WIDE };

/* One channel's scaling. rounding is added before the right shift: half of the last place, and the
 * zero point; below_zero is added as well to a negative value, so that ties go away from zero. */
struct smidgen_scaling {
    uint32_t multiplier;
    int32_t shift, rounding, below_zero;
};

SMIDGEN_INLINE struct smidgen_scaling smidgen_scaling(uint32_t multiplier, int32_t shift,
                                                      int32_t zero_point, const int variant) {
    struct smidgen_scaling scaling = {multiplier, shift, 0, shift > 0 ? -1 : 0};
    if (variant != SMIDGEN_WIDE)
        scaling.rounding = (int32_t)((uint32_t)(2 * zero_point + 1) << shift) >> 1;
    return scaling;
}

/* x scaled, for a scaling made with a zero point of 0 and what the variant allows. */
SMIDGEN_INLINE int32_t smidgen_scale_by(uint32_t x, const struct smidgen_scaling *scaling,
                                        const int variant) {
    if (variant == SMIDGEN_WIDE)
        return smidgen_scale(x, scaling->multiplier, scaling->shift);
    int32_t high = smidgen_multiply_high((int32_t)x, scaling->multiplier);
    if (variant == SMIDGEN_RIGHT)
        high += (high >> 31) & scaling->below_zero;
    return (high + scaling->rounding) >> scaling->shift;
}

/* As smidgen_requantize, for what the variant allows. */
SMIDGEN_INLINE int8_t smidgen_finish(uint32_t x, const struct smidgen_scaling *scaling,
                                     const struct smidgen_output *output, const int variant) {
    if (variant == SMIDGEN_WIDE)
        return smidgen_requantize(x, scaling->multiplier, scaling->shift, output);
    return (int8_t)smidgen_clamp(smidgen_scale_by(x, scaling, variant), output->min, output->max);
}

#endif
