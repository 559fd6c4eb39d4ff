/* Average and maximum over windows, NHWC. Positions outside the image do not count. */
#ifndef SMIDGEN_KERNELS_POOL_H
#define SMIDGEN_KERNELS_POOL_H

#include "common.h"

/* y (batches, output_height, output_width, channels) from x (batches, input_height, input_width,
 * channels), both in one quantization. size is that of the window. */
struct smidgen_pool_shape {
    int32_t batches, input_height, input_width, channels, output_height, output_width;
    int32_t size_height, size_width, stride_height, stride_width, pad_top, pad_left;
    int32_t activation_min, activation_max;
};

/* Sum divided by count, rounded to nearest, ties away from zero. */
SMIDGEN_INLINE int32_t smidgen_pool_mean(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* A pool of elements of `type`, whose least value is `lowest`. */
#define SMIDGEN_POOL(name, type, lowest, average)                                                  \
    static inline void name(const struct smidgen_pool_shape *shape, const type *x, type *y) {      \
        const int32_t channels = shape->channels;                                                  \
        for (int32_t batch = 0; batch < shape->batches; batch++) {                                 \
            for (int32_t row = 0; row < shape->output_height; row++) {                             \
                const int32_t y0 = row * shape->stride_height - shape->pad_top;                    \
                const int32_t top = y0 < 0 ? 0 : y0;                                               \
                const int32_t bottom =                                                             \
                    smidgen_clamp(y0 + shape->size_height, top, shape->input_height);              \
                for (int32_t column = 0; column < shape->output_width; column++) {                 \
                    const int32_t x0 = column * shape->stride_width - shape->pad_left;             \
                    const int32_t left = x0 < 0 ? 0 : x0;                                          \
                    const int32_t right =                                                          \
                        smidgen_clamp(x0 + shape->size_width, left, shape->input_width);           \
                    const ptrdiff_t next_row =                                                     \
                        (ptrdiff_t)(shape->input_width - (right - left)) * channels;               \
                    const type *corner =                                                           \
                        x + ((ptrdiff_t)top * shape->input_width + left) * channels;               \
                    for (int32_t channel = 0; channel < channels; channel++) {                     \
                        const type *value = corner + channel;                                      \
                        int32_t result = average ? 0 : lowest;                                     \
                        for (int32_t i = top; i < bottom; i++) {                                   \
                            for (int32_t j = left; j < right; j++, value += channels)              \
                                result = average           ? result + *value                       \
                                         : *value > result ? *value                                \
                                                           : result;                               \
                            value += next_row;                                                     \
                        }                                                                          \
                        if (average)                                                               \
                            result = smidgen_pool_mean(result, (bottom - top) * (right - left));   \
                        *y++ = (type)smidgen_clamp(result, shape->activation_min,                  \
                                                   shape->activation_max);                         \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            x += (ptrdiff_t)shape->input_height * shape->input_width * channels;                   \
        }                                                                                          \
    }

SMIDGEN_POOL(smidgen_average_pool, int8_t, INT8_MIN, 1)
SMIDGEN_POOL(smidgen_max_pool, int8_t, INT8_MIN, 0)

#endif
