/* Helium's vectors and how accumulators in them become outputs, shared by all kernels of this set.
 *
 * Kernels are written with the intrinsics of Arm's C language extensions (ACLE); only the innermost
 * loops are assembly, where GCC 12 would spill. Without the extension mve_host.h does what the
 * intrinsics do, and the loops have plain C beside them. */
#ifndef SMIDGEN_KERNELS_MVE_VECTORS_H
#define SMIDGEN_KERNELS_MVE_VECTORS_H

#include "../portable/common.h"

/* GCC 12 does not say that a Cortex-M55 is an Armv8.1-M. */
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#define SMIDGEN_MVE_ASSEMBLY 1
#else
#include "mve_host.h"
#define SMIDGEN_MVE_ASSEMBLY 0
#endif

#define SMIDGEN_MVE_LANES 16 /* bytes in a vector */

/* How accumulators of one channel, or of one channel in each lane, become outputs. multiplier: 31
 * bits, as in the TFLite 8-bit specification, so that VQRDMULH is its rounding high multiply.
 * shift: positive to the left. Variants are those of common.h, but that SMIDGEN_RIGHT asks for
 * shifts of at least one place to the right. VRSHL rounds ties upward; where outputs below the zero
 * point are not clamped, one less in negative values makes ties go away from zero. */
SMIDGEN_INLINE int32x4_t smidgen_mve_scale(int32x4_t x, int32_t bias, int32_t multiplier,
                                           int32_t shift, const int variant) {
    x = vaddq_n_s32(x, bias);
    if (variant == SMIDGEN_WIDE && shift > 0)
        x = vshlq_r_s32(x, shift);
    x = vqrdmulhq_n_s32(x, multiplier);
    if (variant == SMIDGEN_WIDE && shift >= 0)
        return x;
    if (variant == SMIDGEN_RIGHT)
        x = vaddq_s32(x, vshrq_n_s32(x, 31));
    if (variant == SMIDGEN_WIDE)
        x = vqaddq_s32(x, vshrq_n_s32(x, 31));
    return vrshlq_n_s32(x, shift);
}

SMIDGEN_INLINE int32x4_t smidgen_mve_scale_lanes(int32x4_t x, int32x4_t bias, int32x4_t multiplier,
                                                 int32x4_t shift, const int variant) {
    x = vaddq_s32(x, bias);
    if (variant == SMIDGEN_WIDE) {
        const int32x4_t none = vdupq_n_s32(0);
        x = vqrdmulhq_s32(vshlq_s32(x, vmaxq_s32(shift, none)), multiplier);
        shift = vminq_s32(shift, none);
        x = vqaddq_s32(x, vshrq_n_s32(vandq_s32(x, shift), 31));
    } else {
        x = vqrdmulhq_s32(x, multiplier);
    }
    if (variant == SMIDGEN_RIGHT)
        x = vaddq_s32(x, vshrq_n_s32(x, 31));
    return vrshlq_s32(x, shift);
}

/* Scaled accumulators of two channels as outputs: those of the first in even lanes. Saturating to
 * 16 bits changes nothing that is clamped to 8 bits, but for SMIDGEN_WIDE, which wraps, the zero
 * point must come first. */
SMIDGEN_INLINE int16x8_t smidgen_mve_finish(int32x4_t even, int32x4_t odd, int32_t zero_point,
                                            int16x8_t least, int16x8_t most, const int variant) {
    if (variant == SMIDGEN_WIDE) {
        even = vaddq_n_s32(even, zero_point);
        odd = vaddq_n_s32(odd, zero_point);
    }
    int16x8_t outputs = vqmovnbq_s32(vuninitializedq_s16(), even);
    outputs = vqmovntq_s32(outputs, odd);
    if (variant != SMIDGEN_WIDE)
        outputs = vqaddq_n_s16(outputs, (int16_t)zero_point);
    return vminq_s16(vmaxq_s16(outputs, least), most);
}

/* Builds a function for each variant and width of weights. */
#define SMIDGEN_MVE_VARIANTS(function)                                                             \
    function(clamped, SMIDGEN_CLAMPED, , 8) function(right, SMIDGEN_RIGHT, , 8)                    \
        function(wide, SMIDGEN_WIDE, , 8) function(clamped, SMIDGEN_CLAMPED, i4_, 4)               \
            function(right, SMIDGEN_RIGHT, i4_, 4) function(wide, SMIDGEN_WIDE, i4_, 4)            \
                function(clamped, SMIDGEN_CLAMPED, i2_, 2) function(right, SMIDGEN_RIGHT, i2_, 2)  \
                    function(wide, SMIDGEN_WIDE, i2_, 2)

/* A vector of four core registers. */
SMIDGEN_INLINE int32x4_t smidgen_mve_join(int32_t a, int32_t b, int32_t c, int32_t d) {
    int32x4_t joined;
#if SMIDGEN_MVE_ASSEMBLY
    __asm__("vmov %q0[2], %q0[0], %1, %3\n"
            "vmov %q0[3], %q0[1], %2, %4"
            : "=&w"(joined)
            : "r"(a), "r"(b), "r"(c), "r"(d));
#else
    const int32_t lanes[4] = {a, b, c, d};
    joined = vldrwq_s32(lanes);
#endif
    return joined;
}

/* Copies bytes to pieces of 16 that lie `step` (16 or 64) bytes apart. */
SMIDGEN_INLINE void smidgen_mve_copy(int8_t *to, const int8_t *from, int32_t bytes,
                                     const int step) {
#if SMIDGEN_MVE_ASSEMBLY
    __asm__ volatile("wlstp.8 lr, %[bytes], 2f\n"
                     "1: vldrb.8 q0, [%[from]], #16\n"
                     "vstrb.8 q0, [%[to]], %[step]\n"
                     "letp lr, 1b\n"
                     "2:"
                     : [to] "+r"(to), [from] "+r"(from)
                     : [bytes] "r"(bytes), [step] "i"(step)
                     : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < bytes; i++)
        to[i / SMIDGEN_MVE_LANES * step + i % SMIDGEN_MVE_LANES] = from[i];
#endif
}

/* As smidgen_mve_copy, of one value. */
SMIDGEN_INLINE void smidgen_mve_fill(int8_t *to, int32_t value, int32_t bytes, const int step) {
#if SMIDGEN_MVE_ASSEMBLY
    __asm__ volatile("wlstp.8 lr, %[bytes], 2f\n"
                     "vdup.8 q0, %[value]\n"
                     "1: vstrb.8 q0, [%[to]], %[step]\n"
                     "letp lr, 1b\n"
                     "2:"
                     : [to] "+r"(to)
                     : [value] "r"(value), [bytes] "r"(bytes), [step] "i"(step)
                     : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < bytes; i++)
        to[i / SMIDGEN_MVE_LANES * step + i % SMIDGEN_MVE_LANES] = (int8_t)value;
#endif
}

#endif
