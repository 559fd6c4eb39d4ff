/* Sums of two int8 tensors of one shape with the DSP extension. */
#ifndef SMIDGEN_KERNELS_DSP_ELEMENTWISE_H
#define SMIDGEN_KERNELS_DSP_ELEMENTWISE_H

#include "dsp.h"

/* y = a + b. The operands, less their zero points, are shifted left by 20. Whichever has the larger
 * scale is then halved, which is exact: that is a, whose offset is its zero point in these terms.
 * b is multiplied and shifted right, and so is the sum: as struct smidgen_dsp_scaling has it, b
 * for RIGHT, but that a multiplier of 0 stands for 2^32 here. */
struct smidgen_dsp_add_shape {
    int32_t elements;
    uint32_t b_multiplier, output_multiplier;
    int32_t a_offset, b_offset, b_shift;
    int32_t output_zero_point, output_shift, activation_min, activation_max;
};

/* b, scaled: rounded to nearest, ties away from zero. */
SMIDGEN_INLINE int32_t smidgen_dsp_add_scale(int32_t b, int32_t offset,
                                             const struct smidgen_dsp_scaling *scaling) {
    const int32_t high = smidgen_dsp_multiply_high((b * (1 << 20)) - offset, scaling->multiplier);
    return ((high + scaling->rounding + (high >> 31)) >> scaling->shift) >> 1;
}

SMIDGEN_INLINE void smidgen_dsp_add_body(const struct smidgen_dsp_add_shape *shape, const int8_t *a,
                                         const int8_t *b, int8_t *y, const int variant) {
    const struct smidgen_dsp_scaling of_b =
        smidgen_dsp_scaling(shape->b_multiplier, shape->b_shift, 0, SMIDGEN_DSP_RIGHT);
    const struct smidgen_dsp_scaling of_sum = smidgen_dsp_scaling(
        shape->output_multiplier, shape->output_shift, shape->output_zero_point, variant);
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    const int32_t a_offset = shape->a_offset, b_offset = shape->b_offset;
    int32_t n = shape->elements;
    /* Stage by stage for four at a time, so that each needs few registers. */
    for (; n >= 4; n -= 4, a += 4, b += 4, y += 4) {
        int32_t sums[4];
        for (int32_t i = 0; i < 4; i++)
            sums[i] = smidgen_dsp_add_scale(b[i], b_offset, &of_b) - a_offset;
        for (int32_t i = 0; i < 4; i++)
            sums[i] += a[i] * (1 << 19);
        for (int32_t i = 0; i < 4; i++)
            y[i] = smidgen_dsp_finish((uint32_t)sums[i], &of_sum, &output, variant);
    }
    for (; n > 0; n--) {
        const int32_t sum =
            smidgen_dsp_add_scale(*b++, b_offset, &of_b) - a_offset + *a++ * (1 << 19);
        *y++ = smidgen_dsp_finish((uint32_t)sum, &of_sum, &output, variant);
    }
}

#define SMIDGEN_DSP_ADD(name, variant)                                                             \
    static inline void name(const struct smidgen_dsp_add_shape *shape, const int8_t *a,            \
                            const int8_t *b, int8_t *y) {                                          \
        smidgen_dsp_add_body(shape, a, b, y, variant);                                             \
    }

SMIDGEN_DSP_ADD(smidgen_dsp_add_clamped, SMIDGEN_DSP_CLAMPED)
SMIDGEN_DSP_ADD(smidgen_dsp_add_right, SMIDGEN_DSP_RIGHT)
SMIDGEN_DSP_ADD(smidgen_dsp_add_bounded, SMIDGEN_DSP_BOUNDED)

#endif
