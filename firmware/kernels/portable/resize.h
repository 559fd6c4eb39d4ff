/* Resizing images to the nearest neighbour, any element type. */
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

#endif
