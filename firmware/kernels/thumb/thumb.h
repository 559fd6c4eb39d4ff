/* Requantization for plain Thumb: ARMv6-M, which multiplies to 32 bits only, and ARMv7-M. Elsewhere
 * the arithmetic of ARMv6-M runs in C. */
#ifndef SMIDGEN_KERNELS_THUMB_THUMB_H
#define SMIDGEN_KERNELS_THUMB_THUMB_H

#include "../portable/common.h"

#if defined(__thumb2__)
#define SMIDGEN_THUMB_2 1
#elif defined(__thumb__)
#define SMIDGEN_THUMB_1 1
#endif

/* Which accumulators, shifts and outputs a kernel is built for; each is the cheapest that is still
 * exact. All but WIDE: shifts of at least 1, and |accumulator| * 2^11
 * + |2 * zero point + 1| * 2^(shift + 10) + 2^12 < 2^31. RIGHT: besides, outputs have the whole
 * range of int8. CLAMPED: besides, it begins with the zero point, so how a negative value is
 * rounded does not matter. */
enum { SMIDGEN_THUMB_CLAMPED, SMIDGEN_THUMB_RIGHT, SMIDGEN_THUMB_BOUNDED, SMIDGEN_THUMB_WIDE };

/* One channel's scaling, as the core multiplies best. multiplier: for WIDE and ARMv7-M; high,
 * middle, low: its 31 upper bits in 11, 10 and 10. rounding: half of the last place, and the zero
 * point, in the same places as the product that it is added to. */
struct smidgen_thumb_scaling {
    int32_t high, middle, low, rounding, shift;
    uint32_t multiplier;
};

SMIDGEN_INLINE struct smidgen_thumb_scaling
smidgen_thumb_scaling(uint32_t multiplier, int32_t shift, int32_t zero_point, const int variant) {
    struct smidgen_thumb_scaling scaling = {0, 0, 0, 0, shift, multiplier};
    if (variant == SMIDGEN_THUMB_WIDE)
        return scaling;
#ifdef SMIDGEN_THUMB_2
    scaling.rounding = (int32_t)((uint32_t)(2 * zero_point + 1) << (shift - 1));
    scaling.multiplier = multiplier >> 1;
#else
    scaling.high = (int32_t)(multiplier >> 21);
    scaling.middle = (int32_t)(multiplier << 11 >> 22);
    scaling.low = (int32_t)(multiplier << 21 >> 22);
    scaling.rounding = (int32_t)((uint32_t)(2 * zero_point + 1) << 10 << shift);
    scaling.shift = shift + 11;
#endif
    return scaling;
}

/* The output for an accumulator, as smidgen_requantize has it, for what the variant allows. */
SMIDGEN_INLINE int8_t smidgen_thumb_finish(uint32_t sum,
                                           const struct smidgen_thumb_scaling *scaling,
                                           const struct smidgen_output *output, const int variant) {
    if (variant == SMIDGEN_THUMB_WIDE)
        return smidgen_requantize(sum, scaling->multiplier, scaling->shift, output);
    const int32_t x = (int32_t)sum;
#ifdef SMIDGEN_THUMB_2
    int32_t value;
    uint32_t lower;
    __asm__("smull %0, %1, %2, %3"
            : "=&r"(lower), "=&r"(value)
            : "r"(2 * x), "r"(scaling->multiplier));
    value += (int32_t)(lower >> 31);
    if (variant != SMIDGEN_THUMB_CLAMPED)
        value += value >> 31;
    value = (value + scaling->rounding) >> scaling->shift;
    if (variant != SMIDGEN_THUMB_BOUNDED) {
        __asm__("ssat %0, #8, %0" : "+r"(value));
        return (int8_t)value;
    }
#else
    int32_t value = (x * scaling->middle + (x * scaling->low >> 10)) >> 10;
    value += x * scaling->high + (1 << 10);
    if (variant != SMIDGEN_THUMB_CLAMPED && value < 0)
        value -= 1 << 11;
    value = (value + scaling->rounding) >> scaling->shift;
#endif
    return (int8_t)smidgen_clamp(value, output->min, output->max);
}

/* Outputs of n accumulators, n not 0, step bytes apart. */
#ifdef SMIDGEN_THUMB_1
/* r0: sums, r1: out, r2 to r4: high, middle, low; r8: rounding, r9: shift, r10 and r11: limits,
 * r12: step, lr: end of sums. place: adds 2^10, and what a negative value needs. */
#define SMIDGEN_THUMB_FINISH_RUN(place)                                                            \
    __asm__ volatile(".syntax unified\n\t"                                                         \
                     "ldmia r7!, {r2, r3, r4, r5, r6}\n\t"                                         \
                     "mov r8, r5\n\t"                                                              \
                     "mov r9, r6\n\t"                                                              \
                     "ldmia r7!, {r5, r6}\n\t"                                                     \
                     "mov r10, r5\n\t"                                                             \
                     "mov r11, r6\n\t"                                                             \
                     "ldmia r7!, {r5, r6}\n\t"                                                     \
                     "mov r12, r5\n\t"                                                             \
                     "mov lr, r6\n\t"                                                              \
                     "1:\n\t"                                                                      \
                     "ldmia r0!, {r5}\n\t"                                                         \
                     "movs r6, r5\n\t"                                                             \
                     "muls r6, r4, r6\n\t"                                                         \
                     "asrs r6, #10\n\t"                                                            \
                     "movs r7, r5\n\t"                                                             \
                     "muls r7, r3, r7\n\t"                                                         \
                     "adds r6, r6, r7\n\t"                                                         \
                     "asrs r6, #10\n\t"                                                            \
                     "muls r5, r2, r5\n\t"                                                         \
                     "adds r5, r5, r6\n\t" place "add r5, r8\n\t"                                  \
                     "mov r6, r9\n\t"                                                              \
                     "asrs r5, r6\n\t"                                                             \
                     "cmp r5, r10\n\t"                                                             \
                     "blt 3f\n\t"                                                                  \
                     "cmp r5, r11\n\t"                                                             \
                     "bgt 4f\n\t"                                                                  \
                     "2:\n\t"                                                                      \
                     "strb r5, [r1]\n\t"                                                           \
                     "add r1, r12\n\t"                                                             \
                     "cmp r0, lr\n\t"                                                              \
                     "bne 1b\n\t"                                                                  \
                     "b 5f\n\t"                                                                    \
                     "3:\n\t"                                                                      \
                     "mov r5, r10\n\t"                                                             \
                     "b 2b\n\t"                                                                    \
                     "4:\n\t"                                                                      \
                     "mov r5, r11\n\t"                                                             \
                     "b 2b\n\t"                                                                    \
                     "5:"                                                                          \
                     : "+r"(from), "+r"(to), "+r"(given)                                           \
                     :                                                                             \
                     : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc",  \
                       "memory")
#define SMIDGEN_THUMB_SIGNED_PLACE                                                                 \
    "movs r6, #128\n\t"                                                                            \
    "lsls r6, #3\n\t"                                                                              \
    "adds r5, r5, r6\n\t"                                                                          \
    "bpl 6f\n\t"                                                                                   \
    "lsls r6, #1\n\t"                                                                              \
    "subs r5, r5, r6\n\t"                                                                          \
    "6:\n\t"

SMIDGEN_INLINE void smidgen_thumb_finish_fast(const uint32_t *sums, int32_t n,
                                              const struct smidgen_thumb_scaling *scaling,
                                              const struct smidgen_output *output, int8_t *out,
                                              ptrdiff_t step, const int variant) {
    const int32_t place = variant == SMIDGEN_THUMB_CLAMPED ? 1 << 10 : 0;
    const int32_t values[9] = {
        scaling->high, scaling->middle, scaling->low,  scaling->rounding + place, scaling->shift,
        output->min,   output->max,     (int32_t)step, (int32_t)(sums + n)};
    register const uint32_t *from __asm__("r0") = sums;
    register int8_t *to __asm__("r1") = out;
    register const int32_t *given __asm__("r7") = values;
    if (variant == SMIDGEN_THUMB_CLAMPED)
        SMIDGEN_THUMB_FINISH_RUN("");
    else
        SMIDGEN_THUMB_FINISH_RUN(SMIDGEN_THUMB_SIGNED_PLACE);
}
#endif

SMIDGEN_INLINE void smidgen_thumb_finish_run(const uint32_t *sums, int32_t n,
                                             const struct smidgen_thumb_scaling *scaling,
                                             const struct smidgen_output *output, int8_t *out,
                                             ptrdiff_t step, const int variant) {
#ifdef SMIDGEN_THUMB_1
    if (variant != SMIDGEN_THUMB_WIDE) {
        smidgen_thumb_finish_fast(sums, n, scaling, output, out, step, variant);
        return;
    }
#endif
    for (int32_t i = 0; i < n; i++, out += step)
        *out = smidgen_thumb_finish(sums[i], scaling, output, variant);
}

#define SMIDGEN_THUMB_FOR_ALL(define)                                                              \
    define(_clamped, SMIDGEN_THUMB_CLAMPED) define(_right, SMIDGEN_THUMB_RIGHT)                    \
        define(_bounded, SMIDGEN_THUMB_BOUNDED) define(_wide, SMIDGEN_THUMB_WIDE)

#endif
