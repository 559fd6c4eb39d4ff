/* Depthwise convolutions with the DSP extension, int8 activations, NHWC, weights of 8, 4 or 2 bits.
 *
 * Planes of 4 channels at a time are copied to scratch, padded and widened to halves of words, so
 * that two neighbours along a line meet two weights in one instruction. A line is a row or a column
 * of the image, whichever takes fewer steps. */
#ifndef SMIDGEN_KERNELS_DSP_DEPTHWISE_H
#define SMIDGEN_KERNELS_DSP_DEPTHWISE_H

#include "../portable/depthwise.h"
#include "dsp.h"

/* Output channel c * copies + m is of input channel c. A step leads from one line, or position on a
 * line, to the next, in bytes. band: lines of the output for which planes are copied together.
 * pitch: words of a line in a plane; kernel_words: of a line of a widened kernel. Weights [output
 * channels][line][position], every channel's start with a byte. The input's zero point is part of
 * the bias, and padding holds it. */
struct smidgen_dsp_depthwise_shape {
    int32_t batches, channels, copies, weight_bits, band, pitch, kernel_words;
    int32_t input_lines, output_lines, kernel_lines, line_stride, line_dilation, pad_lines;
    int32_t inputs, outputs, taps, stride, dilation, pad;
    int32_t input_batch_step, input_line_step, input_step;
    int32_t output_batch_step, output_line_step, output_step;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* Words of one plane, for `lines` of the output. */
SMIDGEN_INLINE int32_t smidgen_dsp_plane_lines(const struct smidgen_dsp_depthwise_shape *shape,
                                               int32_t lines) {
    return (lines - 1) * shape->line_stride + (shape->kernel_lines - 1) * shape->line_dilation + 1;
}

/* Four channels of two neighbours to one word in each of four planes. */
SMIDGEN_INLINE void smidgen_dsp_spread(uint32_t first, uint32_t second, uint32_t *target,
                                       ptrdiff_t plane) {
    const uint32_t even_first = smidgen_dsp_even_bytes(first);
    const uint32_t even_second = smidgen_dsp_even_bytes(second);
    const uint32_t odd_first = smidgen_dsp_odd_bytes(first);
    const uint32_t odd_second = smidgen_dsp_odd_bytes(second);
    target[0] = smidgen_dsp_lower_halves(even_first, even_second);
    target[plane] = smidgen_dsp_lower_halves(odd_first, odd_second);
    target[2 * plane] = smidgen_dsp_upper_halves(even_first, even_second);
    target[3 * plane] = smidgen_dsp_upper_halves(odd_first, odd_second);
}

/* Up to 4 channels at position i of a line that has them; the zero point outside the image. */
SMIDGEN_INLINE uint32_t smidgen_dsp_position(const struct smidgen_dsp_depthwise_shape *shape,
                                             const int8_t *line, int32_t i, int32_t channels,
                                             uint32_t zeros) {
    if ((uint32_t)i >= (uint32_t)shape->inputs)
        return zeros;
    line += i * shape->input_step;
    return channels >= 4 ? smidgen_dsp_load(line) : smidgen_dsp_load_some(line, channels);
}

/* Planes of up to 4 channels, from a line (perhaps outside the image) on. */
SMIDGEN_SHARED void smidgen_dsp_planes(const struct smidgen_dsp_depthwise_shape *shape,
                                       const int8_t *x, int32_t line, int32_t lines,
                                       int32_t channels, uint32_t *target, ptrdiff_t plane) {
    const uint32_t zeros = (uint8_t)shape->input_zero_point * 0x1010101u;
    const uint32_t zero_pair = smidgen_dsp_even_bytes(zeros);
    const int32_t pitch = shape->pitch;
    /* Pairs of positions up to the last that is inside, and those that are loaded without a look.
     */
    const int32_t reach = (shape->pad + shape->inputs + 1) / 2;
    const int32_t used = reach < pitch ? reach : pitch;
    const int32_t before = (shape->pad + 1) / 2;
    const int32_t whole = (shape->pad + shape->inputs) / 2;
    const int32_t after = channels < 4 ? before : whole < pitch ? whole : pitch;
    const ptrdiff_t step = shape->input_step;
    for (; lines > 0; lines--, line++) {
        int32_t i = 0;
        if ((uint32_t)line < (uint32_t)shape->input_lines) {
            const int8_t *const from = x + line * shape->input_line_step;
            while (i < used) {
                if (i == before && i < after) {
                    const int8_t *pair = from + (2 * i - shape->pad) * step;
                    for (; i < after; i++, pair += 2 * step)
                        smidgen_dsp_spread(smidgen_dsp_load(pair), smidgen_dsp_load(pair + step),
                                           target++, plane);
                    continue;
                }
                const int32_t at = 2 * i++ - shape->pad;
                smidgen_dsp_spread(smidgen_dsp_position(shape, from, at, channels, zeros),
                                   smidgen_dsp_position(shape, from, at + 1, channels, zeros),
                                   target++, plane);
            }
        }
        for (; i < pitch; i++, target++)
            target[0] = target[plane] = target[2 * plane] = target[3 * plane] = zero_pair;
    }
}

/* One weight of a channel whose weights begin at w. */
SMIDGEN_INLINE uint32_t smidgen_dsp_depthwise_weight(const int8_t *w, int32_t n, int32_t bits) {
    if (bits == 8)
        return (uint32_t)w[n];
    return (uint32_t)(bits == 4 ? smidgen_depthwise_weight(w, n, 4)
                                : smidgen_depthwise_weight(w, n, 2));
}

SMIDGEN_INLINE void smidgen_dsp_kernel_3x3_body(const int8_t *w, int32_t bits, int32_t bias,
                                                uint32_t *kernel) {
    for (int32_t line = 0; line < 3; line++) {
        const uint32_t w0 = smidgen_dsp_depthwise_weight(w, 3 * line, bits);
        const uint32_t w1 = smidgen_dsp_depthwise_weight(w, 3 * line + 1, bits);
        const uint32_t w2 = smidgen_dsp_depthwise_weight(w, 3 * line + 2, bits);
        *kernel++ = smidgen_dsp_lower_halves(w0, w1);
        *kernel++ = smidgen_dsp_lower_halves(w1, w2);
    }
    *kernel = (uint32_t)bias;
}

/* A channel's kernel for windows of 3 x 3: of each line the first two weights and the last two,
 * then the bias. */
SMIDGEN_SHARED void smidgen_dsp_kernel_3x3(const int8_t *w, int32_t bits, int32_t bias,
                                           uint32_t *kernel) {
    if (bits == 8)
        smidgen_dsp_kernel_3x3_body(w, 8, bias, kernel);
    else
        smidgen_dsp_kernel_3x3_body(w, bits, bias, kernel);
}

/* The sum of the products of n words, n even and not 0. */
SMIDGEN_INLINE uint32_t smidgen_dsp_dot(const uint32_t *x, const uint32_t *w, int32_t n,
                                        uint32_t sum) {
    const uint32_t *const end = w + n;
#ifdef __ARM_FEATURE_DSP
    uint32_t x0, x1, w0, w1;
    __asm__("1:\n\t"
            "ldrd %[x0], %[x1], [%[x]], #8\n\t"
            "ldrd %[w0], %[w1], [%[w]], #8\n\t"
            "smlad %[sum], %[x0], %[w0], %[sum]\n\t"
            "smlad %[sum], %[x1], %[w1], %[sum]\n\t"
            "cmp %[w], %[end]\n\t"
            "bne 1b"
            : [sum] "+r"(sum), [x] "+r"(x), [w] "+r"(w), [x0] "=&r"(x0), [x1] "=&r"(x1),
              [w0] "=&r"(w0), [w1] "=&r"(w1)
            : [end] "r"(end)
            : "cc", "memory");
#else
    while (w != end)
        sum = smidgen_dsp_multiply_pairs(*x++, *w++, sum);
#endif
    return sum;
}

#ifdef __ARM_FEATURE_DSP
#define SMIDGEN_DSP_SLIDE_LINE(text) text "\n\t"
#define SMIDGEN_DSP_SLIDE_TAPS(a, first, second, x0, x1, start)                                    \
    SMIDGEN_DSP_SLIDE_LINE(first " %[" #a "], %[" #x0 "], %[w0], %[" #start "]")                   \
    SMIDGEN_DSP_SLIDE_LINE(second " %[" #a "], %[" #x1 "], %[w1], %[" #a "]")

/* Adds one line of the kernel, at `offset`, for 4 neighbours; b, c, d: what a, b and c begin with.
 */
#define SMIDGEN_DSP_SLIDE_1(from, offset, a0, a1, a2)                                              \
    SMIDGEN_DSP_SLIDE_LINE("ldrd %[w0], %[w1], [%[kernel], #" offset "]")                          \
    SMIDGEN_DSP_SLIDE_LINE("ldrd %[x0], %[x1], [%[" #from "]]")                                    \
    SMIDGEN_DSP_SLIDE_LINE("ldr %[x2], [%[" #from "], #8]")                                        \
    SMIDGEN_DSP_SLIDE_TAPS(a, "smlad", "smlabt", x0, x1, a0)                                       \
    SMIDGEN_DSP_SLIDE_TAPS(b, "smlatb", "smlad", x0, x1, a1)                                       \
    SMIDGEN_DSP_SLIDE_TAPS(c, "smlad", "smlabt", x1, x2, a2)                                       \
    SMIDGEN_DSP_SLIDE_TAPS(d, "smlatb", "smlad", x1, x2, d)

/* The same with a stride of 2. */
#define SMIDGEN_DSP_SLIDE_2(from, offset, a0, a1, a2)                                              \
    SMIDGEN_DSP_SLIDE_LINE("ldrd %[w0], %[w1], [%[kernel], #" offset "]")                          \
    SMIDGEN_DSP_SLIDE_LINE("ldrd %[x0], %[x1], [%[" #from "]]")                                    \
    SMIDGEN_DSP_SLIDE_LINE("ldr %[x2], [%[" #from "], #8]")                                        \
    SMIDGEN_DSP_SLIDE_TAPS(a, "smlad", "smlabt", x0, x1, a0)                                       \
    SMIDGEN_DSP_SLIDE_TAPS(b, "smlad", "smlabt", x1, x2, a1)                                       \
    SMIDGEN_DSP_SLIDE_LINE("ldrd %[x0], %[x1], [%[" #from "], #12]")                               \
    SMIDGEN_DSP_SLIDE_TAPS(c, "smlad", "smlabt", x2, x0, a2)                                       \
    SMIDGEN_DSP_SLIDE_TAPS(d, "smlad", "smlabt", x0, x1, d)

#define SMIDGEN_DSP_SLIDE(line)                                                                    \
    __asm__(SMIDGEN_DSP_SLIDE_LINE("ldr %[d], [%[kernel], #24]") line(x, "0", d, d, d)             \
                SMIDGEN_DSP_SLIDE_LINE("add %[from], %[x], %[pitch]") line(from, "8", a, b, c)     \
                    SMIDGEN_DSP_SLIDE_LINE("add %[from], %[x], %[pitch], lsl #1")                  \
                        line(from, "16", a, b, c)                                                  \
            : [a] "=&r"(sums[0]), [b] "=&r"(sums[1]), [c] "=&r"(sums[2]), [d] "=&r"(sums[3]),      \
              [w0] "=&r"(w0), [w1] "=&r"(w1), [x0] "=&r"(x0), [x1] "=&r"(x1), [x2] "=&r"(x2),      \
              [from] "=&r"(from)                                                                   \
            : [x] "r"(x), [pitch] "r"(4 * pitch), [kernel] "r"(kernel)                             \
            : "memory")

/* The accumulators of 4 neighbours for windows of 3 x 3, the first of which begins at x. */
SMIDGEN_INLINE void smidgen_dsp_slide(const uint32_t *x, ptrdiff_t pitch, const uint32_t *kernel,
                                      uint32_t *sums, const int stride) {
    uint32_t w0, w1, x0, x1, x2, from;
    if (stride == 1)
        SMIDGEN_DSP_SLIDE(SMIDGEN_DSP_SLIDE_1);
    else
        SMIDGEN_DSP_SLIDE(SMIDGEN_DSP_SLIDE_2);
}
#else
SMIDGEN_INLINE void smidgen_dsp_slide(const uint32_t *x, ptrdiff_t pitch, const uint32_t *kernel,
                                      uint32_t *sums, const int stride) {
    for (int32_t i = 0; i < 4; i++) {
        const int32_t at = i * stride;
        sums[i] = kernel[6];
        for (int32_t line = 0; line < 3; line++) {
            const uint32_t *from = x + line * pitch + at / 2, *w = kernel + 2 * line;
            if (at % 2 == 0) {
                sums[i] = smidgen_dsp_multiply_pairs(from[0], w[0], sums[i]);
                sums[i] = smidgen_dsp_multiply_pairs(from[1] & 0xffffu, w[1] >> 16, sums[i]);
            } else {
                sums[i] = smidgen_dsp_multiply_pairs(from[0] >> 16, w[0] & 0xffffu, sums[i]);
                sums[i] = smidgen_dsp_multiply_pairs(from[1], w[1], sums[i]);
            }
        }
    }
}
#endif

/* All lines of outputs of a channel for windows of 3 x 3. */
SMIDGEN_INLINE void smidgen_dsp_channel_3x3(const struct smidgen_dsp_depthwise_shape *shape,
                                            const uint32_t *line, int32_t lines,
                                            const uint32_t *kernel,
                                            const struct smidgen_dsp_scaling *scaling,
                                            const struct smidgen_output *output, int8_t *line_out,
                                            const int stride, const int variant) {
    const ptrdiff_t pitch = shape->pitch, step = shape->output_step;
    const ptrdiff_t line_words = shape->line_stride * pitch, line_step = shape->output_line_step;
    const int32_t outputs = shape->outputs;
    const uint32_t *x = line;
    int8_t *out = line_out;
    int32_t n = outputs;
    for (;;) {
        uint32_t sums[4];
        smidgen_dsp_slide(x, pitch, kernel, sums, stride);
        if (n >= 4) {
            for (int32_t i = 0; i < 4; i++, out += step)
                *out = smidgen_dsp_finish(sums[i], scaling, output, variant);
        } else {
            out[0] = smidgen_dsp_finish(sums[0], scaling, output, variant);
            if (n > 1)
                out[step] = smidgen_dsp_finish(sums[1], scaling, output, variant);
            if (n > 2)
                out[2 * step] = smidgen_dsp_finish(sums[2], scaling, output, variant);
        }
        n -= 4;
        x += 2 * stride;
        if (n <= 0) {
            if (--lines == 0)
                break;
            n = outputs;
            x = line += line_words;
            out = line_out += line_step;
        }
    }
}

SMIDGEN_INLINE void smidgen_dsp_kernel_body(const struct smidgen_dsp_depthwise_shape *shape,
                                            const int8_t *w, uint32_t *kernel, int32_t bits) {
    const int32_t taps = shape->taps, words = shape->kernel_words;
    const int32_t halves = shape->stride % 2 != 0 && shape->outputs > 1 ? 2 : 1;
    for (int32_t half = 0; half < halves; half++) {
        int32_t n = 0;
        for (int32_t line = 0; line < shape->kernel_lines; line++, kernel += words) {
            int8_t *at = (int8_t *)kernel + 2 * half;
            for (int32_t i = 0; i < words; i++)
                kernel[i] = 0;
            for (const int32_t end = n + taps; n != end; at += 2 * shape->dilation) {
                const uint16_t weight = (uint16_t)smidgen_dsp_depthwise_weight(w, n++, bits);
                __builtin_memcpy(at, &weight, sizeof weight);
            }
        }
    }
}

/* A channel's kernel for any window: its lines for windows that begin with the first half of a
 * word, then, where some begin with the second, for these. Zeros fill up the words of a line. */
SMIDGEN_SHARED void smidgen_dsp_kernel(const struct smidgen_dsp_depthwise_shape *shape,
                                       const int8_t *w, uint32_t *kernel) {
    if (shape->weight_bits == 8)
        smidgen_dsp_kernel_body(shape, w, kernel, 8);
    else
        smidgen_dsp_kernel_body(shape, w, kernel, shape->weight_bits);
}

/* All lines of outputs of a channel for any window. */
SMIDGEN_INLINE void smidgen_dsp_channel(const struct smidgen_dsp_depthwise_shape *shape,
                                        const uint32_t *x, int32_t lines, const uint32_t *kernel,
                                        int32_t bias, const struct smidgen_dsp_scaling *scaling,
                                        const struct smidgen_output *output, int8_t *line_out,
                                        const int variant) {
    const ptrdiff_t kernel_step = (ptrdiff_t)shape->line_dilation * shape->pitch;
    const ptrdiff_t step = shape->output_step;
    const int32_t words = shape->kernel_words, kernel_lines = shape->kernel_lines;
    const uint32_t *const odd = kernel + kernel_lines * words;
    const uint32_t stride = (uint32_t)shape->stride, end = stride * (uint32_t)shape->outputs;
    for (; lines > 0; lines--) {
        int8_t *out = line_out;
        uint32_t at = 0;
        if (kernel_lines == 1) {
            for (; at != end; at += stride, out += step) {
                const uint32_t *const w = at % 2 ? odd : kernel;
                const uint32_t sum = smidgen_dsp_dot(x + at / 2, w, words, (uint32_t)bias);
                *out = smidgen_dsp_finish(sum, scaling, output, variant);
            }
        }
        for (; at != end; at += stride, out += step) {
            const uint32_t *w = at % 2 ? odd : kernel, *from = x + at / 2;
            uint32_t sum = (uint32_t)bias;
            for (int32_t n = kernel_lines; n > 0; n--, w += words, from += kernel_step)
                sum = smidgen_dsp_dot(from, w, words, sum);
            *out = smidgen_dsp_finish(sum, scaling, output, variant);
        }
        x += shape->line_stride * shape->pitch;
        line_out += shape->output_line_step;
    }
}

/* stride: 1 or 2 along lines for windows of 3 x 3, 0 for any window. */
SMIDGEN_INLINE void smidgen_dsp_depthwise_body(const struct smidgen_dsp_depthwise_shape *shape,
                                               const int8_t *x, const int8_t *weights,
                                               const int32_t *bias, const uint32_t *multiplier,
                                               const int8_t *shift, int8_t *y, uint32_t *scratch,
                                               const int stride, const int variant) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    const ptrdiff_t plane = (ptrdiff_t)smidgen_dsp_plane_lines(shape, shape->band) * shape->pitch;
    const int32_t weight_bytes = (shape->kernel_lines * shape->taps * shape->weight_bits + 7) / 8;
    uint32_t *const kernel = scratch + 4 * plane;
    int32_t first = 0;
    for (int32_t lines = shape->batches * shape->output_lines; lines > 0;) {
        const int32_t left = shape->output_lines - first;
        const int32_t band = left < shape->band ? left : shape->band;
        const int8_t *w = weights;
        int32_t output_channel = 0;
        for (int32_t channel = 0; channel < shape->channels; channel++) {
            const int32_t in_block = channel % 4;
            if (in_block == 0)
                smidgen_dsp_planes(shape, x + channel,
                                   first * shape->line_stride - shape->pad_lines,
                                   smidgen_dsp_plane_lines(shape, band), shape->channels - channel,
                                   scratch, plane);
            for (int32_t copy = 0; copy < shape->copies; copy++, output_channel++) {
                const struct smidgen_dsp_scaling scaling = smidgen_dsp_scaling(
                    multiplier[output_channel], shift[output_channel], output.zero_point, variant);
                const uint32_t *from = scratch + in_block * plane;
                int8_t *out = y + first * shape->output_line_step + output_channel;
                if (stride != 0)
                    smidgen_dsp_kernel_3x3(w, shape->weight_bits, bias[output_channel], kernel);
                else
                    smidgen_dsp_kernel(shape, w, kernel);
                w += weight_bytes;
                if (stride != 0)
                    smidgen_dsp_channel_3x3(shape, from, band, kernel, &scaling, &output, out,
                                            stride, variant);
                else
                    smidgen_dsp_channel(shape, from, band, kernel, bias[output_channel], &scaling,
                                        &output, out, variant);
            }
        }
        lines -= band;
        first += band;
        if (first == shape->output_lines) {
            first = 0;
            x += shape->input_batch_step;
            y += shape->output_batch_step;
        }
    }
}

/* scratch: 4 planes, then one kernel: 7 words for windows of 3 x 3. */
#define SMIDGEN_DSP_DEPTHWISE(name, stride, variant)                                               \
    static inline void name(const struct smidgen_dsp_depthwise_shape *shape, const int8_t *x,      \
                            const int8_t *weights, const int32_t *bias,                            \
                            const uint32_t *multiplier, const int8_t *shift, int8_t *y,            \
                            void *scratch) {                                                       \
        smidgen_dsp_depthwise_body(shape, x, weights, bias, multiplier, shift, y, scratch, stride, \
                                   variant);                                                       \
    }

SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_1_clamped, 1, SMIDGEN_DSP_CLAMPED)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_1_right, 1, SMIDGEN_DSP_RIGHT)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_1_bounded, 1, SMIDGEN_DSP_BOUNDED)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_1_wide, 1, SMIDGEN_DSP_WIDE)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_2_clamped, 2, SMIDGEN_DSP_CLAMPED)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_2_right, 2, SMIDGEN_DSP_RIGHT)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_2_bounded, 2, SMIDGEN_DSP_BOUNDED)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_3x3_stride_2_wide, 2, SMIDGEN_DSP_WIDE)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_clamped, 0, SMIDGEN_DSP_CLAMPED)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_right, 0, SMIDGEN_DSP_RIGHT)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_bounded, 0, SMIDGEN_DSP_BOUNDED)
SMIDGEN_DSP_DEPTHWISE(smidgen_dsp_depthwise_wide, 0, SMIDGEN_DSP_WIDE)

#endif
