/* Conditions: comparing, combining and choosing by booleans, and changing the type of a number. A
 * boolean is a byte, 0 or 1. */
#ifndef SMIDGEN_KERNELS_LOGIC_H
#define SMIDGEN_KERNELS_LOGIC_H

#include "elementwise.h"
#include "quantize.h"

/* Each input, less its zero point, is shifted left by left_shift and scaled; then they are
 * compared. */
struct smidgen_compare_shape {
    SMIDGEN_BROADCAST_FIELDS;
    uint32_t a_multiplier, b_multiplier;
    int32_t left_shift, a_zero_point, a_shift, b_zero_point, b_shift;
};

#define SMIDGEN_COMPARE(name, relation)                                                            \
    static inline void smidgen_##name(const struct smidgen_compare_shape *shape, const int8_t *a,  \
                                      const int8_t *b, uint8_t *boolean) {                         \
        int8_t *y = (int8_t *)boolean;                                                             \
        SMIDGEN_FOR_EACH(shape, a, b, y, {                                                         \
            const uint32_t shifted_a = (uint32_t)(va - shape->a_zero_point) << shape->left_shift;  \
            const uint32_t shifted_b = (uint32_t)(vb - shape->b_zero_point) << shape->left_shift;  \
            const int32_t scaled_a =                                                               \
                smidgen_scale(shifted_a, shape->a_multiplier, shape->a_shift);                     \
            const int32_t scaled_b =                                                               \
                smidgen_scale(shifted_b, shape->b_multiplier, shape->b_shift);                     \
            result = scaled_a relation scaled_b;                                                   \
        });                                                                                        \
    }

SMIDGEN_COMPARE(equal, ==)
SMIDGEN_COMPARE(not_equal, !=)
SMIDGEN_COMPARE(less, <)
SMIDGEN_COMPARE(less_equal, <=)
SMIDGEN_COMPARE(greater, >)
SMIDGEN_COMPARE(greater_equal, >=)

#define SMIDGEN_LOGICAL(name, operation)                                                           \
    static inline void smidgen_##name(const struct smidgen_extremum_shape *shape,                  \
                                      const uint8_t *boolean_a, const uint8_t *boolean_b,          \
                                      uint8_t *boolean) {                                          \
        const int8_t *a = (const int8_t *)boolean_a, *b = (const int8_t *)boolean_b;               \
        int8_t *y = (int8_t *)boolean;                                                             \
        SMIDGEN_FOR_EACH(shape, a, b, y, result = va operation vb);                                \
    }

SMIDGEN_LOGICAL(logical_and, &)
SMIDGEN_LOGICAL(logical_or, |)
SMIDGEN_LOGICAL(logical_xor, ^)

struct smidgen_logical_not_shape {
    int32_t elements;
};

static inline void smidgen_logical_not(const struct smidgen_logical_not_shape *shape,
                                       const uint8_t *x, uint8_t *y) {
    for (int32_t i = 0; i < shape->elements; i++)
        y[i] = (uint8_t)!x[i];
}

/* As SMIDGEN_BROADCAST_FIELDS, with the steps of the condition, too. */
struct smidgen_select_shape {
    SMIDGEN_BROADCAST_FIELDS;
    int32_t condition_0, condition_1, condition_2, condition_3;
};

/* Elements of one byte: a where the condition holds, else b. */
static inline void smidgen_select(const struct smidgen_select_shape *shape,
                                  const uint8_t *condition, const int8_t *a, const int8_t *b,
                                  int8_t *y) {
    for (int32_t i = 0; i < shape->size_0; i++) {
        for (int32_t j = 0; j < shape->size_1; j++) {
            for (int32_t k = 0; k < shape->size_2; k++) {
                const uint8_t *holds = condition + (ptrdiff_t)i * shape->condition_0 +
                                       (ptrdiff_t)j * shape->condition_1 +
                                       (ptrdiff_t)k * shape->condition_2;
                const int8_t *one = a + (ptrdiff_t)i * shape->a_0 + (ptrdiff_t)j * shape->a_1 +
                                    (ptrdiff_t)k * shape->a_2;
                const int8_t *other = b + (ptrdiff_t)i * shape->b_0 + (ptrdiff_t)j * shape->b_1 +
                                      (ptrdiff_t)k * shape->b_2;
                for (int32_t l = 0; l < shape->size_3;
                     l++, holds += shape->condition_3, one += shape->a_3, other += shape->b_3)
                    *y++ = *holds ? *one : *other;
            }
        }
    }
}

/* input_bytes, output_bytes: the size of an element, 1, 2 or 4; to_boolean: whether all but 0
 * becomes 1. */
struct smidgen_cast_shape {
    int32_t elements, input_bytes, output_bytes, to_boolean;
};

static inline void smidgen_cast(const struct smidgen_cast_shape *shape, const void *x, void *y) {
    for (int32_t i = 0; i < shape->elements; i++) {
        const int32_t value = smidgen_read_integer(x, i, shape->input_bytes);
        smidgen_write_integer(y, i, shape->output_bytes, shape->to_boolean ? value != 0 : value);
    }
}

#endif
