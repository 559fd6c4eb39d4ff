/* Arithmetic on two int8 tensors that broadcast. */
#ifndef SMIDGEN_KERNELS_ELEMENTWISE_H
#define SMIDGEN_KERNELS_ELEMENTWISE_H

#include "activation.h"
#include "common.h"

/* Four axes of the output, the last one innermost, with the step of each input along it (0:
 * broadcast). */
#define SMIDGEN_BROADCAST_FIELDS                                                                   \
    int32_t size_0, size_1, size_2, size_3, a_0, a_1, a_2, a_3, b_0, b_1, b_2, b_3

/* Each input, less its zero point, is shifted left by left_shift and scaled by its multiplier and
 * shift; their sum or difference is scaled by the output's, offset and clamped. */
struct smidgen_add_shape {
    SMIDGEN_BROADCAST_FIELDS;
    uint32_t a_multiplier, b_multiplier, output_multiplier;
    int32_t left_shift, a_zero_point, a_shift, b_zero_point, b_shift;
    int32_t output_zero_point, output_shift, activation_min, activation_max;
};

/* The product of both inputs, less their zero points, is requantized. */
struct smidgen_mul_shape {
    SMIDGEN_BROADCAST_FIELDS;
    uint32_t output_multiplier;
    int32_t a_zero_point, b_zero_point;
    int32_t output_zero_point, output_shift, activation_min, activation_max;
};

/* Both inputs and the output share one quantization. */
struct smidgen_extremum_shape {
    SMIDGEN_BROADCAST_FIELDS;
};

/* Runs `statement` for every element of the output, with the inputs' values as va and vb; it sets
 * `result`. */
#define SMIDGEN_FOR_EACH_OF(type, shape, a, b, y, statement)                                       \
    do {                                                                                           \
        for (int32_t i = 0; i < (shape)->size_0; i++) {                                            \
            for (int32_t j = 0; j < (shape)->size_1; j++) {                                        \
                for (int32_t k = 0; k < (shape)->size_2; k++) {                                    \
                    const type *pa = a + (ptrdiff_t)i * (shape)->a_0 +                             \
                                     (ptrdiff_t)j * (shape)->a_1 + (ptrdiff_t)k * (shape)->a_2;    \
                    const type *pb = b + (ptrdiff_t)i * (shape)->b_0 +                             \
                                     (ptrdiff_t)j * (shape)->b_1 + (ptrdiff_t)k * (shape)->b_2;    \
                    const type *const end = y + (shape)->size_3;                                   \
                    for (; y != end; pa += (shape)->a_3, pb += (shape)->b_3) {                     \
                        const int32_t va = *pa, vb = *pb;                                          \
                        int32_t result;                                                            \
                        statement;                                                                 \
                        *y++ = (type)result;                                                       \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#define SMIDGEN_FOR_EACH(shape, a, b, y, statement)                                                \
    SMIDGEN_FOR_EACH_OF(int8_t, shape, a, b, y, statement)

/* sign: 1 adds, -1 subtracts. */
SMIDGEN_INLINE void smidgen_add_body(const struct smidgen_add_shape *shape, const int8_t *a,
                                     const int8_t *b, int8_t *y, const int32_t sign,
                                     const int variant) {
    const struct smidgen_scaling of_a =
        smidgen_scaling(shape->a_multiplier, shape->a_shift, 0, variant);
    const struct smidgen_scaling of_b =
        smidgen_scaling(shape->b_multiplier, shape->b_shift, 0, variant);
    const struct smidgen_scaling of_sum = smidgen_scaling(
        shape->output_multiplier, shape->output_shift, shape->output_zero_point, variant);
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    const int32_t left_shift = shape->left_shift;
    const int32_t a_zero_point = shape->a_zero_point, b_zero_point = shape->b_zero_point;
    SMIDGEN_FOR_EACH(shape, a, b, y, {
        const uint32_t shifted_a = (uint32_t)(va - a_zero_point) << left_shift;
        const uint32_t shifted_b = (uint32_t)(vb - b_zero_point) << left_shift;
        const uint32_t scaled_a = (uint32_t)smidgen_scale_by(shifted_a, &of_a, variant);
        const uint32_t scaled_b = (uint32_t)smidgen_scale_by(shifted_b, &of_b, variant);
        const uint32_t sum = scaled_a + (uint32_t)sign * scaled_b;
        result = smidgen_finish(sum, &of_sum, &output, variant);
    });
}

#define SMIDGEN_ADD(name, sign, variant)                                                           \
    static inline void name(const struct smidgen_add_shape *shape, const int8_t *a,                \
                            const int8_t *b, int8_t *y) {                                          \
        smidgen_add_body(shape, a, b, y, sign, variant);                                           \
    }

SMIDGEN_ADD(smidgen_add_right, 1, SMIDGEN_RIGHT)
SMIDGEN_ADD(smidgen_add_wide, 1, SMIDGEN_WIDE)
SMIDGEN_ADD(smidgen_sub_right, -1, SMIDGEN_RIGHT)
SMIDGEN_ADD(smidgen_sub_wide, -1, SMIDGEN_WIDE)

static inline void smidgen_mul(const struct smidgen_mul_shape *shape, const int8_t *a,
                               const int8_t *b, int8_t *y) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    SMIDGEN_FOR_EACH(shape, a, b, y, {
        const uint32_t product =
            (uint32_t)((va - shape->a_zero_point) * (vb - shape->b_zero_point));
        result =
            smidgen_requantize(product, shape->output_multiplier, shape->output_shift, &output);
    });
}

static inline void smidgen_minimum(const struct smidgen_extremum_shape *shape, const int8_t *a,
                                   const int8_t *b, int8_t *y) {
    SMIDGEN_FOR_EACH(shape, a, b, y, result = va < vb ? va : vb);
}

static inline void smidgen_maximum(const struct smidgen_extremum_shape *shape, const int8_t *a,
                                   const int8_t *b, int8_t *y) {
    SMIDGEN_FOR_EACH(shape, a, b, y, result = va > vb ? va : vb);
}

/* The squared difference of the scaled inputs is scaled by the output's. */
static inline void smidgen_squared_difference(const struct smidgen_add_shape *shape,
                                              const int8_t *a, const int8_t *b, int8_t *y) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    SMIDGEN_FOR_EACH(shape, a, b, y, {
        const uint32_t shifted_a = (uint32_t)(va - shape->a_zero_point) << shape->left_shift;
        const uint32_t shifted_b = (uint32_t)(vb - shape->b_zero_point) << shape->left_shift;
        const int32_t difference = smidgen_scale(shifted_a, shape->a_multiplier, shape->a_shift) -
                                   smidgen_scale(shifted_b, shape->b_multiplier, shape->b_shift);
        result = smidgen_requantize((uint32_t)(difference * difference), shape->output_multiplier,
                                    shape->output_shift, &output);
    });
}

/* a / b in Q31 before its scaling: both, less their zero points, shifted left until no bit is free,
 * and the power of two that this leaves. */
struct smidgen_quotient {
    int32_t value, shift;
};

SMIDGEN_SHARED struct smidgen_quotient smidgen_quotient_of(int32_t a, int32_t b) {
    const int32_t magnitude = b < 0 ? -b : b;
    int32_t bits = 0, headroom = 0;
    for (; magnitude >> bits > 1; bits++)
        ;
    /* The largest dividend has 8 bits beside its sign, so some 23 are always free. */
    for (; headroom < 31 && (a < 0 ? ~a : a) >> (30 - headroom) == 0; headroom++)
        ;
    const uint32_t fraction = ((uint32_t)magnitude << (31 - bits)) - 0x80000000u;
    const int32_t reciprocal = smidgen_reciprocal_of_one_plus((int32_t)fraction);
    const struct smidgen_quotient quotient = {
        smidgen_multiply_q31((int32_t)((uint32_t)a << headroom), b < 0 ? -reciprocal : reciprocal),
        bits + headroom};
    return quotient;
}

/* x / 0 saturates by the sign of x; 0 / 0 is the zero point. */
static inline void smidgen_div(const struct smidgen_mul_shape *shape, const int8_t *a,
                               const int8_t *b, int8_t *y) {
    SMIDGEN_FOR_EACH(shape, a, b, y, {
        const int32_t dividend = va - shape->a_zero_point;
        const int32_t divisor = vb - shape->b_zero_point;
        int32_t value = dividend < 0 ? -512 : dividend > 0 ? 512 : 0;
        if (divisor != 0) {
            const struct smidgen_quotient quotient = smidgen_quotient_of(dividend, divisor);
            const int32_t shift = quotient.shift + shape->output_shift;
            value = smidgen_multiply_high(quotient.value, shape->output_multiplier);
            value = shift > 31 ? 0 : smidgen_rounding_shift(value, shift < 0 ? 0 : shift);
        }
        /* A sum of 32 bits cannot overflow here where it is clamped anyway. */
        value = smidgen_clamp(value, -512, 512) + shape->output_zero_point;
        result = smidgen_clamp(value, shape->activation_min, shape->activation_max);
    });
}

/* a from zero up is rescaled, below it is multiplied by b and rescaled. */
struct smidgen_prelu_shape {
    SMIDGEN_BROADCAST_FIELDS;
    uint32_t positive_multiplier, negative_multiplier;
    int32_t a_zero_point, b_zero_point, positive_shift, negative_shift;
    int32_t output_zero_point, activation_min, activation_max;
};

static inline void smidgen_prelu(const struct smidgen_prelu_shape *shape, const int8_t *a,
                                 const int8_t *b, int8_t *y) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    SMIDGEN_FOR_EACH(shape, a, b, y, {
        const int32_t value = va - shape->a_zero_point;
        if (value >= 0)
            result = smidgen_requantize((uint32_t)value, shape->positive_multiplier,
                                        shape->positive_shift, &output);
        else
            result = smidgen_requantize((uint32_t)(value * (vb - shape->b_zero_point)),
                                        shape->negative_multiplier, shape->negative_shift, &output);
    });
}

#endif
