/* Instructions of the DSP extension of Armv7E-M and Armv8-M, and requantization with them. */
#ifndef SMIDGEN_KERNELS_DSP_DSP_H
#define SMIDGEN_KERNELS_DSP_DSP_H

#include "../portable/common.h"

#ifdef __ARM_FEATURE_DSP

#define SMIDGEN_DSP_1(name, instruction)                                                           \
    SMIDGEN_INLINE uint32_t name(uint32_t x) {                                                     \
        uint32_t result;                                                                           \
        __asm__(instruction : "=r"(result) : "r"(x));                                              \
        return result;                                                                             \
    }
#define SMIDGEN_DSP_2(name, instruction)                                                           \
    SMIDGEN_INLINE uint32_t name(uint32_t x, uint32_t y) {                                         \
        uint32_t result;                                                                           \
        __asm__(instruction : "=r"(result) : "r"(x), "r"(y));                                      \
        return result;                                                                             \
    }
#define SMIDGEN_DSP_3(name, instruction)                                                           \
    SMIDGEN_INLINE uint32_t name(uint32_t x, uint32_t y, uint32_t sum) {                           \
        uint32_t result;                                                                           \
        __asm__(instruction : "=r"(result) : "r"(x), "r"(y), "r"(sum));                            \
        return result;                                                                             \
    }

/* Bytes 0 and 2, and bytes 1 and 3, as two signed halves. */
SMIDGEN_DSP_1(smidgen_dsp_even_bytes, "sxtb16 %0, %1")
SMIDGEN_DSP_1(smidgen_dsp_odd_bytes, "sxtb16 %0, %1, ror #8")
/* The lower halves of x and y, and their upper halves, that of x first. */
SMIDGEN_DSP_2(smidgen_dsp_lower_halves, "pkhbt %0, %1, %2, lsl #16")
SMIDGEN_DSP_2(smidgen_dsp_upper_halves, "pkhtb %0, %2, %1, asr #16")
/* sum + both products of halves, modulo 2^32. */
SMIDGEN_DSP_3(smidgen_dsp_multiply_pairs, "smlad %0, %1, %2, %3")

/* As smidgen_multiply_high, for multipliers of at least 2^31: less 2^32 they fit a signed word. 0
 * stands for 2^32. */
SMIDGEN_INLINE int32_t smidgen_dsp_multiply_high(int32_t x, uint32_t multiplier) {
    int32_t result;
    __asm__("smmlar %0, %1, %2, %1" : "=r"(result) : "r"(x), "r"(multiplier));
    return result;
}

/* Half of x, rounded down, as an int8. */
SMIDGEN_INLINE int32_t smidgen_dsp_saturate_half(int32_t x) {
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"(x));
    return result;
}

#else
#include "dsp_host.h"
#endif

/* Loads and stores at any address. */
SMIDGEN_INLINE uint32_t smidgen_dsp_load(const int8_t *from) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

SMIDGEN_INLINE void smidgen_dsp_store(int8_t *to, uint32_t word) {
    __builtin_memcpy(to, &word, sizeof word);
}

/* The first n bytes, fewer than 4, the others zero. */
SMIDGEN_INLINE uint32_t smidgen_dsp_load_some(const int8_t *from, int32_t n) {
    uint32_t word = 0;
    for (int32_t i = 0; i < n; i++)
        word |= (uint32_t)(uint8_t)from[i] << 8 * i;
    return word;
}

/* Which accumulators, shifts and outputs a kernel is built for; each is the cheapest that is still
 * exact. BOUNDED: multipliers of at least 2^31, and no accumulator that leaves 31 bits when it is
 * shifted left and its rounding is added. RIGHT: besides, shifts of at least 1, and outputs have
 * the whole range of int8. CLAMPED: besides, it begins with the zero point, so how a negative value
 * is rounded does not matter. WIDE: everything. */
enum { SMIDGEN_DSP_CLAMPED, SMIDGEN_DSP_RIGHT, SMIDGEN_DSP_BOUNDED, SMIDGEN_DSP_WIDE };

/* One channel's scaling. shift: to the right; for CLAMPED and RIGHT less 1, since saturating shifts
 * by one more. left: to the left, first. rounding: half of the last place, and the zero point;
 * below_zero: added as well to a negative value, so that ties go away from zero. */
struct smidgen_dsp_scaling {
    uint32_t multiplier;
    int32_t shift, left, rounding, below_zero;
};

/* shift: as above, and negative where it goes left. */
SMIDGEN_INLINE struct smidgen_dsp_scaling
smidgen_dsp_scaling(uint32_t multiplier, int32_t shift, int32_t zero_point, const int variant) {
    struct smidgen_dsp_scaling scaling = {multiplier, shift, 0, 0, -1};
    const uint32_t twice = (uint32_t)(2 * zero_point + 1);
    if (variant == SMIDGEN_DSP_WIDE)
        return scaling;
    if (variant == SMIDGEN_DSP_BOUNDED) {
        scaling.left = shift < 0 ? -shift : 0;
        scaling.shift = shift < 0 ? 0 : shift;
        scaling.below_zero = shift > 0 ? -1 : 0;
        scaling.rounding = (int32_t)(twice << scaling.shift) >> 1;
    } else {
        scaling.rounding = (int32_t)(twice << shift);
    }
    return scaling;
}

/* The output for an accumulator, as smidgen_requantize has it, for what the variant allows. */
SMIDGEN_INLINE int8_t smidgen_dsp_finish(uint32_t sum, const struct smidgen_dsp_scaling *scaling,
                                         const struct smidgen_output *output, const int variant) {
    if (variant == SMIDGEN_DSP_WIDE)
        return smidgen_requantize(sum, scaling->multiplier, scaling->shift, output);
    if (variant == SMIDGEN_DSP_BOUNDED)
        sum <<= scaling->left;
    const int32_t high = smidgen_dsp_multiply_high((int32_t)sum, scaling->multiplier);
    int32_t value = high + scaling->rounding;
    if (variant == SMIDGEN_DSP_RIGHT)
        value += high >> 31;
    if (variant == SMIDGEN_DSP_BOUNDED) {
        value = (value + ((high >> 31) & scaling->below_zero)) >> scaling->shift;
        return (int8_t)smidgen_clamp(value, output->min, output->max);
    }
    return (int8_t)smidgen_dsp_saturate_half(value >> scaling->shift);
}

#endif
