/* Depthwise convolutions of images that are small, or whose windows do not overlap much: 4 channels
 * at a time, one in each lane. int8, weights of 8, 4 or 2 bits.
 *
 * Where windows reach beyond the image, the 4 channels are first copied to scratch with the zero
 * point around them; so the output may lie exactly where an input of its shape lies. */
#ifndef SMIDGEN_KERNELS_MVE_DEPTHWISE_LANES_H
#define SMIDGEN_KERNELS_MVE_DEPTHWISE_LANES_H

#include "vectors.h"

#define SMIDGEN_MVE_CHANNELS 4 /* in a vector of accumulators */

/* padded_height, padded_width: of the copy, 0 where there is none. Weights
 * [channel][kernel_height][kernel_width], every channel starts with a byte. */
struct smidgen_mve_depthwise_lanes_shape {
    int32_t batches, input_height, input_width, channels, output_height, output_width;
    int32_t kernel_height, kernel_width, stride_height, stride_width, dilation_height;
    int32_t dilation_width, pad_top, pad_left, padded_height, padded_width, weight_bits;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* Channels of an image: bytes from one position to the next along both axes. */
struct smidgen_mve_lanes_image {
    const int8_t *first;
    int32_t row_step, column_step;
};

/* The weights of 4 channels, or of as many as are valid, as bytes [tap][4]. */
SMIDGEN_INLINE void smidgen_mve_spread_weights(const int8_t *weights, int32_t taps,
                                               mve_pred16_t valid, int32_t bits, int8_t *spread) {
    const uint32_t bytes = (uint32_t)(taps * bits + 7) / 8;
    const uint32x4_t channel = vmulq_n_u32(vidupq_n_u32(0, 1), bytes);
    SMIDGEN_KEEP_LOOP
    for (int32_t bit = 0; bit < taps * bits; bit += bits, spread += SMIDGEN_MVE_CHANNELS) {
        int32x4_t w = vldrbq_gather_offset_z_s32(weights + bit / 8, channel, valid);
        if (bits != 8) /* to the top and down again, with the sign */
            w = vshlq_r_s32(vshlq_r_s32(w, 32 - bits - bit % 8), bits - 32);
        vstrbq_s32(spread, w);
    }
}

/* Copies channels into the middle of scratch, 4 bytes for each position. */
SMIDGEN_INLINE void smidgen_mve_pad(const struct smidgen_mve_depthwise_lanes_shape *shape,
                                    const int8_t *x, mve_pred16_t valid, int8_t *copy) {
    const int32_t line = SMIDGEN_MVE_CHANNELS * shape->padded_width;
    copy += shape->pad_top * line + SMIDGEN_MVE_CHANNELS * shape->pad_left;
    for (int32_t i = 0; i < shape->input_height; i++, copy += line) {
        int8_t *to = copy;
        for (int32_t j = 0; j < shape->input_width; j++, x += shape->channels) {
            vstrbq_s32(to, vldrbq_z_s32(x, valid));
            to += SMIDGEN_MVE_CHANNELS;
        }
    }
}

/* Adds the products of one tap and goes on to the next: GCC would compute every address anew. */
SMIDGEN_INLINE int32x4_t smidgen_mve_lanes_tap(int32x4_t sums, const int8_t **x, int32_t step,
                                               const int8_t **w) {
#if SMIDGEN_MVE_ASSEMBLY
    int32x4_t value, weight;
    __asm__("vldrb.s32 %q[value], [%[x]]\n"
            "vldrb.s32 %q[weight], [%[w]], #4\n"
            "add %[x], %[x], %[step]\n"
            "vmul.i32 %q[value], %q[value], %q[weight]\n"
            "vadd.i32 %q[sums], %q[sums], %q[value]"
            : [sums] "+w"(sums), [value] "=&w"(value), [weight] "=&w"(weight), [x] "+l"(*x),
              [w] "+l"(*w)
            : [step] "r"(step)
            : "memory");
#else
    sums = vaddq_s32(sums, vmulq_s32(vldrbq_s32(*x), vldrbq_s32(*w)));
    *x += step;
    *w += SMIDGEN_MVE_CHANNELS;
#endif
    return sums;
}

/* The sums of one window that lies wholly in its image. all: whether all 4 channels are there. */
SMIDGEN_INLINE int32x4_t smidgen_mve_lanes_window(const int8_t *x, const int8_t *w, int32_t height,
                                                  int32_t width, int32_t row_step,
                                                  int32_t column_step, mve_pred16_t valid,
                                                  const int all) {
    int32x4_t sums = vdupq_n_s32(0);
    for (int32_t i = 0; i < height; i++, x += row_step) {
        const int8_t *at = x;
        for (int32_t j = 0; j < width; j++) {
            if (all) {
                sums = smidgen_mve_lanes_tap(sums, &at, column_step, &w);
                continue;
            }
            sums = vaddq_s32(sums, vmulq_s32(vldrbq_z_s32(at, valid), vldrbq_s32(w)));
            at += column_step;
            w += SMIDGEN_MVE_CHANNELS;
        }
    }
    return sums;
}

/* All windows of 4 channels, or of as many as are valid. */
SMIDGEN_INLINE void smidgen_mve_lanes(const struct smidgen_mve_depthwise_lanes_shape *shape,
                                      const struct smidgen_mve_lanes_image *image, const int8_t *w,
                                      int32x4_t bias, int32x4_t multiplier, int32x4_t shift,
                                      int8_t *y, mve_pred16_t valid, const int is_3x3,
                                      const int all, const int variant) {
    const int32_t height = is_3x3 ? 3 : shape->kernel_height;
    const int32_t width = is_3x3 ? 3 : shape->kernel_width;
    const int32_t down = shape->dilation_height * image->row_step;
    const int32_t right = shape->dilation_width * image->column_step;
    const int32_t next = shape->stride_width * image->column_step;
    const int32_t next_row = shape->stride_height * image->row_step;
    const int32_t zero_point = shape->output_zero_point, step = shape->channels;
    const int32x4_t least = vdupq_n_s32(shape->activation_min);
    const int32x4_t most = vdupq_n_s32(shape->activation_max);
    const int8_t *row = image->first;
    for (int32_t i = 0; i < shape->output_height; i++, row += next_row) {
        const int8_t *x = row;
        for (int32_t j = 0; j < shape->output_width; j++, x += next, y += step) {
            int32x4_t sums = smidgen_mve_lanes_window(x, w, height, width, down, right, valid, all);
            sums = smidgen_mve_scale_lanes(sums, bias, multiplier, shift, variant);
            sums = vaddq_n_s32(sums, zero_point);
            vstrbq_p_s32(y, vminq_s32(vmaxq_s32(sums, least), most), valid);
        }
    }
}

/* scratch: the weights of 4 channels, then the copy of the image. */
SMIDGEN_INLINE void
smidgen_mve_depthwise_lanes_body(const struct smidgen_mve_depthwise_lanes_shape *shape,
                                 const int8_t *x, const int8_t *weights, const int32_t *bias,
                                 const int32_t *multiplier, const int8_t *shift, int8_t *y,
                                 int8_t *scratch, const int variant) {
    const int32_t taps = shape->kernel_height * shape->kernel_width;
    const int32_t bytes = (taps * shape->weight_bits + 7) / 8;
    const int32_t copied = shape->padded_height * shape->padded_width * SMIDGEN_MVE_CHANNELS;
    const int is_3x3 = shape->kernel_height == 3 && shape->kernel_width == 3;
    int8_t *const copy = scratch + SMIDGEN_MVE_CHANNELS * taps;
    smidgen_mve_fill(scratch, 0, SMIDGEN_MVE_CHANNELS * taps, 16);
    smidgen_mve_fill(copy, shape->input_zero_point, copied, 16);
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        for (int32_t c = 0; c < shape->channels; c += SMIDGEN_MVE_CHANNELS) {
            const int32_t left = shape->channels - c;
            const mve_pred16_t valid = vctp32q((uint32_t)left);
            struct smidgen_mve_lanes_image image = {x + c, shape->input_width * shape->channels,
                                                    shape->channels};
            smidgen_mve_spread_weights(weights + (ptrdiff_t)c * bytes, taps, valid,
                                       shape->weight_bits, scratch);
            if (copied) {
                smidgen_mve_pad(shape, x + c, valid, copy);
                image.first = copy;
                image.column_step = SMIDGEN_MVE_CHANNELS;
                image.row_step = SMIDGEN_MVE_CHANNELS * shape->padded_width;
            }
            const int32x4_t b = vldrwq_z_s32(bias + c, valid);
            const int32x4_t m = vldrwq_z_s32(multiplier + c, valid);
            const int32x4_t s = vldrbq_z_s32(shift + c, valid);
            const int all = copied || left >= SMIDGEN_MVE_CHANNELS;
            if (is_3x3 && all)
                smidgen_mve_lanes(shape, &image, scratch, b, m, s, y + c, valid, 1, 1, variant);
            else if (all)
                smidgen_mve_lanes(shape, &image, scratch, b, m, s, y + c, valid, 0, 1, variant);
            else
                smidgen_mve_lanes(shape, &image, scratch, b, m, s, y + c, valid, 0, 0, variant);
        }
        x += (ptrdiff_t)shape->input_height * shape->input_width * shape->channels;
        y += (ptrdiff_t)shape->output_height * shape->output_width * shape->channels;
    }
}

#define SMIDGEN_MVE_DEPTHWISE_LANES(name, variant)                                                 \
    static inline void name(const struct smidgen_mve_depthwise_lanes_shape *shape,                 \
                            const int8_t *x, const int8_t *weights, const int32_t *bias,           \
                            const int32_t *multiplier, const int8_t *shift, int8_t *y,             \
                            void *scratch) {                                                       \
        smidgen_mve_depthwise_lanes_body(shape, x, weights, bias, multiplier, shift, y, scratch,   \
                                         variant);                                                 \
    }

SMIDGEN_MVE_DEPTHWISE_LANES(smidgen_mve_depthwise_lanes_clamped, SMIDGEN_CLAMPED)
SMIDGEN_MVE_DEPTHWISE_LANES(smidgen_mve_depthwise_lanes_right, SMIDGEN_RIGHT)
SMIDGEN_MVE_DEPTHWISE_LANES(smidgen_mve_depthwise_lanes_wide, SMIDGEN_WIDE)

#endif
