/* Depthwise convolutions, int8, NHWC. Multiplier and shift per output channel. */
#ifndef SMIDGEN_KERNELS_DEPTHWISE_H
#define SMIDGEN_KERNELS_DEPTHWISE_H

#include "common.h"

/* Any window. y (batches, output_height, output_width, input_channels * channel_multiplier); weights
 * (kernel_height, kernel_width, output channels) as in the file. Output channel c * channel_multiplier + m
 * is of input channel c. */
struct smidgen_depthwise_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, channel_multiplier;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t dilation_height, dilation_width, pad_top, pad_left;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* The taps of a window that lie inside the image along one axis: from first to before end; at is the
 * position of the first. */
struct smidgen_taps {
    int32_t first, end, at;
};

SMIDGEN_INLINE struct smidgen_taps smidgen_taps_inside(int32_t at, int32_t kernel, int32_t dilation,
                                                       int32_t size) {
    struct smidgen_taps taps = {0, 0, at};
    for (; taps.first < kernel && taps.at < 0; taps.first++)
        taps.at += dilation;
    taps.end = taps.first;
    for (int32_t last = taps.at; taps.end < kernel && last < size; taps.end++)
        last += dilation;
    return taps;
}

static inline void smidgen_depthwise(const struct smidgen_depthwise_shape *shape, const int8_t *x,
                                     const int8_t *weights, const int32_t *bias,
                                     const uint32_t *multiplier, const int8_t *shift, int8_t *y) {
    const ptrdiff_t inputs = shape->input_channels, outputs = inputs * shape->channel_multiplier;
    const ptrdiff_t input_row = inputs * shape->input_width;
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    for (int32_t batch = 0; batch < shape->batches; batch++, x += input_row * shape->input_height) {
        for (int32_t row = 0; row < shape->output_height; row++) {
            const struct smidgen_taps rows =
                smidgen_taps_inside(row * shape->stride_height - shape->pad_top, shape->kernel_height,
                                    shape->dilation_height, shape->input_height);
            for (int32_t column = 0; column < shape->output_width; column++) {
                const struct smidgen_taps columns =
                    smidgen_taps_inside(column * shape->stride_width - shape->pad_left, shape->kernel_width,
                                        shape->dilation_width, shape->input_width);
                const int8_t *corner = x, *first_weight = weights;
                if (rows.first < rows.end && columns.first < columns.end) {
                    corner += rows.at * input_row + columns.at * inputs;
                    first_weight += (rows.first * shape->kernel_width + columns.first) * outputs;
                }
                int32_t copies = shape->channel_multiplier;
                for (ptrdiff_t channel = 0; channel < outputs; channel++) {
                    const int8_t *in = corner, *w = first_weight + channel;
                    uint32_t sum = (uint32_t)bias[channel];
                    for (int32_t i = rows.first; i < rows.end; i++) {
                        for (int32_t j = columns.first; j < columns.end; j++) {
                            sum += (uint32_t)((*in - shape->input_zero_point) * *w);
                            in += shape->dilation_width * inputs;
                            w += outputs;
                        }
                        in += shape->dilation_height * input_row -
                              (columns.end - columns.first) * shape->dilation_width * inputs;
                        w += (shape->kernel_width - (columns.end - columns.first)) * outputs;
                    }
                    *y++ = smidgen_finish(smidgen_scale(sum, multiplier[channel], shift[channel]), &output);
                    if (--copies == 0) {
                        copies = shape->channel_multiplier;
                        corner++;
                    }
                }
            }
        }
    }
}

/* Windows of 3 x 3 that slide along a line, a row or a column of the image. The 9 weights of a channel stay
 * in registers; each new triple of inputs is the last of one window, the middle one of the next and the
 * first of the one after.
 *
 * lines: of the output; outputs: per line; a step leads from one line or position to the next, in bytes.
 * pad_line: 1 when a line before the image's first is needed, pad_first and pad_last: 1 when a position
 * before the line's first and after its last are. Weights [channels][position][line]. The input's zero
 * point is part of the bias, and padding holds it. */
struct smidgen_depthwise_3x3_shape {
    int32_t batches, channels, lines, outputs, input_lines, line_stride;
    int32_t pad_line, pad_first, pad_last;
    int32_t input_batch_step, input_line_step, input_step;
    int32_t output_batch_step, output_line_step, output_step;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

#define SMIDGEN_LOAD_TRIPLE()                                                                      \
    do {                                                                                           \
        x0 = in0[at];                                                                              \
        x1 = in1[at];                                                                              \
        x2 = in2[at];                                                                              \
        at += input_step;                                                                          \
    } while (0)

/* sum + the triple times the weights of position p of the window */
#define SMIDGEN_ADD_TRIPLE(sum, p)                                                                 \
    ((sum) + (uint32_t)(w##p##0 * x0) + (uint32_t)(w##p##1 * x1) + (uint32_t)(w##p##2 * x2))

SMIDGEN_INLINE void smidgen_depthwise_3x3_body(const struct smidgen_depthwise_3x3_shape *shape,
                                               const int8_t *x, const int8_t *weights,
                                               const int32_t *biases, const uint32_t *multipliers,
                                               const int8_t *shifts, int8_t *y, const int stride) {
    const ptrdiff_t input_step = shape->input_step, output_step = shape->output_step;
    const int32_t zero = shape->input_zero_point;
    const int32_t min = shape->activation_min, max = shape->activation_max;
    for (int32_t line = 0; line < shape->lines * shape->batches; line++) {
        const int32_t batch = line / shape->lines, first = (line % shape->lines) * shape->line_stride - shape->pad_line;
        const int has_first = first >= 0, has_last = first + 2 < shape->input_lines;
        const int8_t *middle = x + (ptrdiff_t)batch * shape->input_batch_step + (ptrdiff_t)(first + 1) * shape->input_line_step;
        int8_t *target = y + (ptrdiff_t)batch * shape->output_batch_step + (ptrdiff_t)(line % shape->lines) * shape->output_line_step;
        const int8_t *w = weights;
        for (int32_t channel = 0; channel < shape->channels; channel++, w += 9) {
            int32_t w00 = w[0], w01 = w[1], w02 = w[2], w10 = w[3], w11 = w[4], w12 = w[5], w20 = w[6],
                    w21 = w[7], w22 = w[8];
            uint32_t bias = (uint32_t)biases[channel];
            const int8_t *in1 = middle + channel, *in0 = in1, *in2 = in1;
            /* A line outside the image holds the zero point: a constant, and weights of 0 for any line. */
            if (has_first) {
                in0 -= shape->input_line_step;
            } else {
                bias += (uint32_t)(zero * (w00 + w10 + w20));
                w00 = w10 = w20 = 0;
            }
            if (has_last) {
                in2 += shape->input_line_step;
            } else {
                bias += (uint32_t)(zero * (w02 + w12 + w22));
                w02 = w12 = w22 = 0;
            }
            const uint32_t multiplier = multipliers[channel];
            const int32_t shift = shifts[channel], rounding = smidgen_rounding(shape->output_zero_point, shift);
            int8_t *out = target + channel, *const end = out + (shape->outputs - shape->pad_last) * output_step;
            int32_t x0 = zero, x1 = zero, x2 = zero;
            ptrdiff_t at = 0;
            if (!shape->pad_first)
                SMIDGEN_LOAD_TRIPLE();
            uint32_t started = SMIDGEN_ADD_TRIPLE(bias, 0), fresh = 0;
            if (stride == 1) {
                SMIDGEN_LOAD_TRIPLE();
                started = SMIDGEN_ADD_TRIPLE(started, 1);
                fresh = SMIDGEN_ADD_TRIPLE(bias, 0);
            }
            for (; out != end; out += output_step) {
                if (stride == 2) {
                    SMIDGEN_LOAD_TRIPLE();
                    started = SMIDGEN_ADD_TRIPLE(started, 1);
                }
                SMIDGEN_LOAD_TRIPLE();
                *out = smidgen_finish_right(SMIDGEN_ADD_TRIPLE(started, 2), multiplier, shift, rounding, min, max);
                if (stride == 1) {
                    started = SMIDGEN_ADD_TRIPLE(fresh, 1);
                    fresh = SMIDGEN_ADD_TRIPLE(bias, 0);
                } else {
                    started = SMIDGEN_ADD_TRIPLE(bias, 0);
                }
            }
            if (shape->pad_last) {
                if (stride == 2) {
                    SMIDGEN_LOAD_TRIPLE();
                    started = SMIDGEN_ADD_TRIPLE(started, 1);
                }
                started += (uint32_t)(zero * (w20 + w21 + w22));
                *out = smidgen_finish_right(started, multiplier, shift, rounding, min, max);
            }
        }
    }
}

/* line_stride and the stride along the line are 1. */
static inline void smidgen_depthwise_3x3(const struct smidgen_depthwise_3x3_shape *shape, const int8_t *x,
                                         const int8_t *weights, const int32_t *bias,
                                         const uint32_t *multiplier, const int8_t *shift, int8_t *y) {
    smidgen_depthwise_3x3_body(shape, x, weights, bias, multiplier, shift, y, 1);
}

/* The stride along the line is 2. */
static inline void smidgen_depthwise_3x3_stride_2(const struct smidgen_depthwise_3x3_shape *shape,
                                                  const int8_t *x, const int8_t *weights,
                                                  const int32_t *bias, const uint32_t *multiplier,
                                                  const int8_t *shift, int8_t *y) {
    smidgen_depthwise_3x3_body(shape, x, weights, bias, multiplier, shift, y, 2);
}

#endif
