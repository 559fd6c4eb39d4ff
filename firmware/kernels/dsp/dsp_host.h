/* What the instructions of dsp.h do, in plain C, for cores without them: so that the kernels can be
 * tested on the host. */
#ifndef SMIDGEN_KERNELS_DSP_DSP_HOST_H
#define SMIDGEN_KERNELS_DSP_DSP_HOST_H

#include "../portable/common.h"

SMIDGEN_INLINE uint32_t smidgen_dsp_even_bytes(uint32_t x) {
    const uint32_t first = (uint32_t)(int32_t)(int8_t)x;
    return (first & 0xffffu) | (uint32_t)(int32_t)(int8_t)(x >> 16) << 16;
}

SMIDGEN_INLINE uint32_t smidgen_dsp_odd_bytes(uint32_t x) {
    return smidgen_dsp_even_bytes(x >> 8);
}

SMIDGEN_INLINE uint32_t smidgen_dsp_lower_halves(uint32_t x, uint32_t y) {
    return (x & 0xffffu) | y << 16;
}

SMIDGEN_INLINE uint32_t smidgen_dsp_upper_halves(uint32_t x, uint32_t y) {
    return x >> 16 | (y & 0xffff0000u);
}

SMIDGEN_INLINE uint32_t smidgen_dsp_multiply_pairs(uint32_t x, uint32_t y, uint32_t sum) {
    return sum + (uint32_t)((int16_t)x * (int16_t)y) +
           (uint32_t)((int16_t)(x >> 16) * (int16_t)(y >> 16));
}

SMIDGEN_INLINE int32_t smidgen_dsp_multiply_high(int32_t x, uint32_t multiplier) {
    const int64_t less = multiplier < 0x80000000u ? multiplier : (int64_t)multiplier - 0x100000000;
    return (int32_t)(x + ((x * less + 0x80000000) >> 32));
}

SMIDGEN_INLINE int32_t smidgen_dsp_saturate_half(int32_t x) {
    return smidgen_clamp(x >> 1, INT8_MIN, INT8_MAX);
}

#endif
