/* What the intrinsics of Helium that the kernels use do, in plain C, so that the kernels run on any
 * host under the sanitizers. Source: Armv8-M Architecture Reference Manual, DDI 0553. */
#ifndef SMIDGEN_KERNELS_MVE_HOST_H
#define SMIDGEN_KERNELS_MVE_HOST_H

#include "../portable/common.h"

typedef struct {
    int8_t lane[16];
} int8x16_t;
typedef struct {
    uint8_t lane[16];
} uint8x16_t;
typedef struct {
    int16_t lane[8];
} int16x8_t;
typedef struct {
    uint16_t lane[8];
} uint16x8_t;
typedef struct {
    int32_t lane[4];
} int32x4_t;
typedef struct {
    uint32_t lane[4];
} uint32x4_t;
typedef uint16_t mve_pred16_t; /* a bit for each byte of a vector */

SMIDGEN_SHARED int32_t mve_host_saturate(int64_t x, int bits) {
    const int64_t limit = (int64_t)1 << (bits - 1);
    return (int32_t)(x < -limit ? -limit : x >= limit ? limit - 1 : x);
}

/* x * 2^shift, rounded to nearest, ties upward, modulo 2^32. */
SMIDGEN_SHARED int32_t mve_host_rounding_shift(int32_t x, int32_t shift) {
    if (shift >= 0)
        return shift > 31 ? 0 : (int32_t)((uint32_t)x << shift);
    return shift < -32 ? 0 : (int32_t)(((int64_t)x + ((int64_t)1 << (-shift - 1))) >> -shift);
}

#define MVE_HOST_LANES(type, count, expression)                                                    \
    type out;                                                                                      \
    for (int i = 0; i < (count); i++)                                                              \
        out.lane[i] = (expression);                                                                \
    return out

#define MVE_HOST_BINARY(name, type, count, expression)                                             \
    SMIDGEN_SHARED type name(type a, type b) {                                                     \
        MVE_HOST_LANES(type, count, expression);                                                   \
    }
#define MVE_HOST_SCALAR(name, type, element, count, expression)                                    \
    SMIDGEN_SHARED type name(type a, element b) {                                                  \
        MVE_HOST_LANES(type, count, expression);                                                   \
    }

SMIDGEN_SHARED int16x8_t vuninitializedq_s16(void) {
    MVE_HOST_LANES(int16x8_t, 8, 0);
}
SMIDGEN_SHARED int8x16_t vdupq_n_s8(int8_t a) {
    MVE_HOST_LANES(int8x16_t, 16, a);
}
SMIDGEN_SHARED int16x8_t vdupq_n_s16(int16_t a) {
    MVE_HOST_LANES(int16x8_t, 8, a);
}
SMIDGEN_SHARED int32x4_t vdupq_n_s32(int32_t a) {
    MVE_HOST_LANES(int32x4_t, 4, a);
}

MVE_HOST_BINARY(vaddq_s32, int32x4_t, 4, (int32_t)((uint32_t)a.lane[i] + (uint32_t)b.lane[i]))
MVE_HOST_BINARY(vsubq_s32, int32x4_t, 4, (int32_t)((uint32_t)a.lane[i] - (uint32_t)b.lane[i]))
MVE_HOST_BINARY(vmulq_s32, int32x4_t, 4, (int32_t)((uint32_t)a.lane[i] * (uint32_t)b.lane[i]))
MVE_HOST_BINARY(vqaddq_s32, int32x4_t, 4, mve_host_saturate((int64_t)a.lane[i] + b.lane[i], 32))
MVE_HOST_BINARY(vandq_s32, int32x4_t, 4, a.lane[i] & b.lane[i])
MVE_HOST_BINARY(vmaxq_s32, int32x4_t, 4, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
MVE_HOST_BINARY(vminq_s32, int32x4_t, 4, a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
MVE_HOST_BINARY(vmaxq_s8, int8x16_t, 16, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
MVE_HOST_BINARY(vminq_s8, int8x16_t, 16, a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
MVE_HOST_BINARY(vmaxq_s16, int16x8_t, 8, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
MVE_HOST_BINARY(vminq_s16, int16x8_t, 8, a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
MVE_HOST_BINARY(vrshlq_s32, int32x4_t, 4, mve_host_rounding_shift(a.lane[i], (int8_t)b.lane[i]))
MVE_HOST_BINARY(vshlq_s32, int32x4_t, 4,
                b.lane[i] < 0 ? a.lane[i] >> -b.lane[i]
                              : (int32_t)((uint32_t)a.lane[i] << b.lane[i]))
MVE_HOST_BINARY(vqrdmulhq_s32, int32x4_t, 4,
                mve_host_saturate(((int64_t)a.lane[i] * b.lane[i] + (1 << 30)) >> 31, 32))

MVE_HOST_SCALAR(vaddq_n_s32, int32x4_t, int32_t, 4, (int32_t)((uint32_t)a.lane[i] + (uint32_t)b))
MVE_HOST_SCALAR(vqaddq_n_s16, int16x8_t, int16_t, 8,
                (int16_t)mve_host_saturate((int64_t)a.lane[i] + b, 16))
MVE_HOST_SCALAR(vqrdmulhq_n_s32, int32x4_t, int32_t, 4,
                mve_host_saturate(((int64_t)a.lane[i] * b + (1 << 30)) >> 31, 32))
MVE_HOST_SCALAR(vrshlq_n_s32, int32x4_t, int32_t, 4, mve_host_rounding_shift(a.lane[i], (int8_t)b))
MVE_HOST_SCALAR(vshlq_r_s32, int32x4_t, int32_t, 4,
                b < 0 ? a.lane[i] >> -b : (int32_t)((uint32_t)a.lane[i] << b))
MVE_HOST_SCALAR(vshrq_n_s32, int32x4_t, int, 4, b > 31 ? a.lane[i] >> 31 : a.lane[i] >> b)
SMIDGEN_SHARED uint16x8_t vdupq_n_u16(uint16_t a) {
    MVE_HOST_LANES(uint16x8_t, 8, a);
}
SMIDGEN_SHARED int32x4_t vreinterpretq_s32_s16(int16x8_t a) {
    MVE_HOST_LANES(
        int32x4_t, 4,
        (int32_t)((uint16_t)a.lane[2 * i] | (uint32_t)(uint16_t)a.lane[2 * i + 1] << 16));
}

SMIDGEN_SHARED uint16x8_t vreinterpretq_u16_s16(int16x8_t a) {
    MVE_HOST_LANES(uint16x8_t, 8, (uint16_t)a.lane[i]);
}
SMIDGEN_SHARED int16x8_t vreinterpretq_s16_u16(uint16x8_t a) {
    MVE_HOST_LANES(int16x8_t, 8, (int16_t)a.lane[i]);
}

/* first, first + step, ... */
SMIDGEN_SHARED uint16x8_t vidupq_n_u16(uint16_t first, int step) {
    MVE_HOST_LANES(uint16x8_t, 8, (uint16_t)(first + i * step));
}
SMIDGEN_SHARED uint32x4_t vidupq_n_u32(uint32_t first, int step) {
    MVE_HOST_LANES(uint32x4_t, 4, first + (uint32_t)(i * step));
}

MVE_HOST_BINARY(vandq_s8, int8x16_t, 16, a.lane[i] & b.lane[i])
MVE_HOST_BINARY(vshlq_s8, int8x16_t, 16,
                (int8_t)(b.lane[i] < 0 ? a.lane[i] >> -b.lane[i]
                                       : (int32_t)((uint32_t)a.lane[i] << b.lane[i])))
MVE_HOST_BINARY(vandq_s16, int16x8_t, 8, a.lane[i] & b.lane[i])
MVE_HOST_BINARY(vaddq_s16, int16x8_t, 8, (int16_t)(a.lane[i] + b.lane[i]))
MVE_HOST_BINARY(vshlq_s16, int16x8_t, 8,
                (int16_t)(b.lane[i] < 0 ? a.lane[i] >> -b.lane[i]
                                        : (int32_t)((uint32_t)a.lane[i] << b.lane[i])))
MVE_HOST_SCALAR(vaddq_n_s16, int16x8_t, int16_t, 8, (int16_t)(a.lane[i] + b))
MVE_HOST_SCALAR(vmulq_n_s16, int16x8_t, int16_t, 8, (int16_t)(a.lane[i] * b))
MVE_HOST_SCALAR(vshrq_n_s16, int16x8_t, int, 8, (int16_t)(a.lane[i] >> b))
MVE_HOST_BINARY(vandq_u16, uint16x8_t, 8, a.lane[i] & b.lane[i])
MVE_HOST_SCALAR(vshrq_n_u16, uint16x8_t, int, 8, (uint16_t)(a.lane[i] >> b))
MVE_HOST_SCALAR(vmulq_n_u32, uint32x4_t, uint32_t, 4, a.lane[i] * b)
MVE_HOST_BINARY(vaddq_u16, uint16x8_t, 8, (uint16_t)(a.lane[i] + b.lane[i]))
MVE_HOST_SCALAR(vmulq_n_u16, uint16x8_t, uint16_t, 8, (uint16_t)((uint32_t)a.lane[i] * b))

/* Even or odd lanes, widened. */
SMIDGEN_SHARED int32x4_t vmovlbq_s16(int16x8_t a) {
    MVE_HOST_LANES(int32x4_t, 4, a.lane[2 * i]);
}
SMIDGEN_SHARED int32x4_t vmovltq_s16(int16x8_t a) {
    MVE_HOST_LANES(int32x4_t, 4, a.lane[2 * i + 1]);
}

/* Saturated to half the width, into even or odd lanes. */
SMIDGEN_SHARED int16x8_t vqmovnbq_s32(int16x8_t a, int32x4_t b) {
    for (int i = 0; i < 4; i++)
        a.lane[2 * i] = (int16_t)mve_host_saturate(b.lane[i], 16);
    return a;
}
SMIDGEN_SHARED int16x8_t vqmovntq_s32(int16x8_t a, int32x4_t b) {
    for (int i = 0; i < 4; i++)
        a.lane[2 * i + 1] = (int16_t)mve_host_saturate(b.lane[i], 16);
    return a;
}

/* A bit for each byte of the lanes that fulfil a condition. */
#define MVE_HOST_COMPARE(name, second, condition)                                                  \
    SMIDGEN_SHARED mve_pred16_t name(int16x8_t a, second b) {                                      \
        uint32_t p = 0;                                                                            \
        for (int i = 0; i < 8; i++)                                                                \
            p |= (condition) ? 3u << 2 * i : 0;                                                    \
        return (mve_pred16_t)p;                                                                    \
    }
MVE_HOST_COMPARE(vcmpeqq_s16, int16x8_t, a.lane[i] == b.lane[i])
MVE_HOST_COMPARE(vcmpltq_n_s16, int16_t, a.lane[i] < b)
SMIDGEN_SHARED int16x8_t vpselq_s16(int16x8_t a, int16x8_t b, mve_pred16_t p) {
    MVE_HOST_LANES(int16x8_t, 8, p >> 2 * i & 1 ? a.lane[i] : b.lane[i]);
}

/* The first n lanes of sixteen, eight, four. */
SMIDGEN_SHARED mve_pred16_t vctp16q(uint32_t n) {
    return n >= 8 ? 0xFFFF : (mve_pred16_t)((1u << 2 * n) - 1);
}
SMIDGEN_SHARED mve_pred16_t vctp8q(uint32_t n) {
    return n >= 16 ? 0xFFFF : (mve_pred16_t)((1u << n) - 1);
}
SMIDGEN_SHARED mve_pred16_t vctp32q(uint32_t n) {
    return n >= 4 ? 0xFFFF : (mve_pred16_t)((1u << 4 * n) - 1);
}

SMIDGEN_SHARED int32_t vaddvaq_s8(int32_t sum, int8x16_t a) {
    for (int i = 0; i < 16; i++)
        sum += a.lane[i];
    return sum;
}

SMIDGEN_SHARED int32_t vmladavaq_s8(int32_t sum, int8x16_t a, int8x16_t b) {
    for (int i = 0; i < 16; i++)
        sum += a.lane[i] * b.lane[i];
    return sum;
}
SMIDGEN_SHARED int32_t vmladavq_s8(int8x16_t a, int8x16_t b) {
    return vmladavaq_s8(0, a, b);
}

/* Loads and stores; _z loads zeros and _p stores nothing where the predicate is off. */
SMIDGEN_SHARED int32x4_t vldrwq_z_s32(const int32_t *at, mve_pred16_t p) {
    MVE_HOST_LANES(int32x4_t, 4, p >> 4 * i & 1 ? at[i] : 0);
}
SMIDGEN_SHARED int32x4_t vldrbq_z_s32(const int8_t *at, mve_pred16_t p) {
    MVE_HOST_LANES(int32x4_t, 4, p >> 4 * i & 1 ? at[i] : 0);
}
SMIDGEN_SHARED int8x16_t vldrbq_z_s8(const int8_t *at, mve_pred16_t p) {
    MVE_HOST_LANES(int8x16_t, 16, p >> i & 1 ? at[i] : 0);
}
SMIDGEN_SHARED int8x16_t vldrbq_s8(const int8_t *at) {
    MVE_HOST_LANES(int8x16_t, 16, at[i]);
}
SMIDGEN_SHARED int32x4_t vldrwq_s32(const int32_t *at) {
    MVE_HOST_LANES(int32x4_t, 4, at[i]);
}
SMIDGEN_SHARED void vstrwq_s32(int32_t *at, int32x4_t a) {
    for (int i = 0; i < 4; i++)
        at[i] = a.lane[i];
}
SMIDGEN_SHARED uint16x8_t vldrhq_z_u16(const uint16_t *at, mve_pred16_t p) {
    MVE_HOST_LANES(uint16x8_t, 8, p >> 2 * i & 1 ? at[i] : 0);
}
SMIDGEN_SHARED uint16x8_t vldrhq_u16(const uint16_t *at) {
    return vldrhq_z_u16(at, 0xFFFF);
}
SMIDGEN_SHARED uint8x16_t vldrbq_u8(const uint8_t *at) {
    MVE_HOST_LANES(uint8x16_t, 16, at[i]);
}
SMIDGEN_SHARED int8x16_t vldrbq_gather_offset_s8(const int8_t *at, uint8x16_t offset) {
    MVE_HOST_LANES(int8x16_t, 16, at[offset.lane[i]]);
}
SMIDGEN_SHARED int32x4_t vldrbq_gather_offset_z_s32(const int8_t *at, uint32x4_t offset,
                                                    mve_pred16_t p) {
    MVE_HOST_LANES(int32x4_t, 4, p >> 4 * i & 1 ? at[offset.lane[i]] : 0);
}
SMIDGEN_SHARED int16x8_t vldrbq_gather_offset_z_s16(const int8_t *at, uint16x8_t offset,
                                                    mve_pred16_t p) {
    MVE_HOST_LANES(int16x8_t, 8, p >> 2 * i & 1 ? at[offset.lane[i]] : 0);
}
SMIDGEN_SHARED int16x8_t vldrbq_gather_offset_s16(const int8_t *at, uint16x8_t offset) {
    return vldrbq_gather_offset_z_s16(at, offset, 0xFFFF);
}
SMIDGEN_SHARED int16x8_t vldrbq_z_s16(const int8_t *at, mve_pred16_t p) {
    MVE_HOST_LANES(int16x8_t, 8, p >> 2 * i & 1 ? at[i] : 0);
}
SMIDGEN_SHARED void vstrbq_p_s8(int8_t *at, int8x16_t a, mve_pred16_t p) {
    for (int i = 0; i < 16; i++)
        if (p >> i & 1)
            at[i] = a.lane[i];
}
SMIDGEN_SHARED void vstrbq_s8(int8_t *at, int8x16_t a) {
    vstrbq_p_s8(at, a, 0xFFFF);
}
SMIDGEN_SHARED void vstrhq_s16(int16_t *at, int16x8_t a) {
    for (int i = 0; i < 8; i++)
        at[i] = a.lane[i];
}
SMIDGEN_SHARED void vstrbq_p_s16(int8_t *at, int16x8_t a, mve_pred16_t p) {
    for (int i = 0; i < 8; i++)
        if (p >> 2 * i & 1)
            at[i] = (int8_t)a.lane[i];
}
SMIDGEN_SHARED void vstrbq_s16(int8_t *at, int16x8_t a) {
    vstrbq_p_s16(at, a, 0xFFFF);
}
SMIDGEN_SHARED int32x4_t vldrbq_s32(const int8_t *at) {
    return vldrbq_z_s32(at, 0xFFFF);
}
SMIDGEN_SHARED void vstrbq_p_s32(int8_t *at, int32x4_t a, mve_pred16_t p) {
    for (int i = 0; i < 4; i++)
        if (p >> 4 * i & 1)
            at[i] = (int8_t)a.lane[i];
}
SMIDGEN_SHARED void vstrbq_s32(int8_t *at, int32x4_t a) {
    vstrbq_p_s32(at, a, 0xFFFF);
}
SMIDGEN_SHARED void vstrbq_scatter_offset_p_s16(int8_t *at, uint16x8_t offset, int16x8_t a,
                                                mve_pred16_t p) {
    for (int i = 0; i < 8; i++)
        if (p >> 2 * i & 1)
            at[offset.lane[i]] = (int8_t)a.lane[i];
}
SMIDGEN_SHARED void vstrbq_scatter_offset_s16(int8_t *at, uint16x8_t offset, int16x8_t a) {
    vstrbq_scatter_offset_p_s16(at, offset, a, 0xFFFF);
}
SMIDGEN_SHARED void vstrbq_scatter_offset_s32(int8_t *at, uint32x4_t offset, int32x4_t a) {
    for (int i = 0; i < 4; i++)
        at[offset.lane[i]] = (int8_t)a.lane[i];
}

#endif
