/* Moving elements of any type: bytes in, the same bytes out, elsewhere. */
#ifndef SMIDGEN_KERNELS_SHAPE_H
#define SMIDGEN_KERNELS_SHAPE_H

#include "common.h"

#include <stdarg.h>

SMIDGEN_SHARED void smidgen_copy_bytes(int8_t *target, const int8_t *source, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i++)
        target[i] = source[i];
}

struct smidgen_copy_shape {
    int32_t bytes;
};

static inline void smidgen_copy(const struct smidgen_copy_shape *shape, const void *x, void *y) {
    smidgen_copy_bytes(y, x, shape->bytes);
}

/* Five nested loops of size_i turns around runs of `run` bytes that are contiguous on both sides.
 * The other side's position starts at offset and moves by step_i bytes, which may be negative. */
struct smidgen_gather_shape {
    int32_t run, offset, size_0, size_1, size_2, size_3, size_4;
    int32_t step_0, step_1, step_2, step_3, step_4;
};

#define SMIDGEN_FOR_EACH_RUN(shape, position, statement)                                           \
    do {                                                                                           \
        ptrdiff_t position = (shape)->offset;                                                      \
        for (int32_t i0 = 0; i0 < (shape)->size_0; i0++) {                                         \
            for (int32_t i1 = 0; i1 < (shape)->size_1; i1++) {                                     \
                for (int32_t i2 = 0; i2 < (shape)->size_2; i2++) {                                 \
                    for (int32_t i3 = 0; i3 < (shape)->size_3; i3++) {                             \
                        for (int32_t i4 = 0; i4 < (shape)->size_4; i4++) {                         \
                            statement;                                                             \
                            position += (shape)->step_4;                                           \
                        }                                                                          \
                        position += (shape)->step_3 - (shape)->size_4 * (shape)->step_4;           \
                    }                                                                              \
                    position += (shape)->step_2 - (shape)->size_3 * (shape)->step_3;               \
                }                                                                                  \
                position += (shape)->step_1 - (shape)->size_2 * (shape)->step_2;                   \
            }                                                                                      \
            position += (shape)->step_0 - (shape)->size_1 * (shape)->step_1;                       \
        }                                                                                          \
    } while (0)

/* Writes in order what lies scattered in x, or again: TRANSPOSE, SLICE, STRIDED_SLICE, TILE,
 * DEPTH_TO_SPACE, SPACE_TO_DEPTH. */
static inline void smidgen_gather(const struct smidgen_gather_shape *shape, const void *x,
                                  void *y) {
    const int8_t *source = x;
    int8_t *target = y;
    SMIDGEN_FOR_EACH_RUN(shape, position, {
        smidgen_copy_bytes(target, source + position, shape->run);
        target += shape->run;
    });
}

/* Runs of `run` bytes whose places along an axis of `size` are known at run time only: of each of
 * `outer` blocks those that the indices say. A negative index counts from the end; one outside is
 * the nearest inside, so that nothing beyond x is read. */
struct smidgen_take_shape {
    int32_t outer, size, indices, run;
};

static inline void smidgen_take(const struct smidgen_take_shape *shape, const void *x,
                                const int32_t *indices, void *y) {
    const int8_t *source = x;
    int8_t *target = y;
    for (int32_t block = 0; block < shape->outer; block++) {
        for (int32_t i = 0; i < shape->indices; i++, target += shape->run) {
            const int32_t index = indices[i] < 0 ? indices[i] + shape->size : indices[i];
            const ptrdiff_t inside = smidgen_clamp(index, 0, shape->size - 1);
            smidgen_copy_bytes(target, source + inside * shape->run, shape->run);
        }
        source += (ptrdiff_t)shape->size * shape->run;
    }
}

/* As gather, the other way round: y is filled with a value, then x is read in order and scattered
 * in y. fill_bytes is the size of an element, fill its value (the low bytes, little-endian). */
struct smidgen_pad_shape {
    int32_t run, offset, size_0, size_1, size_2, size_3, size_4;
    int32_t step_0, step_1, step_2, step_3, step_4;
    int32_t output_bytes, fill_bytes, fill;
};

static inline void smidgen_pad(const struct smidgen_pad_shape *shape, const void *x, void *y) {
    const int8_t *source = x;
    int8_t *target = y;
    for (int32_t i = 0; i < shape->output_bytes; i++)
        target[i] = (int8_t)((uint32_t)shape->fill >> 8 * (i & (shape->fill_bytes - 1)));
    SMIDGEN_FOR_EACH_RUN(shape, position, {
        smidgen_copy_bytes(target + position, source, shape->run);
        source += shape->run;
    });
}

/* `parts` tensors of part_bytes[i] bytes per row on one side, rows of their sum on the other. */
struct smidgen_parts_shape {
    int32_t parts, rows, row_bytes;
};

/* CONCATENATION, PACK: the parts, then part_bytes, then the whole. */
static inline void smidgen_join(const struct smidgen_parts_shape *shape, ...) {
    va_list parts, whole;
    va_start(parts, shape);
    va_start(whole, shape);
    for (int32_t part = 0; part < shape->parts; part++)
        (void)va_arg(whole, void *);
    const int32_t *part_bytes = va_arg(whole, const int32_t *);
    int8_t *target = va_arg(whole, void *);
    for (int32_t part = 0; part < shape->parts; part++) {
        const int8_t *source = va_arg(parts, void *);
        for (int32_t row = 0; row < shape->rows; row++)
            smidgen_copy_bytes(target + row * shape->row_bytes, source + row * part_bytes[part],
                               part_bytes[part]);
        target += part_bytes[part];
    }
    va_end(whole);
    va_end(parts);
}

/* SPLIT, UNPACK: the whole, then part_bytes, then the parts. */
static inline void smidgen_divide(const struct smidgen_parts_shape *shape, const void *x,
                                  const int32_t *part_bytes, ...) {
    const int8_t *source = x;
    va_list parts;
    va_start(parts, part_bytes);
    for (int32_t part = 0; part < shape->parts; part++) {
        int8_t *target = va_arg(parts, void *);
        for (int32_t row = 0; row < shape->rows; row++)
            smidgen_copy_bytes(target + row * part_bytes[part], source + row * shape->row_bytes,
                               part_bytes[part]);
        source += part_bytes[part];
    }
    va_end(parts);
}

/* One name per number of parts, since model.c has one function per kernel. */
#define smidgen_join_1 smidgen_join
#define smidgen_join_2 smidgen_join
#define smidgen_join_3 smidgen_join
#define smidgen_join_4 smidgen_join
#define smidgen_join_5 smidgen_join
#define smidgen_join_6 smidgen_join
#define smidgen_join_7 smidgen_join
#define smidgen_join_8 smidgen_join
#define smidgen_join_9 smidgen_join
#define smidgen_join_10 smidgen_join
#define smidgen_join_11 smidgen_join
#define smidgen_join_12 smidgen_join
#define smidgen_join_13 smidgen_join
#define smidgen_join_14 smidgen_join
#define smidgen_join_15 smidgen_join
#define smidgen_join_16 smidgen_join
#define smidgen_divide_1 smidgen_divide
#define smidgen_divide_2 smidgen_divide
#define smidgen_divide_3 smidgen_divide
#define smidgen_divide_4 smidgen_divide
#define smidgen_divide_5 smidgen_divide
#define smidgen_divide_6 smidgen_divide
#define smidgen_divide_7 smidgen_divide
#define smidgen_divide_8 smidgen_divide
#define smidgen_divide_9 smidgen_divide
#define smidgen_divide_10 smidgen_divide
#define smidgen_divide_11 smidgen_divide
#define smidgen_divide_12 smidgen_divide
#define smidgen_divide_13 smidgen_divide
#define smidgen_divide_14 smidgen_divide
#define smidgen_divide_15 smidgen_divide
#define smidgen_divide_16 smidgen_divide

#endif
