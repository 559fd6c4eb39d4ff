/* Depthwise convolutions for plain Thumb, int8, NHWC, by channels.
 *
 * A channel's plane is copied to scratch, padded; on ARMv6-M each input as 128 more than it is,
 * since it loads bytes at a constant offset without a sign only. A line is a row or a column of the
 * image; 4 neighbouring outputs on a line are computed together, 3 taps at a time. */
#ifndef SMIDGEN_KERNELS_THUMB_DEPTHWISE_H
#define SMIDGEN_KERNELS_THUMB_DEPTHWISE_H

#include "thumb.h"

/* Output channel c * copies + m is of input channel c. A step leads from one line, or position on a
 * line, to the next, in bytes. plane_lines, pitch: lines of a plane and bytes of each; triples: of
 * taps on each line of the kernel, filled up with weights of 0. Weights [output channels][line]
 * [position]. The input's zero
 * point is part of the bias, and padding holds it. */
struct smidgen_thumb_depthwise_shape {
    int32_t batches, channels, copies, plane_lines, pitch, triples;
    int32_t input_lines, output_lines, kernel_lines, line_stride, line_dilation, pad_lines;
    int32_t inputs, outputs, taps, pad;
    int32_t input_batch_step, input_line_step, input_step;
    int32_t output_batch_step, output_line_step, output_step;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* Three taps, and the bytes from their first input to that of the next three; from that of the last
 * ones to where the next 4 neighbours begin. */
struct smidgen_thumb_triple {
    int32_t weight[3], step;
};

#ifdef __thumb__
/* r2 to r4: weights, r6: an input. ADD may be its last use. */
#ifdef SMIDGEN_THUMB_2
#define SMIDGEN_THUMB_ADD(sum, w) "mla " sum ", r6, " w ", " sum "\n\t"
#define SMIDGEN_THUMB_ADD_LAST SMIDGEN_THUMB_ADD
#else
#define SMIDGEN_THUMB_ADD(sum, w)                                                                  \
    "movs r7, r6\n\t"                                                                              \
    "muls r7, " w ", r7\n\t"                                                                       \
    "add " sum ", r7\n\t"
#define SMIDGEN_THUMB_ADD_LAST(sum, w)                                                             \
    "muls r6, " w ", r6\n\t"                                                                       \
    "add " sum ", r6\n\t"
#endif
#define SMIDGEN_THUMB_INPUT(offset) SMIDGEN_THUMB_LOAD " r6, [r0, #" offset "]\n\t"
#define SMIDGEN_THUMB_STRIDE_1                                                                     \
    SMIDGEN_THUMB_INPUT("0")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r8", "r2")                                                             \
    SMIDGEN_THUMB_INPUT("1")                                                                       \
    SMIDGEN_THUMB_ADD("r8", "r3")                                                                  \
    SMIDGEN_THUMB_ADD_LAST("r9", "r2")                                                             \
    SMIDGEN_THUMB_INPUT("2")                                                                       \
    SMIDGEN_THUMB_ADD("r8", "r4")                                                                  \
    SMIDGEN_THUMB_ADD("r9", "r3")                                                                  \
    SMIDGEN_THUMB_ADD_LAST("r10", "r2")                                                            \
    SMIDGEN_THUMB_INPUT("3")                                                                       \
    SMIDGEN_THUMB_ADD("r9", "r4")                                                                  \
    SMIDGEN_THUMB_ADD("r10", "r3")                                                                 \
    SMIDGEN_THUMB_ADD_LAST("r11", "r2")                                                            \
    SMIDGEN_THUMB_INPUT("4")                                                                       \
    SMIDGEN_THUMB_ADD("r10", "r4")                                                                 \
    SMIDGEN_THUMB_ADD_LAST("r11", "r3")                                                            \
    SMIDGEN_THUMB_INPUT("5")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r11", "r4")
#define SMIDGEN_THUMB_STRIDE_2                                                                     \
    SMIDGEN_THUMB_INPUT("0")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r8", "r2")                                                             \
    SMIDGEN_THUMB_INPUT("1")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r8", "r3")                                                             \
    SMIDGEN_THUMB_INPUT("2")                                                                       \
    SMIDGEN_THUMB_ADD("r8", "r4")                                                                  \
    SMIDGEN_THUMB_ADD_LAST("r9", "r2")                                                             \
    SMIDGEN_THUMB_INPUT("3")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r9", "r3")                                                             \
    SMIDGEN_THUMB_INPUT("4")                                                                       \
    SMIDGEN_THUMB_ADD("r9", "r4")                                                                  \
    SMIDGEN_THUMB_ADD_LAST("r10", "r2")                                                            \
    SMIDGEN_THUMB_INPUT("5")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r10", "r3")                                                            \
    SMIDGEN_THUMB_INPUT("6")                                                                       \
    SMIDGEN_THUMB_ADD("r10", "r4")                                                                 \
    SMIDGEN_THUMB_ADD_LAST("r11", "r2")                                                            \
    SMIDGEN_THUMB_INPUT("7")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r11", "r3")                                                            \
    SMIDGEN_THUMB_INPUT("8")                                                                       \
    SMIDGEN_THUMB_ADD_LAST("r11", "r4")
#ifdef SMIDGEN_THUMB_2
#define SMIDGEN_THUMB_LOAD "ldrsb"
#define SMIDGEN_THUMB_STORE_SUMS                                                                   \
    "stmia lr!, {r8, r9, r10, r11}\n\t"                                                            \
    "ldr r2, %[sums_end]\n\t"                                                                      \
    "cmp lr, r2\n\t"
#else
#define SMIDGEN_THUMB_LOAD "ldrb"
#define SMIDGEN_THUMB_STORE_SUMS                                                                   \
    "mov r2, lr\n\t"                                                                               \
    "mov r3, r8\n\t"                                                                               \
    "mov r4, r9\n\t"                                                                               \
    "mov r5, r10\n\t"                                                                              \
    "mov r6, r11\n\t"                                                                              \
    "stmia r2!, {r3, r4, r5, r6}\n\t"                                                              \
    "mov lr, r2\n\t"                                                                               \
    "ldr r3, %[sums_end]\n\t"                                                                      \
    "cmp r2, r3\n\t"
#endif
#define SMIDGEN_THUMB_SLIDE(products)                                                              \
    __asm__ volatile(".syntax unified\n\t"                                                         \
                     "mov lr, r1\n\t"                                                              \
                     "mov r12, r2\n\t"                                                             \
                     "1:\n\t"                                                                      \
                     "ldr r3, %[start]\n\t"                                                        \
                     "mov r8, r3\n\t"                                                              \
                     "mov r9, r3\n\t"                                                              \
                     "mov r10, r3\n\t"                                                             \
                     "mov r11, r3\n\t"                                                             \
                     "ldr r1, %[kernel]\n\t"                                                       \
                     "2:\n\t"                                                                      \
                     "ldmia r1!, {r2, r3, r4, r5}\n\t" products "add r0, r5\n\t"                   \
                     "cmp r1, r12\n\t"                                                             \
                     "bne 2b\n\t" SMIDGEN_THUMB_STORE_SUMS "bne 1b"                                \
                     : "+r"(at), "+r"(to), "+r"(last)                                              \
                     : [start] "m"(start), [kernel] "m"(kernel), [sums_end] "m"(sums_end)          \
                     : "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",  \
                       "memory")
#endif

/* What inputs in a plane are more than they are. */
#ifdef SMIDGEN_THUMB_2
#define SMIDGEN_THUMB_ABOVE 0
#else
#define SMIDGEN_THUMB_ABOVE 128
#endif

/* The accumulators of neighbours, 4 at a time, the first of whose windows begins at x; `start` is
 * what they begin with. */
SMIDGEN_INLINE void smidgen_thumb_slide(const uint8_t *x, const struct smidgen_thumb_triple *kernel,
                                        const struct smidgen_thumb_triple *end, uint32_t start,
                                        uint32_t *sums, uint32_t *sums_end, const int stride) {
#ifdef __thumb__
    register const uint8_t *at __asm__("r0") = x;
    register uint32_t *to __asm__("r1") = sums;
    register const struct smidgen_thumb_triple *last __asm__("r2") = end;
    if (stride == 1)
        SMIDGEN_THUMB_SLIDE(SMIDGEN_THUMB_STRIDE_1);
    else
        SMIDGEN_THUMB_SLIDE(SMIDGEN_THUMB_STRIDE_2);
#else
    for (; sums != sums_end; sums += 4) {
        for (int32_t i = 0; i < 4; i++)
            sums[i] = start;
        for (const struct smidgen_thumb_triple *triple = kernel; triple != end; triple++) {
            for (int32_t i = 0; i < 12; i++)
                sums[i / 3] += (uint32_t)(x[i / 3 * stride + i % 3] * triple->weight[i % 3]);
            x += triple->step;
        }
    }
#endif
}

/* The inputs of a channel that lie inside the plane. */
SMIDGEN_SHARED void smidgen_thumb_plane(const struct smidgen_thumb_depthwise_shape *shape,
                                        const int8_t *x, uint8_t *plane) {
    const ptrdiff_t step = shape->input_step;
    const int32_t room = shape->pitch - shape->pad, rows = shape->plane_lines - shape->pad_lines;
    const int32_t inside = shape->inputs < room ? shape->inputs : room;
    plane += shape->pad_lines * shape->pitch + shape->pad;
    for (int32_t lines = shape->input_lines < rows ? shape->input_lines : rows; lines > 0;
         lines--) {
        const int8_t *from = x;
        uint8_t *to = plane;
        int32_t n = inside;
        for (; SMIDGEN_UNROLL && n >= 4; n -= 4, to += 4) {
            to[0] = (uint8_t)(*from + SMIDGEN_THUMB_ABOVE);
            from += step;
            to[1] = (uint8_t)(*from + SMIDGEN_THUMB_ABOVE);
            from += step;
            to[2] = (uint8_t)(*from + SMIDGEN_THUMB_ABOVE);
            from += step;
            to[3] = (uint8_t)(*from + SMIDGEN_THUMB_ABOVE);
            from += step;
        }
        for (; n > 0; n--, from += step)
            *to++ = (uint8_t)(*from + SMIDGEN_THUMB_ABOVE);
        x += shape->input_line_step;
        plane += shape->pitch;
    }
}

/* The kernel of one channel. Returns what its accumulators begin with, besides the bias. */
SMIDGEN_SHARED uint32_t smidgen_thumb_kernel(const struct smidgen_thumb_depthwise_shape *shape,
                                             const int8_t *w, int32_t stride,
                                             struct smidgen_thumb_triple *triple) {
    const int32_t lines_apart = shape->line_dilation * shape->pitch;
    int32_t sum = 0;
    for (int32_t line = shape->kernel_lines; line > 0; line--) {
        for (int32_t left = shape->taps; left > 0; left -= 3, triple++) {
            for (int32_t i = 0; i < 3; i++) {
                triple->weight[i] = i < left ? *w++ : 0;
                sum += triple->weight[i];
            }
            triple->step = left > 3 ? 3 : lines_apart - 3 * (shape->triples - 1);
        }
    }
    triple[-1].step += 4 * stride - shape->kernel_lines * lines_apart;
    return (uint32_t)(-SMIDGEN_THUMB_ABOVE * sum);
}

SMIDGEN_INLINE void smidgen_thumb_depthwise_body(const struct smidgen_thumb_depthwise_shape *shape,
                                                 const int8_t *x, const int8_t *weights,
                                                 const int32_t *biases, const uint32_t *multiplier,
                                                 const int8_t *shift, int8_t *y, void *scratch,
                                                 const int stride, const int variant) {
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    struct smidgen_thumb_triple *const kernel = scratch;
    struct smidgen_thumb_triple *const end = kernel + shape->kernel_lines * shape->triples;
    uint32_t *const sums = (uint32_t *)end;
    uint32_t *const sums_end = sums + (shape->outputs + 3) / 4 * 4;
    uint8_t *const plane = (uint8_t *)sums_end;
    const ptrdiff_t line_bytes = (ptrdiff_t)shape->line_stride * shape->pitch;
    for (int32_t i = 0; i < shape->plane_lines * shape->pitch; i++)
        plane[i] = (uint8_t)(shape->input_zero_point + SMIDGEN_THUMB_ABOVE);
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        const int8_t *w = weights;
        int32_t of_output = 0;
        for (int32_t channel = 0; channel < shape->channels; channel++) {
            smidgen_thumb_plane(shape, x + channel, plane);
            for (int32_t copy = 0; copy < shape->copies; copy++, of_output++) {
                const struct smidgen_thumb_scaling scaling = smidgen_thumb_scaling(
                    multiplier[of_output], shift[of_output], output.zero_point, variant);
                const uint8_t *line = plane;
                int8_t *out = y + of_output;
                const uint32_t start =
                    (uint32_t)biases[of_output] + smidgen_thumb_kernel(shape, w, stride, kernel);
                w += shape->kernel_lines * shape->taps;
                for (int32_t lines = shape->output_lines; lines > 0; lines--) {
                    smidgen_thumb_slide(line, kernel, end, start, sums, sums_end, stride);
                    smidgen_thumb_finish_run(sums, shape->outputs, &scaling, &output, out,
                                             shape->output_step, variant);
                    line += line_bytes;
                    out += shape->output_line_step;
                }
            }
        }
        x += shape->input_batch_step;
        y += shape->output_batch_step;
    }
}

/* By the stride along a line. scratch: 16 bytes for each triple of taps, 4 for each output of a
 * line, of these a multiple of 4, and a plane. */
#define SMIDGEN_THUMB_DEPTHWISE(name, stride, variant)                                             \
    static inline void name(const struct smidgen_thumb_depthwise_shape *shape, const int8_t *x,    \
                            const int8_t *weights, const int32_t *bias,                            \
                            const uint32_t *multiplier, const int8_t *shift, int8_t *y,            \
                            void *scratch) {                                                       \
        smidgen_thumb_depthwise_body(shape, x, weights, bias, multiplier, shift, y, scratch,       \
                                     stride, variant);                                             \
    }
#define SMIDGEN_THUMB_DEPTHWISE_BOTH(suffix, variant)                                              \
    SMIDGEN_THUMB_DEPTHWISE(smidgen_thumb_depthwise_stride_1##suffix, 1, variant)                  \
    SMIDGEN_THUMB_DEPTHWISE(smidgen_thumb_depthwise_stride_2##suffix, 2, variant)

SMIDGEN_THUMB_FOR_ALL(SMIDGEN_THUMB_DEPTHWISE_BOTH)

#endif
