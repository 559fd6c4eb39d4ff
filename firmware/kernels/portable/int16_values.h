/* Sums, products, pools and functions of int16 values. */
#ifndef SMIDGEN_KERNELS_INT16_VALUES_H
#define SMIDGEN_KERNELS_INT16_VALUES_H

#include "elementwise.h"
#include "pool.h"
#include "reduce.h"

SMIDGEN_INLINE int16_t smidgen_requantize_int16(uint32_t x, uint32_t multiplier, int32_t shift,
                                                const struct smidgen_output *output) {
    const uint32_t scaled = (uint32_t)smidgen_scale(x, multiplier, shift);
    const int32_t shifted = (int32_t)(scaled + (uint32_t)output->zero_point);
    return (int16_t)smidgen_clamp(shifted, output->min, output->max);
}

/* sign: 1 adds, -1 subtracts. */
SMIDGEN_INLINE void smidgen_add_body_int16(const struct smidgen_add_shape *shape, const int16_t *a,
                                           const int16_t *b, int16_t *y, const int32_t sign) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    SMIDGEN_FOR_EACH_OF(int16_t, shape, a, b, y, {
        const uint32_t shifted_a = (uint32_t)(va - shape->a_zero_point) << shape->left_shift;
        const uint32_t shifted_b = (uint32_t)(vb - shape->b_zero_point) << shape->left_shift;
        const uint32_t scaled_a =
            (uint32_t)smidgen_scale(shifted_a, shape->a_multiplier, shape->a_shift);
        const uint32_t scaled_b =
            (uint32_t)smidgen_scale(shifted_b, shape->b_multiplier, shape->b_shift);
        result = smidgen_requantize_int16(scaled_a + (uint32_t)sign * scaled_b,
                                          shape->output_multiplier, shape->output_shift, &output);
    });
}

static inline void smidgen_add_int16(const struct smidgen_add_shape *shape, const int16_t *a,
                                     const int16_t *b, int16_t *y) {
    smidgen_add_body_int16(shape, a, b, y, 1);
}

static inline void smidgen_sub_int16(const struct smidgen_add_shape *shape, const int16_t *a,
                                     const int16_t *b, int16_t *y) {
    smidgen_add_body_int16(shape, a, b, y, -1);
}

static inline void smidgen_mul_int16(const struct smidgen_mul_shape *shape, const int16_t *a,
                                     const int16_t *b, int16_t *y) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    SMIDGEN_FOR_EACH_OF(int16_t, shape, a, b, y, {
        const uint32_t product =
            (uint32_t)(va - shape->a_zero_point) * (uint32_t)(vb - shape->b_zero_point);
        result = smidgen_requantize_int16(product, shape->output_multiplier, shape->output_shift,
                                          &output);
    });
}

SMIDGEN_POOL(smidgen_average_pool_int16, int16_t, INT16_MIN, 1)
SMIDGEN_POOL(smidgen_max_pool_int16, int16_t, INT16_MIN, 0)
SMIDGEN_MEAN(smidgen_mean_int16, int16_t, smidgen_requantize_int16)

/* Logistic and tanh by a table of logistic(i / 24). The argument is (x * multiplier + half of
 * 2^shift) >> shift. */
struct smidgen_sigmoid_int16_shape {
    int32_t elements, multiplier, shift;
};

/* bits: of the argument between two entries, 9 for logistic(x) and 8 for logistic(2 * x). beyond:
 * the value where the table ends. */
SMIDGEN_INLINE int32_t smidgen_sigmoid_between(int32_t magnitude, const uint16_t *table,
                                               const int bits, int32_t beyond) {
    const int32_t at = magnitude >> bits;
    if (at >= 255)
        return beyond;
    return (table[at] << bits) + (magnitude & ((1 << bits) - 1)) * (table[at + 1] - table[at]);
}

SMIDGEN_INLINE int32_t smidgen_sigmoid_argument(const struct smidgen_sigmoid_int16_shape *shape,
                                                int32_t x) {
    const int32_t half = shape->shift > 0 ? (int32_t)1 << (shape->shift - 1) : 0;
    return (x * shape->multiplier + half) >> shape->shift;
}

static inline void smidgen_logistic_int16(const struct smidgen_sigmoid_int16_shape *shape,
                                          const int16_t *x, const uint16_t *table, int16_t *y) {
    for (int32_t i = 0; i < shape->elements; i++) {
        const int32_t argument = smidgen_sigmoid_argument(shape, x[i]);
        const int32_t magnitude = argument < 0 ? -argument : argument;
        const int32_t value = smidgen_sigmoid_between(magnitude, table, 9, 0x7fff << 10);
        y[i] = (int16_t)((argument < 0 ? (1 << 25) - value + 511 : value + 512) >> 10);
    }
}

static inline void smidgen_tanh_int16(const struct smidgen_sigmoid_int16_shape *shape,
                                      const int16_t *x, const uint16_t *table, int16_t *y) {
    for (int32_t i = 0; i < shape->elements; i++) {
        const int32_t argument = smidgen_sigmoid_argument(shape, x[i]);
        const int32_t magnitude = argument < 0 ? -argument : argument;
        const int32_t value = smidgen_sigmoid_between(magnitude, table, 8, 0xffff << 8);
        y[i] = (int16_t)((argument < 0 ? (1 << 23) - value + 127 : value - (1 << 23) + 128) >> 8);
    }
}

/* Softmax over the last axis of (rows, depth). A difference to the row's maximum, times multiplier
 * / 2^32 / 2^shift, is -65535 for exp(-10). */
struct smidgen_softmax_int16_shape {
    int32_t rows, depth;
    uint32_t multiplier;
    int32_t shift;
};

/* Between the 513 entries of a table for arguments over the whole range of int16. */
SMIDGEN_INLINE int32_t smidgen_look_up_int16(const int16_t *table, int32_t x) {
    const int16_t *at = table + 256 + (x >> 7);
    return at[0] + (((at[1] - at[0]) * (x & 127) + 64) >> 7);
}

SMIDGEN_SHARED void smidgen_softmax_row_int16(const struct smidgen_softmax_int16_shape *shape,
                                              const int16_t *x, const int16_t *exp_table,
                                              const int16_t *reciprocal_table, int16_t *y) {
    int32_t max = INT16_MIN, leading_zeros = 0;
    uint32_t sum = 0;
    for (int32_t i = 0; i < shape->depth; i++)
        max = x[i] > max ? x[i] : max;
    for (int32_t i = 0; i < shape->depth; i++) {
        const int32_t scaled =
            smidgen_scale((uint32_t)(x[i] - max), shape->multiplier, shape->shift);
        const int32_t argument = scaled < INT16_MIN - INT16_MAX ? INT16_MIN : scaled + INT16_MAX;
        y[i] = (int16_t)smidgen_look_up_int16(exp_table, argument);
        sum += (uint32_t)y[i];
    }
    while (sum << leading_zeros < 0x80000000u)
        leading_zeros++;
    const int64_t shifted = (((int64_t)sum << (leading_zeros - 1)) + (1 << 13)) >> 14;
    const int32_t argument = (int32_t)shifted - (1 << 15) - (1 << 16);
    const int32_t reciprocal =
        smidgen_look_up_int16(reciprocal_table, smidgen_clamp(argument, INT16_MIN, INT16_MAX));
    const int32_t right = 31 - leading_zeros;
    for (int32_t i = 0; i < shape->depth; i++)
        y[i] = (int16_t)smidgen_clamp((y[i] * reciprocal + ((int32_t)1 << (right - 1))) >> right, 0,
                                      INT16_MAX);
}

static inline void smidgen_softmax_int16(const struct smidgen_softmax_int16_shape *shape,
                                         const int16_t *x, const int16_t *exp_table,
                                         const int16_t *reciprocal_table, int16_t *y) {
    for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->depth)
        smidgen_softmax_row_int16(shape, x, exp_table, reciprocal_table, y);
}

#endif
