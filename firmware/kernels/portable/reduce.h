/* Means, sums and extrema over axes, int8. */
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

#define SMIDGEN_MEAN(name, type, requantize)                                                       \
    static inline void name(const struct smidgen_mean_shape *shape, const type *x, type *y) {      \
        const ptrdiff_t step_1 = shape->kept_2,                                                    \
                        step_0 = step_1 * shape->reduced_1 * shape->kept_1;                        \
        const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,     \
                                              shape->activation_max};                              \
        for (int32_t i = 0; i < shape->kept_0; i++) {                                              \
            for (int32_t j = 0; j < shape->kept_1; j++) {                                          \
                for (int32_t k = 0; k < shape->kept_2; k++) {                                      \
                    const type *value = x + j * step_1 * shape->reduced_1 + k;                     \
                    uint32_t sum = (uint32_t)shape->offset;                                        \
                    for (int32_t a = 0; a < shape->reduced_0; a++, value += step_0)                \
                        for (int32_t b = 0; b < shape->reduced_1; b++)                             \
                            sum += (uint32_t)value[b * step_1];                                    \
                    *y++ = requantize(sum, shape->multiplier, shape->shift, &output);              \
                }                                                                                  \
            }                                                                                      \
            x += step_0 * shape->reduced_0;                                                        \
        }                                                                                          \
    }

SMIDGEN_MEAN(smidgen_mean, int8_t, smidgen_requantize)

/* y (kept_0, kept_1, kept_2) from x (kept_0, reduced_0, kept_1, reduced_1, kept_2). */
struct smidgen_reduce_extremum_shape {
    int32_t kept_0, reduced_0, kept_1, reduced_1, kept_2;
};

/* sign: 1 for the largest value, -1 for the smallest. */
SMIDGEN_INLINE void smidgen_reduce_extremum(const struct smidgen_reduce_extremum_shape *shape,
                                            const int8_t *x, int8_t *y, const int32_t sign) {
    const ptrdiff_t step_1 = shape->kept_2, step_0 = step_1 * shape->reduced_1 * shape->kept_1;
    for (int32_t i = 0; i < shape->kept_0; i++) {
        for (int32_t j = 0; j < shape->kept_1; j++) {
            for (int32_t k = 0; k < shape->kept_2; k++) {
                const int8_t *value = x + j * step_1 * shape->reduced_1 + k;
                int32_t best = sign * *value;
                for (int32_t a = 0; a < shape->reduced_0; a++, value += step_0)
                    for (int32_t b = 0; b < shape->reduced_1; b++)
                        best = sign * value[b * step_1] > best ? sign * value[b * step_1] : best;
                *y++ = (int8_t)(sign * best);
            }
        }
        x += step_0 * shape->reduced_0;
    }
}

static inline void smidgen_reduce_max(const struct smidgen_reduce_extremum_shape *shape,
                                      const int8_t *x, int8_t *y) {
    smidgen_reduce_extremum(shape, x, y, 1);
}

static inline void smidgen_reduce_min(const struct smidgen_reduce_extremum_shape *shape,
                                      const int8_t *x, int8_t *y) {
    smidgen_reduce_extremum(shape, x, y, -1);
}

/* y (outer, inner) from x (outer, count, inner): the first index of the largest (sign 1) or
 * smallest (-1) value. */
struct smidgen_arg_extremum_shape {
    int32_t outer, count, inner, sign;
};

static inline void smidgen_arg_extremum(const struct smidgen_arg_extremum_shape *shape,
                                        const int8_t *x, int32_t *y) {
    for (int32_t i = 0; i < shape->outer; i++, x += (ptrdiff_t)shape->count * shape->inner) {
        for (int32_t k = 0; k < shape->inner; k++) {
            int32_t best = 0;
            for (int32_t j = 1; j < shape->count; j++)
                if (shape->sign * x[(ptrdiff_t)j * shape->inner + k] >
                    shape->sign * x[(ptrdiff_t)best * shape->inner + k])
                    best = j;
            *y++ = best;
        }
    }
}

#endif
