/* Depthwise convolutions, int8, NHWC, weights of 8, 4 or 2 bits, the first in the lowest bits of a
 * byte. Multiplier and shift per output channel. */
#ifndef SMIDGEN_KERNELS_DEPTHWISE_H
#define SMIDGEN_KERNELS_DEPTHWISE_H

#include "common.h"

/* Bytes of n weights that start with a byte. */
SMIDGEN_INLINE int32_t smidgen_depthwise_bytes(int32_t n, const int bits) {
    return bits == 8 ? n : (n * bits + 7) / 8;
}

/* Weight n of those that start at w. */
SMIDGEN_INLINE int32_t smidgen_depthwise_weight(const int8_t *w, int32_t n, const int bits) {
    const uint32_t byte = (uint8_t)w[n / (8 / bits)];
    return bits == 8 ? w[n] : (int32_t)(byte << (32 - bits - n % (8 / bits) * bits)) >> (32 - bits);
}

/* Any window. Output channel c * channel_multiplier + m is of input channel c. The image is walked
 * along an outer and an inner axis, rows and columns or the other way round; a step leads from one
 * position to the next along an axis, in bytes. Weights [kernel_outer][kernel_inner][output
 * channels]. */
struct smidgen_depthwise_shape {
    int32_t batches, input_channels, channel_multiplier;
    int32_t input_outer, output_outer, kernel_outer, stride_outer, dilation_outer, pad_outer;
    int32_t input_inner, output_inner, kernel_inner, stride_inner, dilation_inner, pad_inner;
    int32_t input_batch_step, input_outer_step, input_inner_step;
    int32_t output_batch_step, output_outer_step, output_inner_step;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* The taps of a window that lie inside the image along one axis, from first to before end, and the
 * position of the first. */
struct smidgen_taps {
    int32_t first, end, position;
};

SMIDGEN_INLINE struct smidgen_taps smidgen_taps_inside(int32_t position, int32_t kernel,
                                                       int32_t dilation, int32_t size) {
    struct smidgen_taps taps = {0, 0, position};
    for (; taps.first < kernel && taps.position < 0; taps.first++)
        taps.position += dilation;
    taps.end = taps.first;
    for (int32_t at = taps.position; taps.end < kernel && at < size; taps.end++)
        at += dilation;
    return taps;
}

/* All channels of one output position. in and w point to the first tap inside the image. */
SMIDGEN_SHARED void smidgen_depthwise_position(const struct smidgen_depthwise_shape *shape,
                                               int32_t outer_taps, int32_t inner_taps,
                                               const int8_t *in, const int8_t *w,
                                               const int32_t *bias, const uint32_t *multiplier,
                                               const int8_t *shift, int8_t *out) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    const int32_t zero_point = shape->input_zero_point;
    const int32_t channels = shape->input_channels * shape->channel_multiplier;
    const ptrdiff_t inner_step = (ptrdiff_t)shape->dilation_inner * shape->input_inner_step;
    const ptrdiff_t outer_step = (ptrdiff_t)shape->dilation_outer * shape->input_outer_step;
    const ptrdiff_t outer_weights = (ptrdiff_t)shape->kernel_inner * channels;
    int32_t copies = shape->channel_multiplier;
    for (int32_t channel = 0; channel < channels; channel++) {
        uint32_t sum = (uint32_t)bias[channel];
        for (int32_t i = 0; i < outer_taps; i++) {
            ptrdiff_t at = i * outer_step, w_at = i * outer_weights + channel;
            for (int32_t j = inner_taps; j > 0; j--) {
                sum += (uint32_t)((in[at] - zero_point) * w[w_at]);
                at += inner_step;
                w_at += channels;
            }
        }
        out[channel] = smidgen_requantize(sum, multiplier[channel], shift[channel], &output);
        if (--copies == 0) {
            copies = shape->channel_multiplier;
            in++;
        }
    }
}

static inline void smidgen_depthwise(const struct smidgen_depthwise_shape *shape, const int8_t *x,
                                     const int8_t *weights, const int32_t *bias,
                                     const uint32_t *multiplier, const int8_t *shift, int8_t *y) {
    const int32_t channels = shape->input_channels * shape->channel_multiplier;
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t i = 0; i < shape->output_outer; i++) {
            const struct smidgen_taps outer =
                smidgen_taps_inside(i * shape->stride_outer - shape->pad_outer, shape->kernel_outer,
                                    shape->dilation_outer, shape->input_outer);
            int8_t *out = y + (ptrdiff_t)i * shape->output_outer_step;
            for (int32_t j = 0; j < shape->output_inner; j++, out += shape->output_inner_step) {
                const struct smidgen_taps inner = smidgen_taps_inside(
                    j * shape->stride_inner - shape->pad_inner, shape->kernel_inner,
                    shape->dilation_inner, shape->input_inner);
                const int32_t outer_taps = outer.end - outer.first,
                              inner_taps = inner.end - inner.first;
                const int8_t *in = x, *w = weights;
                if (outer_taps > 0 && inner_taps > 0) {
                    in += (ptrdiff_t)outer.position * shape->input_outer_step +
                          (ptrdiff_t)inner.position * shape->input_inner_step;
                    w += (ptrdiff_t)(outer.first * shape->kernel_inner + inner.first) * channels;
                }
                smidgen_depthwise_position(shape, outer_taps, inner_taps, in, w, bias, multiplier,
                                           shift, out);
            }
        }
        x += shape->input_batch_step;
        y += shape->output_batch_step;
    }
}

/* Windows of 3 x 3 that slide along a line, a row or a column of the image. The 9 weights of a
 * channel stay in registers; each new triple of inputs is the last of one window, the middle one of
 * the next and the first of the one after.
 *
 * lines: of the output; outputs: per line; a step leads from one line or position to the next, in
 * bytes. pad_line: 1 when a line before the image's first is needed, pad_first and pad_last: 1 when
 * a position before the line's first and after its last are. Weights [channels][position][line];
 * every channel's start with a byte. The input's zero point is part of the bias, and padding holds
 * it. */
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
                                               const int8_t *shifts, int8_t *y, const int stride,
                                               const int variant, const int bits) {
    const ptrdiff_t input_step = shape->input_step, output_step = shape->output_step;
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    const int32_t zero = shape->input_zero_point;
    int32_t line = 0, position = -shape->pad_line;
    for (int32_t lines = shape->lines * shape->batches; lines > 0; lines--) {
        const int has_first = position >= 0, has_last = position + 2 < shape->input_lines;
        const int8_t *middle = x + (ptrdiff_t)(position + 1) * shape->input_line_step;
        const int8_t *w = weights;
        for (int32_t channel = 0; channel < shape->channels;
             channel++, w += smidgen_depthwise_bytes(9, bits)) {
            int32_t w00 = smidgen_depthwise_weight(w, 0, bits);
            int32_t w01 = smidgen_depthwise_weight(w, 1, bits);
            int32_t w02 = smidgen_depthwise_weight(w, 2, bits);
            int32_t w10 = smidgen_depthwise_weight(w, 3, bits);
            int32_t w11 = smidgen_depthwise_weight(w, 4, bits);
            int32_t w12 = smidgen_depthwise_weight(w, 5, bits);
            int32_t w20 = smidgen_depthwise_weight(w, 6, bits);
            int32_t w21 = smidgen_depthwise_weight(w, 7, bits);
            int32_t w22 = smidgen_depthwise_weight(w, 8, bits);
            uint32_t bias = (uint32_t)biases[channel];
            const int8_t *in1 = middle + channel, *in0 = in1, *in2 = in1;
            /* A line outside the image holds the zero point: a constant, and weights of 0 for any
             * line. */
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
            const struct smidgen_scaling scaling =
                smidgen_scaling(multipliers[channel], shifts[channel], output.zero_point, variant);
            int8_t *out = y + (ptrdiff_t)line * shape->output_line_step + channel;
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
            for (int32_t n = shape->outputs - shape->pad_last; n > 0; n--, out += output_step) {
                if (stride == 2) {
                    SMIDGEN_LOAD_TRIPLE();
                    started = SMIDGEN_ADD_TRIPLE(started, 1);
                }
                SMIDGEN_LOAD_TRIPLE();
                *out = smidgen_finish(SMIDGEN_ADD_TRIPLE(started, 2), &scaling, &output, variant);
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
                *out = smidgen_finish(started, &scaling, &output, variant);
            }
        }
        position += shape->line_stride;
        if (++line == shape->lines) {
            line = 0;
            position = -shape->pad_line;
            x += shape->input_batch_step;
            y += shape->output_batch_step;
        }
    }
}

#define SMIDGEN_DEPTHWISE_3X3(name, stride, variant, bits)                                         \
    static inline void name(const struct smidgen_depthwise_3x3_shape *shape, const int8_t *x,      \
                            const int8_t *weights, const int32_t *bias,                            \
                            const uint32_t *multiplier, const int8_t *shift, int8_t *y) {          \
        smidgen_depthwise_3x3_body(shape, x, weights, bias, multiplier, shift, y, stride, variant, \
                                   bits);                                                          \
    }

/* By the stride along the line. */
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_1_clamped, 1, SMIDGEN_CLAMPED, 8)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_1_right, 1, SMIDGEN_RIGHT, 8)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_2_clamped, 2, SMIDGEN_CLAMPED, 8)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_2_right, 2, SMIDGEN_RIGHT, 8)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_1_wide, 1, SMIDGEN_WIDE, 8)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_2_wide, 2, SMIDGEN_WIDE, 8)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_1_i4_right, 1, SMIDGEN_RIGHT, 4)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_1_i4_wide, 1, SMIDGEN_WIDE, 4)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_2_i4_right, 2, SMIDGEN_RIGHT, 4)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_2_i4_wide, 2, SMIDGEN_WIDE, 4)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_1_i2_right, 1, SMIDGEN_RIGHT, 2)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_1_i2_wide, 1, SMIDGEN_WIDE, 2)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_2_i2_right, 2, SMIDGEN_RIGHT, 2)
SMIDGEN_DEPTHWISE_3X3(smidgen_depthwise_3x3_stride_2_i2_wide, 2, SMIDGEN_WIDE, 2)

/* As the others with a stride of 1, for an output of its input's shape and in its place: a
 * channel's plane is copied to scratch (lines * outputs bytes) before anything of it is written. */
SMIDGEN_INLINE void
smidgen_depthwise_3x3_in_place_body(const struct smidgen_depthwise_3x3_shape *shape,
                                    const int8_t *x, const int8_t *weights, const int32_t *biases,
                                    const uint32_t *multipliers, const int8_t *shifts, int8_t *y,
                                    int8_t *plane, const int variant, const int bits) {
    struct smidgen_depthwise_3x3_shape one = *shape;
    one.batches = one.channels = one.input_step = 1;
    one.input_line_step = shape->outputs;
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t channel = 0; channel < shape->channels; channel++) {
            int8_t *copy = plane;
            for (int32_t line = 0; line < shape->lines; line++) {
                const int8_t *in = x + (ptrdiff_t)line * shape->input_line_step + channel;
                for (int32_t n = shape->outputs; n > 0; n--, in += shape->input_step)
                    *copy++ = *in;
            }
            smidgen_depthwise_3x3_body(
                &one, plane, weights + channel * smidgen_depthwise_bytes(9, bits), biases + channel,
                multipliers + channel, shifts + channel, y + channel, 1, variant, bits);
        }
        x += shape->input_batch_step;
        y += shape->output_batch_step;
    }
}

#define SMIDGEN_DEPTHWISE_3X3_IN_PLACE(name, variant, bits)                                        \
    static inline void name(const struct smidgen_depthwise_3x3_shape *shape, const int8_t *x,      \
                            const int8_t *weights, const int32_t *bias,                            \
                            const uint32_t *multiplier, const int8_t *shift, int8_t *y,            \
                            void *scratch) {                                                       \
        smidgen_depthwise_3x3_in_place_body(shape, x, weights, bias, multiplier, shift, y,         \
                                            scratch, variant, bits);                               \
    }

SMIDGEN_DEPTHWISE_3X3_IN_PLACE(smidgen_depthwise_3x3_in_place_clamped, SMIDGEN_CLAMPED, 8)
SMIDGEN_DEPTHWISE_3X3_IN_PLACE(smidgen_depthwise_3x3_in_place_right, SMIDGEN_RIGHT, 8)
SMIDGEN_DEPTHWISE_3X3_IN_PLACE(smidgen_depthwise_3x3_in_place_wide, SMIDGEN_WIDE, 8)
SMIDGEN_DEPTHWISE_3X3_IN_PLACE(smidgen_depthwise_3x3_in_place_i4_right, SMIDGEN_RIGHT, 4)
SMIDGEN_DEPTHWISE_3X3_IN_PLACE(smidgen_depthwise_3x3_in_place_i4_wide, SMIDGEN_WIDE, 4)
SMIDGEN_DEPTHWISE_3X3_IN_PLACE(smidgen_depthwise_3x3_in_place_i2_right, SMIDGEN_RIGHT, 2)
SMIDGEN_DEPTHWISE_3X3_IN_PLACE(smidgen_depthwise_3x3_in_place_i2_wide, SMIDGEN_WIDE, 2)

/* Output channels whose weights are taken apart at a time, if no input channel has more. */
#define SMIDGEN_DEPTHWISE_BLOCK 16

/* As smidgen_depthwise, with weights of 4 or 2 bits. Weights [blocks of input channels]
 * [kernel_outer][kernel_inner][output channels of the block]; every block starts with a byte.
 * scratch: the weights of one block, a byte each. */
SMIDGEN_INLINE void smidgen_depthwise_narrow(const struct smidgen_depthwise_shape *shape,
                                             const int8_t *x, const int8_t *weights,
                                             const int32_t *bias, const uint32_t *multiplier,
                                             const int8_t *shift, int8_t *y, int8_t *scratch,
                                             const int bits) {
    const int32_t whole = SMIDGEN_DEPTHWISE_BLOCK / shape->channel_multiplier;
    struct smidgen_depthwise_shape block = *shape;
    block.input_channels = whole > 1 ? whole : 1;
    for (int32_t channels = shape->input_channels; channels > 0; channels -= block.input_channels) {
        if (block.input_channels > channels)
            block.input_channels = channels;
        const int32_t outputs = block.input_channels * shape->channel_multiplier;
        const int32_t count = shape->kernel_outer * shape->kernel_inner * outputs;
        for (int32_t i = 0; i < count; i++)
            scratch[i] = (int8_t)smidgen_depthwise_weight(weights, i, bits);
        smidgen_depthwise(&block, x, scratch, bias, multiplier, shift, y);
        x += block.input_channels;
        weights += smidgen_depthwise_bytes(count, bits);
        bias += outputs;
        multiplier += outputs;
        shift += outputs;
        y += outputs;
    }
}

#define SMIDGEN_DEPTHWISE_NARROW(name, bits)                                                       \
    static inline void name(const struct smidgen_depthwise_shape *shape, const int8_t *x,          \
                            const int8_t *weights, const int32_t *bias,                            \
                            const uint32_t *multiplier, const int8_t *shift, int8_t *y,            \
                            void *scratch) {                                                       \
        smidgen_depthwise_narrow(shape, x, weights, bias, multiplier, shift, y, scratch, bits);    \
    }

SMIDGEN_DEPTHWISE_NARROW(smidgen_depthwise_i4, 4)
SMIDGEN_DEPTHWISE_NARROW(smidgen_depthwise_i2, 2)

#endif
