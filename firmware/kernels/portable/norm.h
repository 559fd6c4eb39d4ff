/* Layer, root mean square and instance normalization, int8. */
#ifndef SMIDGEN_KERNELS_NORM_H
#define SMIDGEN_KERNELS_NORM_H

#include "common.h"

/* x and y are (outer, count, inner): the mean is over count. Element (o, j, i) has the gamma and
 * beta at j * gamma_count + i * gamma_inner. With S the sum of x less its zero point (0 unless
 * centred), d = count * x - S and V = count * sum(x^2) - S^2, which gets fraction_bits of fraction
 * and epsilon (high * 2^32 + low), y is d / sqrt(V) * gamma + beta, rescaled. d / sqrt(V) has
 * 30 - root_bits bits of fraction. */
struct smidgen_norm_shape {
    int32_t outer, count, inner, gamma_count, gamma_inner;
    int32_t centred, input_zero_point, fraction_bits, root_bits;
    uint32_t epsilon_high, epsilon_low, multiplier;
    int32_t shift, output_zero_point, activation_min, activation_max;
};

/* value / 2^bits is 1 / sqrt(x). */
struct smidgen_root {
    int32_t value, bits;
};

/* x / 2^bits to the nearest integer, ties upward; 0 <= bits <= 62. */
SMIDGEN_INLINE int64_t smidgen_rounding_shift_64(int64_t x, int32_t bits) {
    return (x + (((int64_t)1 << bits) >> 1)) >> bits;
}

/* x from 1 to 2^63 - 1 is brought between 1 / 4 and 1 by a power of four, to a in Q0.30. From
 * 2.1327 - 1.2187 a, three Newton-Raphson steps r (3 - a r^2) / 2 in Q2.30 follow. */
SMIDGEN_SHARED struct smidgen_root smidgen_reciprocal_square_root(uint64_t x) {
    const int64_t start = 2289969188, slope = 1308569161, three = (int64_t)3 << 30;
    int32_t pairs = 0;
    for (uint64_t rest = x; rest != 0; rest >>= 2)
        pairs++;
    const int64_t a = (int64_t)(pairs > 15 ? x >> (2 * pairs - 30) : x << (30 - 2 * pairs));
    int64_t r = ((start << 30) - slope * a) >> 30;
    for (int step = 0; step < 3; step++) {
        const int64_t square = (r * r) >> 30;
        r = (r * ((three - ((a * square) >> 30)) >> 1)) >> 30;
    }
    const struct smidgen_root root = {(int32_t)r, 30 + pairs};
    return root;
}

/* 1 / sqrt(V) of the count elements at x that lie inner apart, and S. */
SMIDGEN_SHARED struct smidgen_root smidgen_norm_root(const struct smidgen_norm_shape *shape,
                                                     const int8_t *x, int32_t *total) {
    int32_t sum = 0;
    uint32_t squares = 0;
    for (int32_t j = 0; j < shape->count; j++, x += shape->inner) {
        const int32_t value = *x - shape->input_zero_point;
        sum += value;
        squares += (uint32_t)(value * value);
    }
    *total = shape->centred ? sum : 0;
    const uint64_t spread = (uint64_t)shape->count * squares - (uint64_t)((int64_t)*total * *total);
    const uint64_t epsilon = (uint64_t)shape->epsilon_high << 32 | shape->epsilon_low;
    const uint64_t variance = (spread << shape->fraction_bits) + epsilon;
    const uint64_t least = (uint64_t)1 << shape->fraction_bits;
    return smidgen_reciprocal_square_root(variance > least ? variance : least);
}

static inline void smidgen_norm(const struct smidgen_norm_shape *shape, const int8_t *x,
                                const int16_t *gamma, const int32_t *beta, int8_t *y) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    const ptrdiff_t inner = shape->inner;
    for (int32_t o = 0; o < shape->outer; o++) {
        for (int32_t i = 0; i < shape->inner; i++) {
            int32_t total;
            const struct smidgen_root root = smidgen_norm_root(shape, x + i, &total);
            const int32_t bits = root.bits - shape->fraction_bits / 2 - (30 - shape->root_bits);
            ptrdiff_t constant = (ptrdiff_t)i * shape->gamma_inner;
            for (int32_t j = 0; j < shape->count; j++, constant += shape->gamma_count) {
                const int32_t value = x[j * inner + i] - shape->input_zero_point;
                const int64_t product = (int64_t)(shape->count * value - total) * root.value;
                const int32_t normalized = (int32_t)smidgen_rounding_shift_64(product, bits);
                const int64_t scaled =
                    smidgen_rounding_shift_64((int64_t)normalized * gamma[constant], 15);
                y[j * inner + i] = smidgen_requantize((uint32_t)(scaled + beta[constant]),
                                                      shape->multiplier, shape->shift, &output);
            }
        }
        x += shape->count * inner;
        y += shape->count * inner;
    }
}

#endif
