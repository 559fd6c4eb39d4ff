/* Mean over axes, int8. */
#ifndef SMIDGEN_KERNELS_REDUCE_H
#define SMIDGEN_KERNELS_REDUCE_H

#include "common.h"

/* y (kept_0, kept_1, kept_2) from x (kept_0, reduced_0, kept_1, reduced_1, kept_2); 1 / count is
 * part of the multiplier, and offset is -count * the input's zero point. */
struct smidgen_mean_shape {
    int32_t kept_0, reduced_0, kept_1, reduced_1, kept_2;
    uint32_t multiplier;
    int32_t offset, shift, output_zero_point, activation_min, activation_max;
};

static inline void smidgen_mean(const struct smidgen_mean_shape *shape, const int8_t *x,
                                int8_t *y) {
    const ptrdiff_t step_1 = shape->kept_2, step_0 = step_1 * shape->reduced_1 * shape->kept_1;
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    for (int32_t i = 0; i < shape->kept_0; i++) {
        for (int32_t j = 0; j < shape->kept_1; j++) {
            for (int32_t k = 0; k < shape->kept_2; k++) {
                const int8_t *value = x + j * step_1 * shape->reduced_1 + k;
                uint32_t sum = (uint32_t)shape->offset;
                for (int32_t a = 0; a < shape->reduced_0; a++, value += step_0)
                    for (int32_t b = 0; b < shape->reduced_1; b++)
                        sum += (uint32_t)value[b * step_1];
                *y++ = smidgen_requantize(sum, shape->multiplier, shape->shift, &output);
            }
        }
        x += step_0 * shape->reduced_0;
    }
}

#endif
