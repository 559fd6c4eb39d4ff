/* Add, subtract, multiply, minimum and maximum of two int8 tensors on Xmidge. */
#ifndef SMIDGEN_KERNELS_MIDGE_ELEMENTWISE_H
#define SMIDGEN_KERNELS_MIDGE_ELEMENTWISE_H

#include "../portable/elementwise.h"
#include "columns.h"
#include "words.h"

/* Two tensors of one shape, on a word. Parameters as in the portable kernel, for inputs a and b and
 * the output. */
struct smidgen_midge_add_shape {
    int32_t elements;
    uint32_t a_multiplier, b_multiplier, output_multiplier;
    int32_t left_shift, a_zero_point, a_shift, b_zero_point, b_shift;
    int32_t output_zero_point, output_shift, activation_min, activation_max;
};

/* `count` times four elements. Returns the next of the first operand. */
SMIDGEN_INLINE const int8_t *smidgen_midge_add_words(const int8_t *a, int32_t count,
                                                     const int subtracts) {
#ifdef __riscv
    if (subtracts)
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%1", "4") XMIDGE_ASM_SUB("%0", "%2")
                             XMIDGE_ASM_END
                         : "+r"(a)
                         : "r"(count), "r"(2)
                         : "memory");
    else
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%1", "4") XMIDGE_ASM_ADD("%0", "%2")
                             XMIDGE_ASM_END
                         : "+r"(a)
                         : "r"(count), "r"(2)
                         : "memory");
#else
    for (; count > 0; count--)
        a = subtracts ? xmidge_sub(a, 2) : xmidge_add(a, 2);
#endif
    return a;
}

SMIDGEN_INLINE void smidgen_midge_add_body(const struct smidgen_midge_add_shape *shape,
                                           const int8_t *a, const int8_t *b, int8_t *y,
                                           const int subtracts) {
    const uint32_t shifts = (uint8_t)shape->a_shift | (uint32_t)(uint8_t)shape->b_shift << 8 |
                            (uint32_t)(uint8_t)shape->output_shift << 16;
    const uint32_t rest = (uint32_t)shape->elements & 3u;
    xmidge_set(XMIDGE_OUTPUT,
               smidgen_midge_output(shape->output_zero_point, shape->activation_min,
                                    shape->activation_max) |
                   XMIDGE_OUTPUT_LEFT_SHIFT((uint32_t)shape->left_shift),
               0);
    xmidge_set(XMIDGE_SHAPE, XMIDGE_SHAPE_CHANNELS(3u), 0);
    xmidge_set(XMIDGE_PIXEL_STEP, (uintptr_t)b - (uintptr_t)a, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, (uintptr_t)y - (uintptr_t)a, 0);
    xmidge_set(XMIDGE_MULTIPLIER, shape->a_multiplier, 0);
    xmidge_set(XMIDGE_MULTIPLIER, shape->b_multiplier, 1);
    xmidge_set(XMIDGE_MULTIPLIER, shape->output_multiplier, 2);
    xmidge_set(XMIDGE_SHIFT, shifts, 0);
    xmidge_set(XMIDGE_BIAS, 0, 2);
    xmidge_taba(shape->a_zero_point, 0);
    xmidge_tabb(shape->b_zero_point, 1);
    a = smidgen_midge_add_words(a, shape->elements / 4, subtracts);
    if (rest > 0) {
        xmidge_set(XMIDGE_SHAPE, XMIDGE_SHAPE_CHANNELS(rest - 1u), 0);
        smidgen_midge_add_words(a, 1, subtracts);
    }
}

static inline void smidgen_midge_add(const struct smidgen_midge_add_shape *shape, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
    smidgen_midge_add_body(shape, a, b, y, 0);
}

static inline void smidgen_midge_sub(const struct smidgen_midge_add_shape *shape, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
    smidgen_midge_add_body(shape, a, b, y, 1);
}

/* Any shapes that broadcast. */
static inline void smidgen_midge_mul(const struct smidgen_mul_shape *shape, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
    xmidge_set(XMIDGE_SHAPE, 0, 0);
    xmidge_set(XMIDGE_OUTPUT,
               smidgen_midge_output(shape->output_zero_point, shape->activation_min,
                                    shape->activation_max),
               0);
    xmidge_set(XMIDGE_MULTIPLIER, shape->output_multiplier, 0);
    xmidge_set(XMIDGE_SHIFT, (uint8_t)shape->output_shift, 0);
    xmidge_set(XMIDGE_BIAS, 0, 0);
    SMIDGEN_FOR_EACH(shape, a, b, y, {
        result = xmidge_rqv((va - shape->a_zero_point) * (vb - shape->b_zero_point), 0);
    });
}

/* Two tensors of one shape, on a word; up to four bytes after them are read. */
struct smidgen_midge_extremum_shape {
    int32_t elements;
};

SMIDGEN_INLINE uint32_t smidgen_midge_extremum(const int8_t *a, const int8_t *b,
                                               const int largest) {
    const uint32_t word_a = smidgen_midge_load(a), word_b = smidgen_midge_load(b);
    return largest ? xmidge_max4(word_a, word_b) : xmidge_min4(word_a, word_b);
}

SMIDGEN_INLINE void smidgen_midge_extremum_body(const struct smidgen_midge_extremum_shape *shape,
                                                const int8_t *a, const int8_t *b, int8_t *y,
                                                const int largest) {
    const int8_t *const end = a + (shape->elements & ~3);
    for (; a != end; a += 4, b += 4, y += 4)
        smidgen_midge_store(y, smidgen_midge_extremum(a, b, largest));
    smidgen_midge_store_first(y, smidgen_midge_extremum(a, b, largest), shape->elements & 3);
}

static inline void smidgen_midge_minimum(const struct smidgen_midge_extremum_shape *shape,
                                         const int8_t *a, const int8_t *b, int8_t *y) {
    smidgen_midge_extremum_body(shape, a, b, y, 0);
}

static inline void smidgen_midge_maximum(const struct smidgen_midge_extremum_shape *shape,
                                         const int8_t *a, const int8_t *b, int8_t *y) {
    smidgen_midge_extremum_body(shape, a, b, y, 1);
}

#endif
