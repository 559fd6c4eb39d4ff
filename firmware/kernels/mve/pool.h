/* Average and maximum over windows, int8, NHWC. Positions outside the image do not count. */
#ifndef SMIDGEN_KERNELS_MVE_POOL_H
#define SMIDGEN_KERNELS_MVE_POOL_H

#include "../portable/pool.h"
#include "vectors.h"

/* Channels side by side: 16 maxima, or 8 sums of at most 255 values, which fit 16 bits. */
SMIDGEN_INLINE void smidgen_mve_maximum(const struct smidgen_pool_shape *shape,
                                        const int8_t *corner, int32_t rows, int32_t columns,
                                        int8_t *y) {
    const int32_t channels = shape->channels;
    const ptrdiff_t line = (ptrdiff_t)shape->input_width * channels;
    const int8x16_t least = vdupq_n_s8((int8_t)shape->activation_min);
    const int8x16_t most = vdupq_n_s8((int8_t)shape->activation_max);
    for (int32_t c = 0; c < channels; c += SMIDGEN_MVE_LANES) {
        const mve_pred16_t valid = vctp8q((uint32_t)(channels - c));
        int8x16_t result = vdupq_n_s8(INT8_MIN);
        for (int32_t i = 0; i < rows; i++) {
            const int8_t *value = corner + i * line + c;
            for (int32_t j = 0; j < columns; j++, value += channels)
                result = vmaxq_s8(result, vldrbq_z_s8(value, valid));
        }
        vstrbq_p_s8(y + c, vminq_s8(vmaxq_s8(result, least), most), valid);
    }
}

SMIDGEN_INLINE void smidgen_mve_average(const struct smidgen_pool_shape *shape,
                                        const int8_t *corner, int32_t rows, int32_t columns,
                                        int8_t *y) {
    const int32_t channels = shape->channels, count = rows * columns;
    const ptrdiff_t line = (ptrdiff_t)shape->input_width * channels;
    for (int32_t c = 0; c < channels; c += 8) {
        const mve_pred16_t valid = vctp16q((uint32_t)(channels - c));
        int16_t sums[8];
        int16x8_t sum = vdupq_n_s16(0);
        for (int32_t i = 0; i < rows; i++) {
            const int8_t *value = corner + i * line + c;
            for (int32_t j = 0; j < columns; j++, value += channels)
                sum = vaddq_s16(sum, vldrbq_z_s16(value, valid));
        }
        vstrhq_s16(sums, sum);
        for (int32_t i = 0; i < 8 && c + i < channels; i++)
            y[c + i] = (int8_t)smidgen_clamp(smidgen_pool_mean(sums[i], count),
                                             shape->activation_min, shape->activation_max);
    }
}

SMIDGEN_INLINE void smidgen_mve_pool_body(const struct smidgen_pool_shape *shape, const int8_t *x,
                                          int8_t *y, const int average) {
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t row = 0; row < shape->output_height; row++) {
            const int32_t y0 = row * shape->stride_height - shape->pad_top;
            const int32_t top = y0 < 0 ? 0 : y0;
            const int32_t bottom = smidgen_clamp(y0 + shape->size_height, top, shape->input_height);
            for (int32_t column = 0; column < shape->output_width; column++) {
                const int32_t x0 = column * shape->stride_width - shape->pad_left;
                const int32_t left = x0 < 0 ? 0 : x0;
                const int32_t right =
                    smidgen_clamp(x0 + shape->size_width, left, shape->input_width);
                const int8_t *const corner =
                    x + ((ptrdiff_t)top * shape->input_width + left) * shape->channels;
                if (average)
                    smidgen_mve_average(shape, corner, bottom - top, right - left, y);
                else
                    smidgen_mve_maximum(shape, corner, bottom - top, right - left, y);
                y += shape->channels;
            }
        }
        x += (ptrdiff_t)shape->input_height * shape->input_width * shape->channels;
    }
}

static inline void smidgen_mve_average_pool(const struct smidgen_pool_shape *shape, const int8_t *x,
                                            int8_t *y) {
    smidgen_mve_pool_body(shape, x, y, 1);
}

static inline void smidgen_mve_max_pool(const struct smidgen_pool_shape *shape, const int8_t *x,
                                        int8_t *y) {
    smidgen_mve_pool_body(shape, x, y, 0);
}

#endif
