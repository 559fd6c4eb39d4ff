/* Average and maximum over windows on Xmidge, int8, NHWC. Positions outside the image do not
 * count. */
#ifndef SMIDGEN_KERNELS_MIDGE_POOL_H
#define SMIDGEN_KERNELS_MIDGE_POOL_H

#include "reduce.h"
#include "words.h"

/* y (batches, output_height, output_width, channels) from x (batches, input_height, input_width,
 * channels), both in one quantization. size is that of the window. */
struct smidgen_midge_pool_shape {
    int32_t batches, input_height, input_width, channels, output_height, output_width;
    int32_t size_height, size_width, stride_height, stride_width, pad_top, pad_left;
    int32_t activation_min, activation_max;
    int32_t weight, least_rows, least_columns, column_counts;
};

/* The part of a window inside the image. */
struct smidgen_midge_pool_window {
    const int8_t *corner;
    int32_t rows, columns;
};

SMIDGEN_INLINE struct smidgen_midge_pool_window
smidgen_midge_pool_window(const struct smidgen_midge_pool_shape *shape, const int8_t *x,
                          int32_t row, int32_t column) {
    const int32_t y0 = row * shape->stride_height - shape->pad_top, top = y0 < 0 ? 0 : y0;
    const int32_t x0 = column * shape->stride_width - shape->pad_left, left = x0 < 0 ? 0 : x0;
    const int32_t bottom = smidgen_clamp(y0 + shape->size_height, top, shape->input_height);
    const int32_t right = smidgen_clamp(x0 + shape->size_width, left, shape->input_width);
    const struct smidgen_midge_pool_window window = {
        x + ((ptrdiff_t)top * shape->input_width + left) * shape->channels, bottom - top,
        right - left};
    return window;
}

/* scales: multiplier and shift for each number of rows and columns inside the image, from the least
 * on. Every value counts `weight` times, and the division by the number of positions is part of the
 * multiplier. */
static inline void smidgen_midge_average_pool(const struct smidgen_midge_pool_shape *shape,
                                              const int8_t *x, const uint32_t *scales, int8_t *y) {
    const int32_t channels = shape->channels, row_step = shape->input_width * channels;
    smidgen_midge_sum_begin(shape->weight, row_step, channels, 0);
    xmidge_set(XMIDGE_OUTPUT, smidgen_midge_output(0, shape->activation_min, shape->activation_max),
               0);
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t row = 0; row < shape->output_height; row++) {
            for (int32_t column = 0; column < shape->output_width; column++) {
                const struct smidgen_midge_pool_window window =
                    smidgen_midge_pool_window(shape, x, row, column);
                const uint32_t *const scale =
                    scales + 2 * ((window.rows - shape->least_rows) * shape->column_counts +
                                  window.columns - shape->least_columns);
                xmidge_set(XMIDGE_MULTIPLIER, scale[0], 0);
                xmidge_set(XMIDGE_SHIFT, scale[1], 0);
                for (int32_t channel = 0; channel < channels; channel += 4) {
                    const int32_t rest = channels - channel, lanes = rest < 4 ? rest : 4;
                    const int8_t *in = window.corner + channel;
                    smidgen_midge_sum_clear(lanes);
                    for (int32_t left = window.rows; left > 0; left -= 4, in += 4 * row_step)
                        smidgen_midge_sum_columns(in, left < 4 ? left : 4, window.columns, lanes);
                    smidgen_midge_sum_end(y);
                    y += lanes;
                }
            }
        }
        x += (ptrdiff_t)shape->input_height * row_step;
    }
}

/* Channels in whole words, tensors on a word. */
static inline void smidgen_midge_max_pool(const struct smidgen_midge_pool_shape *shape,
                                          const int8_t *x, int8_t *y) {
    const int32_t channels = shape->channels, row_step = shape->input_width * channels;
    const uint32_t low = smidgen_midge_bytes(shape->activation_min);
    const uint32_t high = smidgen_midge_bytes(shape->activation_max);
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t row = 0; row < shape->output_height; row++) {
            for (int32_t column = 0; column < shape->output_width; column++) {
                const struct smidgen_midge_pool_window window =
                    smidgen_midge_pool_window(shape, x, row, column);
                for (int32_t channel = 0; channel < channels; channel += 4, y += 4) {
                    const int8_t *in = window.corner + channel;
                    uint32_t most = low;
                    for (int32_t i = window.rows; i > 0; i--, in += row_step) {
                        const int8_t *value = in;
                        for (int32_t j = window.columns; j > 0; j--, value += channels)
                            most = xmidge_max4(most, smidgen_midge_load(value));
                    }
                    smidgen_midge_store(y, xmidge_min4(most, high));
                }
            }
        }
        x += (ptrdiff_t)shape->input_height * row_step;
    }
}

#endif
