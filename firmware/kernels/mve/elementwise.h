/* Sums and differences of two int8 tensors, 8 elements at a time. */
#ifndef SMIDGEN_KERNELS_MVE_ELEMENTWISE_H
#define SMIDGEN_KERNELS_MVE_ELEMENTWISE_H

#include "vectors.h"

/* Each input, less its zero point, is shifted left and scaled by its multiplier (31 bits) and shift
 * (positive to the left); their sum or difference is scaled by the output's, offset and clamped. */
struct smidgen_mve_add_shape {
    int32_t elements;
    int32_t a_zero_point, a_left_shift, a_multiplier, a_shift;
    int32_t b_zero_point, b_left_shift, b_multiplier, b_shift;
    int32_t output_zero_point, output_multiplier, output_shift, activation_min, activation_max;
};

SMIDGEN_INLINE int32x4_t smidgen_mve_add_scaled(const struct smidgen_mve_add_shape *shape,
                                                int32x4_t a, int32x4_t b, const int sign,
                                                const int variant) {
    const int of_inputs = variant == SMIDGEN_WIDE ? SMIDGEN_WIDE : SMIDGEN_RIGHT;
    a = smidgen_mve_scale(vshlq_r_s32(a, shape->a_left_shift), 0, shape->a_multiplier,
                          shape->a_shift, of_inputs);
    b = smidgen_mve_scale(vshlq_r_s32(b, shape->b_left_shift), 0, shape->b_multiplier,
                          shape->b_shift, of_inputs);
    return smidgen_mve_scale(sign < 0 ? vsubq_s32(a, b) : vaddq_s32(a, b), 0,
                             shape->output_multiplier, shape->output_shift, variant);
}

SMIDGEN_INLINE void smidgen_mve_add_body(const struct smidgen_mve_add_shape *shape, const int8_t *a,
                                         const int8_t *b, int8_t *y, const int sign,
                                         const int variant) {
    const int16x8_t least = vdupq_n_s16((int16_t)shape->activation_min);
    const int16x8_t most = vdupq_n_s16((int16_t)shape->activation_max);
    const int16_t less_a = (int16_t)-shape->a_zero_point, less_b = (int16_t)-shape->b_zero_point;
    for (int32_t left = shape->elements; left > 0; left -= 8, a += 8, b += 8, y += 8) {
        const mve_pred16_t valid = vctp16q((uint32_t)left);
        const int16x8_t va = vaddq_n_s16(vldrbq_z_s16(a, valid), less_a);
        const int16x8_t vb = vaddq_n_s16(vldrbq_z_s16(b, valid), less_b);
        const int32x4_t even =
            smidgen_mve_add_scaled(shape, vmovlbq_s16(va), vmovlbq_s16(vb), sign, variant);
        const int32x4_t odd =
            smidgen_mve_add_scaled(shape, vmovltq_s16(va), vmovltq_s16(vb), sign, variant);
        vstrbq_p_s16(y,
                     smidgen_mve_finish(even, odd, shape->output_zero_point, least, most, variant),
                     valid);
    }
}

#define SMIDGEN_MVE_ADD(name, sign, variant)                                                       \
    static inline void name(const struct smidgen_mve_add_shape *shape, const int8_t *a,            \
                            const int8_t *b, int8_t *y) {                                          \
        smidgen_mve_add_body(shape, a, b, y, sign, variant);                                       \
    }

SMIDGEN_MVE_ADD(smidgen_mve_add_clamped, 1, SMIDGEN_CLAMPED)
SMIDGEN_MVE_ADD(smidgen_mve_add_right, 1, SMIDGEN_RIGHT)
SMIDGEN_MVE_ADD(smidgen_mve_add_wide, 1, SMIDGEN_WIDE)
SMIDGEN_MVE_ADD(smidgen_mve_sub_clamped, -1, SMIDGEN_CLAMPED)
SMIDGEN_MVE_ADD(smidgen_mve_sub_right, -1, SMIDGEN_RIGHT)
SMIDGEN_MVE_ADD(smidgen_mve_sub_wide, -1, SMIDGEN_WIDE)

#endif
