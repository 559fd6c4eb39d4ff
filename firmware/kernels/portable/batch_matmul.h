/* Products of two int8 matrices that are both computed at run time, in batches. */
#ifndef SMIDGEN_KERNELS_BATCH_MATMUL_H
#define SMIDGEN_KERNELS_BATCH_MATMUL_H

#include "block.h"

/* y (size_0, size_1, size_2, rows, columns) from a and b. a_i and b_i: elements from one matrix to
 * the next along batch axis i, 0 to use it again. a_row, a_depth, b_depth, b_column: elements from
 * one row, depth or column of a matrix to the next, whichever way it is transposed. */
struct smidgen_batch_matmul_shape {
    int32_t size_0, size_1, size_2, a_0, a_1, a_2, b_0, b_1, b_2;
    int32_t rows, depth, columns, a_row, a_depth, b_depth, b_column;
    uint32_t multiplier;
    int32_t shift, a_zero_point, b_zero_point, output_zero_point, activation_min, activation_max;
};

/* Every step-th element of source, to every target_step-th of target. Returns their sum. */
SMIDGEN_SHARED int32_t smidgen_batch_copy(int8_t *target, ptrdiff_t target_step,
                                          const int8_t *source, ptrdiff_t step, int32_t n) {
    int32_t sum = 0;
    for (; n > 0; n--, target += target_step, source += step) {
        sum += *source;
        *target = *source;
    }
    return sum;
}

/* Requantizes the sums of 4 columns with as many rows as there are: sums[column][row]. */
SMIDGEN_SHARED void smidgen_batch_store(const struct smidgen_batch_matmul_shape *shape,
                                        const uint32_t *sums, int32_t rows, int32_t columns,
                                        int8_t *y) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    columns = columns < 4 ? columns : 4;
    for (int32_t row = 0; row < rows; row++, y += shape->columns)
        for (int32_t column = 0; column < columns; column++)
            y[column] = smidgen_requantize(sums[4 * column + row], shape->multiplier, shape->shift,
                                           &output);
}

/* 4 interleaved rows times all columns. row_terms and column_terms: what the sums start from. */
SMIDGEN_SHARED void smidgen_batch_4(const struct smidgen_batch_matmul_shape *shape,
                                    const int8_t *rows, const uint32_t *row_terms, const int8_t *w,
                                    const uint32_t *column_terms, int8_t *y) {
    for (int32_t columns = shape->columns; columns > 0; columns -= 4, column_terms += 4, y += 4) {
        const uint32_t a = column_terms[0], b = column_terms[1];
        const uint32_t c = column_terms[2], d = column_terms[3];
        uint32_t a0 = a + row_terms[0], a1 = a + row_terms[1];
        uint32_t a2 = a + row_terms[2], a3 = a + row_terms[3];
        uint32_t b0 = b + row_terms[0], b1 = b + row_terms[1];
        uint32_t b2 = b + row_terms[2], b3 = b + row_terms[3];
        uint32_t c0 = c + row_terms[0], c1 = c + row_terms[1];
        uint32_t c2 = c + row_terms[2], c3 = c + row_terms[3];
        uint32_t d0 = d + row_terms[0], d1 = d + row_terms[1];
        uint32_t d2 = d + row_terms[2], d3 = d + row_terms[3];
        const int8_t *x = rows, *const end = x + SMIDGEN_PATCHES * shape->depth;
        const int8_t *const unrolled_end =
            x + SMIDGEN_PATCHES * (SMIDGEN_UNROLL ? shape->depth & ~3 : 0);
        for (; x != unrolled_end; x += 16, w += 16) {
            SMIDGEN_STEP_4X4(0);
            SMIDGEN_STEP_4X4(1);
            SMIDGEN_STEP_4X4(2);
            SMIDGEN_STEP_4X4(3);
        }
        for (; x != end; x += 4, w += 4)
            SMIDGEN_STEP_4X4(0);
        const uint32_t sums[16] = {a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3};
        smidgen_batch_store(shape, sums, 4, columns, y);
    }
}

/* As smidgen_batch_4 for one row. */
SMIDGEN_SHARED void smidgen_batch_1(const struct smidgen_batch_matmul_shape *shape,
                                    const int8_t *row, uint32_t row_term, const int8_t *w,
                                    const uint32_t *column_terms, int8_t *y) {
    for (int32_t columns = shape->columns; columns > 0; columns -= 4, column_terms += 4, y += 4) {
        uint32_t a = column_terms[0] + row_term, b = column_terms[1] + row_term;
        uint32_t c = column_terms[2] + row_term, d = column_terms[3] + row_term;
        const int8_t *x = row, *const end = x + shape->depth;
        for (; x != end; x++, w += 4)
            SMIDGEN_STEP_4X1(0);
        const uint32_t sums[16] = {a, 0, 0, 0, b, 0, 0, 0, c, 0, 0, 0, d, 0, 0, 0};
        smidgen_batch_store(shape, sums, 1, columns, y);
    }
}

/* One product. The zero points leave the loops: sum((a - za) * (b - zb)) is sum(a * b) - zb *
 * sum(a) + za * (depth * zb - sum(b)). */
SMIDGEN_INLINE void smidgen_batch_one(const struct smidgen_batch_matmul_shape *shape,
                                      const int8_t *a, const int8_t *b, int8_t *y,
                                      uint32_t *terms) {
    const int32_t columns = (shape->columns + 3) & ~3, depth = shape->depth;
    int8_t *const packed = (int8_t *)(terms + columns);
    int8_t *const rows = packed + (ptrdiff_t)columns * depth;
    for (int32_t column = 0; column < columns; column++) {
        /* Columns after the last are the last again; nothing reads their sums. */
        const int32_t real = column < shape->columns ? column : shape->columns - 1;
        const int32_t sum =
            smidgen_batch_copy(packed + (ptrdiff_t)(column / 4) * 4 * depth + column % 4, 4,
                               b + (ptrdiff_t)real * shape->b_column, shape->b_depth, depth);
        terms[column] =
            (uint32_t)shape->a_zero_point * (uint32_t)(depth * shape->b_zero_point - sum);
    }
    int32_t left = shape->rows;
    while (left > 0) {
        const int32_t together = left < 4 ? 1 : 4;
        uint32_t row_terms[4];
        for (int32_t row = 0; row < together; row++, a += shape->a_row)
            row_terms[row] = 0u - (uint32_t)shape->b_zero_point *
                                      (uint32_t)smidgen_batch_copy(rows + row, together, a,
                                                                   shape->a_depth, depth);
        if (together == 4)
            smidgen_batch_4(shape, rows, row_terms, packed, terms, y);
        else
            smidgen_batch_1(shape, rows, row_terms[0], packed, terms, y);
        y += (ptrdiff_t)together * shape->columns;
        left -= together;
    }
}

/* scratch: with columns rounded up to a multiple of 4, 4 bytes and `depth` bytes for each of them,
 * and 4 * depth more. */
static inline void smidgen_batch_matmul(const struct smidgen_batch_matmul_shape *shape,
                                        const int8_t *a, const int8_t *b, int8_t *y,
                                        void *scratch) {
    for (int32_t i = 0; i < shape->size_0; i++) {
        for (int32_t j = 0; j < shape->size_1; j++) {
            for (int32_t k = 0; k < shape->size_2; k++) {
                smidgen_batch_one(shape,
                                  a + (ptrdiff_t)i * shape->a_0 + (ptrdiff_t)j * shape->a_1 +
                                      (ptrdiff_t)k * shape->a_2,
                                  b + (ptrdiff_t)i * shape->b_0 + (ptrdiff_t)j * shape->b_1 +
                                      (ptrdiff_t)k * shape->b_2,
                                  y, scratch);
                y += (ptrdiff_t)shape->rows * shape->columns;
            }
        }
    }
}

#endif
