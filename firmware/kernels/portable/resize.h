/* Resizing images: to the nearest neighbour for any element type, bilinear for int8. */
#ifndef SMIDGEN_KERNELS_RESIZE_H
#define SMIDGEN_KERNELS_RESIZE_H

#include "common.h"

/* Output row i copies input row rows[i], output column j input column columns[j]; a pixel is
 * pixel_bytes. */
struct smidgen_resize_shape {
    int32_t batches, input_height, input_width, output_height, output_width, pixel_bytes;
};

static inline void smidgen_resize_nearest(const struct smidgen_resize_shape *shape, const void *x,
                                          const int32_t *rows, const int32_t *columns, void *y) {
    const int8_t *image = x;
    int8_t *target = y;
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t i = 0; i < shape->output_height; i++) {
            for (int32_t j = 0; j < shape->output_width; j++) {
                const int8_t *source =
                    image +
                    ((ptrdiff_t)rows[i] * shape->input_width + columns[j]) * shape->pixel_bytes;
                for (int32_t k = 0; k < shape->pixel_bytes; k++)
                    *target++ = source[k];
            }
        }
        image += (ptrdiff_t)shape->input_height * shape->input_width * shape->pixel_bytes;
    }
}

/* An output row (column) lies between two of the input, nearer to the upper the larger the weight,
 * at most 1024: three numbers for each. x and y share one quantization. */
struct smidgen_resize_bilinear_shape {
    int32_t batches, input_height, input_width, channels, output_height, output_width;
};

static inline void smidgen_resize_bilinear(const struct smidgen_resize_bilinear_shape *shape,
                                           const int8_t *x, const int32_t *rows,
                                           const int32_t *columns, int8_t *y) {
    const int32_t channels = shape->channels;
    const ptrdiff_t row_bytes = (ptrdiff_t)shape->input_width * channels;
    for (int32_t batch = 0; batch < shape->batches; batch++, x += shape->input_height * row_bytes) {
        const int32_t *row = rows;
        for (int32_t i = 0; i < shape->output_height; i++, row += 3) {
            const int32_t *column = columns;
            for (int32_t j = 0; j < shape->output_width; j++, column += 3) {
                const int32_t lower = 1024 - row[2], left = 1024 - column[2];
                const int8_t *at = x + row[0] * row_bytes + (ptrdiff_t)column[0] * channels;
                const ptrdiff_t right = (ptrdiff_t)(column[1] - column[0]) * channels;
                const ptrdiff_t below = (ptrdiff_t)(row[1] - row[0]) * row_bytes;
                for (int32_t k = 0; k < channels; k++, at++) {
                    const int32_t first = at[0] * left + at[right] * column[2];
                    const int32_t second = at[below] * left + at[below + right] * column[2];
                    const int32_t sum = first * lower + second * row[2];
                    /* Rounded to nearest, ties away from zero. */
                    *y++ = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
                }
            }
        }
    }
}

#endif
