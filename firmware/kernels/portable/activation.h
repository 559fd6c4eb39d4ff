/* Functions of one int8 value, and softmax. */
#ifndef SMIDGEN_KERNELS_ACTIVATION_H
#define SMIDGEN_KERNELS_ACTIVATION_H

#include "common.h"

struct smidgen_table_shape {
    int32_t elements;
};

/* y = table[x], x read as uint8: 256 entries hold any function of one int8 value exactly. */
static inline void smidgen_table(const struct smidgen_table_shape *shape, const int8_t *x,
                                 const int8_t *table, int8_t *y) {
    for (int32_t i = 0; i < shape->elements; i++)
        y[i] = table[(uint8_t)x[i]];
}

/* Softmax over the last axis of (rows, depth), int8 to int8 with scale 1/256 and zero point -128.
 * A difference d >= diff_min to the row's maximum becomes Q5.26 by (d << left_shift) * multiplier /
 * 2^32; below diff_min it counts as zero. */
struct smidgen_softmax_shape {
    int32_t rows, depth;
    uint32_t multiplier;
    int32_t left_shift, diff_min;
};

/* 2 * a * b / 2^32, rounded to nearest, ties upward; not for two factors of -2^31. */
SMIDGEN_SHARED int32_t smidgen_multiply_q31(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* exp(a) in Q0.31 for a <= 0 in Q5.26. The remainder of a modulo 1/4 goes through Taylor's
 * polynomial of the fourth degree around -1/8, every bit of the multiple through a multiplication
 * with a constant (gemmlowp's fixed-point exp, arXiv 1712.05877). */
SMIDGEN_SHARED int32_t smidgen_exp_q5_26(int32_t a) {
    static const int32_t powers[] = {1672461947, 1302514674, 790015084, 290630308,
                                     39332535,   720401,     242};
    const int32_t quarter = 1 << 24, exp_of_centre = 1895147668, one_third = 715827883;
    const int32_t remainder = (a & (quarter - 1)) - quarter;
    const int32_t x = remainder * 32 + (1 << 28);
    const int32_t x2 = smidgen_multiply_q31(x, x), x3 = smidgen_multiply_q31(x2, x);
    const int32_t x4_over_4 = smidgen_rounding_shift(smidgen_multiply_q31(x2, x2), 2);
    const int32_t higher =
        smidgen_rounding_shift(smidgen_multiply_q31(x4_over_4 + x3, one_third) + x2, 1);
    const uint32_t multiple = (uint32_t)remainder - (uint32_t)a;
    int32_t result = exp_of_centre + smidgen_multiply_q31(x + higher, exp_of_centre);
    for (int bit = 0; bit < 7; bit++)
        if (multiple >> (24 + bit) & 1)
            result = smidgen_multiply_q31(result, powers[bit]);
    return a == 0 ? INT32_MAX : result;
}

/* x * 4, saturating. */
SMIDGEN_INLINE int32_t smidgen_saturating_times_4(int32_t x) {
    const int32_t limit = 1 << 29;
    return x >= limit ? INT32_MAX : x < -limit ? INT32_MIN : x * 4;
}

/* 1 / (1 + a) in Q0.31 for a in Q0.31 between 0 and 1, by three steps of Newton and Raphson. */
SMIDGEN_SHARED int32_t smidgen_reciprocal_of_one_plus(int32_t a) {
    const int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + smidgen_multiply_q31(half_denominator, -1010580540);
    for (int step = 0; step < 3; step++) {
        const int32_t error = (1 << 29) - smidgen_multiply_q31(half_denominator, x);
        x += smidgen_saturating_times_4(smidgen_multiply_q31(x, error));
    }
    return x >= 1 << 30 ? INT32_MAX : x * 2;
}

/* exp of a difference to the row's maximum, in Q0.31. */
SMIDGEN_INLINE int32_t smidgen_softmax_power(const struct smidgen_softmax_shape *shape,
                                             int32_t difference) {
    const uint32_t shifted = (uint32_t)difference << shape->left_shift;
    return smidgen_exp_q5_26(smidgen_multiply_high((int32_t)shifted, shape->multiplier));
}

SMIDGEN_SHARED void smidgen_softmax_row(const struct smidgen_softmax_shape *shape, const int8_t *x,
                                        int8_t *y) {
    int32_t max = INT8_MIN, leading_zeros = 0;
    uint32_t sum = 0; /* of the exponentials, in Q12.19 */
    SMIDGEN_KEEP_LOOP
    for (int32_t i = 0; i < shape->depth; i++)
        max = x[i] > max ? x[i] : max;
    SMIDGEN_KEEP_LOOP
    for (int32_t i = 0; i < shape->depth; i++)
        if (x[i] - max >= shape->diff_min)
            sum += (uint32_t)smidgen_rounding_shift(smidgen_softmax_power(shape, x[i] - max), 12);
    for (; sum < 0x80000000u; sum <<= 1)
        leading_zeros++;
    const int32_t reciprocal = smidgen_reciprocal_of_one_plus((int32_t)(sum - 0x80000000u));
    const int32_t exponent = 35 - leading_zeros;
    SMIDGEN_KEEP_LOOP
    for (int32_t i = 0; i < shape->depth; i++) {
        int32_t quotient = 0;
        if (x[i] - max >= shape->diff_min && exponent < 32)
            quotient = smidgen_rounding_shift(
                smidgen_multiply_q31(smidgen_softmax_power(shape, x[i] - max), reciprocal),
                exponent);
        y[i] = (int8_t)(quotient > 255 ? 127 : quotient - 128);
    }
}

static inline void smidgen_softmax(const struct smidgen_softmax_shape *shape, const int8_t *x,
                                   int8_t *y) {
    for (int32_t row = 0; row < shape->rows; row++, x += shape->depth, y += shape->depth)
        smidgen_softmax_row(shape, x, y);
}

#endif
