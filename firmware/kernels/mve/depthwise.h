/* Depthwise convolutions, int8, weights of 8, 4 or 2 bits.
 *
 * A strip of the image in one channel is gathered into scratch, [position along it][row across it],
 * so that a whole window lies in a few vectors side by side and VMLADAV sums its products up at
 * once. Of windows of up to 3 x 3 with stride 1, a vector of 4 x 4 holds four: it is multiplied
 * with the weights in four places, for 2 outputs along and 2 across. The next strip is gathered
 * before outputs are written, so the output may lie exactly where an input of its shape lies. */
#ifndef SMIDGEN_KERNELS_MVE_DEPTHWISE_H
#define SMIDGEN_KERNELS_MVE_DEPTHWISE_H

#include "vectors.h"

#define SMIDGEN_MVE_MOST_TAPS 8 /* vectors of weights in a window */

/* Positions, sizes and steps (bytes) along and across the strips, which go along rows or columns.
 * rows: of a strip, 1, 2, 4 or 8; taps: vectors in a window; strip_bytes: half of the scratch.
 * Weights [channel][along][across], every channel starts with a byte. */
struct smidgen_mve_depthwise_shape {
    int32_t batches, channels, channel_multiplier, weight_bits;
    int32_t input_batch_step, output_batch_step, rows, taps, strip_bytes;
    int32_t input_along, output_along, kernel_along, stride_along, pad_along;
    int32_t input_along_step, output_along_step;
    int32_t input_across, output_across, kernel_across, stride_across, dilation_across, pad_across;
    int32_t input_across_step, output_across_step;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* How the rows of a strip are gathered: where 8 bytes of it lie from the first row on that is in
 * the image, and which of them are in the image. */
struct smidgen_mve_strip_rows {
    uint16x8_t offset;
    mve_pred16_t inside;
    int32_t first, is_inside;
};

/* How 8 outputs lie: for each lane its place along and across, and its offset. */
struct smidgen_mve_places {
    int16x8_t along, across;
    uint16x8_t offset;
};

/* Where a channel's weights lie in the vectors of its window: byte, and the shift that brings them
 * to the top; mask is zero where there is none. */
struct smidgen_mve_taps {
    uint8x16_t byte[SMIDGEN_MVE_MOST_TAPS];
    int8x16_t shift[SMIDGEN_MVE_MOST_TAPS], mask[SMIDGEN_MVE_MOST_TAPS];
};

SMIDGEN_INLINE void smidgen_mve_find_taps(const struct smidgen_mve_depthwise_shape *shape,
                                          struct smidgen_mve_taps *taps) {
    const int32_t bits = shape->weight_bits;
    for (int32_t j = 0; j < shape->taps; j++) {
        uint8_t byte[SMIDGEN_MVE_LANES];
        int8_t shift[SMIDGEN_MVE_LANES], mask[SMIDGEN_MVE_LANES];
        for (int32_t i = 0; i < SMIDGEN_MVE_LANES; i++) {
            const int32_t place = j * SMIDGEN_MVE_LANES + i;
            const int32_t along = place / shape->rows, across = place % shape->rows;
            const int is_tap = along < shape->kernel_along && across < shape->kernel_across;
            const int32_t bit = is_tap ? (along * shape->kernel_across + across) * bits : 0;
            byte[i] = (uint8_t)(bit / 8);
            shift[i] = (int8_t)(8 - bits - bit % 8);
            mask[i] = is_tap ? -1 : 0;
        }
        taps->byte[j] = vldrbq_u8(byte);
        taps->shift[j] = vldrbq_s8(shift);
        taps->mask[j] = vldrbq_s8(mask);
    }
}

/* Vector j of a channel's weights. */
SMIDGEN_INLINE int8x16_t smidgen_mve_weights(const struct smidgen_mve_taps *taps, int32_t j,
                                             const int8_t *weights, int32_t bits) {
    int8x16_t w = vldrbq_gather_offset_s8(weights, taps->byte[j]);
    if (bits != 8) /* from the top down again, with the sign */
        w = vshlq_s8(vshlq_s8(w, taps->shift[j]), vdupq_n_s8((int8_t)(bits - 8)));
    return vandq_s8(w, taps->mask[j]);
}

/* Of the strip whose first row is `row`. */
SMIDGEN_INLINE struct smidgen_mve_strip_rows
smidgen_mve_find_rows(const struct smidgen_mve_depthwise_shape *shape, int32_t row) {
    const int32_t rows = shape->rows, height = shape->input_across;
    const int32_t log_rows = rows == 8 ? 3 : rows / 2;
    const int16x8_t lane = vreinterpretq_s16_u16(vidupq_n_u16(0, 1));
    const int16x8_t position = vshlq_s16(lane, vdupq_n_s16((int16_t)-log_rows));
    const int16x8_t of_strip = vmulq_n_s16(vandq_s16(lane, vdupq_n_s16((int16_t)(rows - 1))),
                                           (int16_t)shape->dilation_across);
    const int16x8_t wanted = vaddq_n_s16(of_strip, (int16_t)row);
    const int16x8_t last = vdupq_n_s16((int16_t)(height - 1));
    const int16x8_t there = vminq_s16(vmaxq_s16(wanted, vdupq_n_s16(0)), last);
    const int32_t first = smidgen_clamp(row, 0, height - 1);
    const struct smidgen_mve_strip_rows found = {
        vaddq_u16(vmulq_n_u16(vreinterpretq_u16_s16(vaddq_n_s16(there, (int16_t)-first)),
                              (uint16_t)shape->input_across_step),
                  vmulq_n_u16(vreinterpretq_u16_s16(position), (uint16_t)shape->input_along_step)),
        vcmpeqq_s16(wanted, there),
        first,
        row >= 0 && row + (rows - 1) * shape->dilation_across < height,
    };
    return found;
}

/* Gathers a strip; rows outside the image hold the zero point. */
SMIDGEN_INLINE void smidgen_mve_strip(const struct smidgen_mve_depthwise_shape *shape,
                                      const struct smidgen_mve_strip_rows *rows, int32_t first,
                                      const int8_t *x, int8_t *strip) {
    const int32_t positions = 8 / shape->rows, step = positions * shape->input_along_step;
    const int16x8_t zero = vdupq_n_s16((int16_t)shape->input_zero_point);
    const uint16x8_t offset = rows->offset;
    int32_t left = shape->input_along;
    x += (ptrdiff_t)first * shape->input_across_step;
    strip += shape->pad_along * shape->rows;
    if (rows->is_inside) {
        for (; left >= 2 * positions; left -= 2 * positions, x += 2 * step, strip += 16) {
            vstrbq_s16(strip, vldrbq_gather_offset_s16(x, offset));
            vstrbq_s16(strip + 8, vldrbq_gather_offset_s16(x + step, offset));
        }
    }
    for (; left >= positions; left -= positions, x += step, strip += 8)
        vstrbq_s16(strip, vpselq_s16(vldrbq_gather_offset_s16(x, offset), zero, rows->inside));
    if (left > 0) {
        const mve_pred16_t valid = vctp16q((uint32_t)(left * shape->rows));
        const int16x8_t values = vldrbq_gather_offset_z_s16(x, offset, valid);
        vstrbq_p_s16(strip, vpselq_s16(values, zero, rows->inside), valid);
    }
}

/* Gathers strip `index`, whose first row is `row`. plans: of the first, the second and the last
 * strip; usually those between are like the second, but further on. */
SMIDGEN_INLINE void smidgen_mve_any_strip(const struct smidgen_mve_depthwise_shape *shape,
                                          const struct smidgen_mve_strip_rows plans[3],
                                          int32_t index, int32_t strips, int32_t row,
                                          const int8_t *x, int8_t *strip) {
    const struct smidgen_mve_strip_rows *plan = index == 0 ? &plans[0] : &plans[2];
    struct smidgen_mve_strip_rows other;
    int32_t first = plan->first;
    if (index > 0 && index < strips - 1) {
        plan = &plans[1];
        first = row;
        if (!plan->is_inside ||
            row + (shape->rows - 1) * shape->dilation_across >= shape->input_across) {
            other = smidgen_mve_find_rows(shape, row);
            plan = &other;
            first = other.first;
        }
    }
    smidgen_mve_strip(shape, plan, first, x, strip);
}

/* A channel's parameters and how its outputs are stored. */
struct smidgen_mve_channel {
    int32_t bias, multiplier, shift, zero_point;
    int16x8_t least, most;
};

/* Stores two blocks of 4 accumulators; those outside of what is left are left out. */
SMIDGEN_INLINE void smidgen_mve_store_places(int32x4_t even, int32x4_t odd,
                                             const struct smidgen_mve_channel *channel,
                                             const struct smidgen_mve_places *places, int8_t *y,
                                             int32_t left_along, int32_t left_across, const int all,
                                             const int variant) {
    even = smidgen_mve_scale(even, channel->bias, channel->multiplier, channel->shift, variant);
    odd = smidgen_mve_scale(odd, channel->bias, channel->multiplier, channel->shift, variant);
    const int16x8_t outputs =
        smidgen_mve_finish(even, odd, channel->zero_point, channel->least, channel->most, variant);
    if (all) {
        vstrbq_scatter_offset_s16(y, places->offset, outputs);
    } else {
        const mve_pred16_t valid =
            vcmpltq_n_s16(places->along, (int16_t)smidgen_clamp(left_along, 0, 8)) &
            vcmpltq_n_s16(places->across, (int16_t)smidgen_clamp(left_across, 0, 8));
        vstrbq_scatter_offset_p_s16(y, places->offset, outputs, valid);
    }
}

/* The outputs of a strip of windows of up to 3 x 3 with stride 1; w: their weights, in the places
 * that (0, 0), (0, 1), (1, 0) and (1, 1) further across and along need. */
SMIDGEN_INLINE int32x4_t smidgen_mve_square(const int8_t *x, const int8x16_t w[4]) {
    const int8x16_t values = vldrbq_s8(x);
    return smidgen_mve_join(vmladavq_s8(values, w[0]), vmladavq_s8(values, w[1]),
                            vmladavq_s8(values, w[2]), vmladavq_s8(values, w[3]));
}

SMIDGEN_INLINE void smidgen_mve_squares(const struct smidgen_mve_depthwise_shape *shape,
                                        const int8_t *strip, const int8x16_t w[4],
                                        const struct smidgen_mve_channel *channel,
                                        const struct smidgen_mve_places *places, int8_t *y,
                                        int32_t left_across, const int variant) {
    const int32_t step = 4 * shape->output_along_step;
    int32_t left = shape->output_along;
    if (left_across >= 2)
        for (; left >= 4; left -= 4, strip += 16, y += step)
            smidgen_mve_store_places(smidgen_mve_square(strip, w), smidgen_mve_square(strip + 8, w),
                                     channel, places, y, 4, 2, 1, variant);
    for (; left > 0; left -= 4, strip += 16, y += step) {
        const int32x4_t even = smidgen_mve_square(strip, w);
        const int32x4_t odd = left > 2 ? smidgen_mve_square(strip + 8, w) : even;
        smidgen_mve_store_places(even, odd, channel, places, y, left, left_across, 0, variant);
    }
}

/* The sums of 4 windows side by side. */
SMIDGEN_INLINE int32x4_t smidgen_mve_windows(const struct smidgen_mve_depthwise_shape *shape,
                                             const int8_t *x, const int8x16_t *w) {
    const ptrdiff_t step = (ptrdiff_t)shape->stride_along * shape->rows;
    int32_t s0 = vmladavq_s8(vldrbq_s8(x), w[0]);
    int32_t s1 = vmladavq_s8(vldrbq_s8(x + step), w[0]);
    int32_t s2 = vmladavq_s8(vldrbq_s8(x + 2 * step), w[0]);
    int32_t s3 = vmladavq_s8(vldrbq_s8(x + 3 * step), w[0]);
    for (int32_t j = 1; j < shape->taps; j++) {
        x += SMIDGEN_MVE_LANES;
        s0 = vmladavaq_s8(s0, vldrbq_s8(x), w[j]);
        s1 = vmladavaq_s8(s1, vldrbq_s8(x + step), w[j]);
        s2 = vmladavaq_s8(s2, vldrbq_s8(x + 2 * step), w[j]);
        s3 = vmladavaq_s8(s3, vldrbq_s8(x + 3 * step), w[j]);
    }
    return smidgen_mve_join(s0, s1, s2, s3);
}

SMIDGEN_INLINE void smidgen_mve_rows(const struct smidgen_mve_depthwise_shape *shape,
                                     const int8_t *strip, const int8x16_t *w,
                                     const struct smidgen_mve_channel *channel,
                                     const struct smidgen_mve_places *places, int8_t *y,
                                     const int variant) {
    const ptrdiff_t half = (ptrdiff_t)4 * shape->stride_along * shape->rows;
    const int32_t step = 8 * shape->output_along_step;
    int32_t left = shape->output_along;
    for (; left >= 8; left -= 8, strip += 2 * half, y += step)
        smidgen_mve_store_places(smidgen_mve_windows(shape, strip, w),
                                 smidgen_mve_windows(shape, strip + half, w), channel, places, y, 8,
                                 1, 1, variant);
    if (left > 0) {
        const int32x4_t even = smidgen_mve_windows(shape, strip, w);
        const int32x4_t odd = left > 4 ? smidgen_mve_windows(shape, strip + half, w) : even;
        smidgen_mve_store_places(even, odd, channel, places, y, left, 1, 0, variant);
    }
}

/* Where the outputs of two blocks of 4 accumulators lie, the first block in even lanes. */
SMIDGEN_INLINE struct smidgen_mve_places
smidgen_mve_find_places(const struct smidgen_mve_depthwise_shape *shape, const int square) {
    const int16x8_t lane = vreinterpretq_s16_u16(vidupq_n_u16(0, 1)), one = vdupq_n_s16(1);
    const int16x8_t block = vandq_s16(lane, one), inner = vshrq_n_s16(lane, 1);
    struct smidgen_mve_places places;
    places.across = square ? vshrq_n_s16(inner, 1) : vdupq_n_s16(0);
    places.along = square ? vaddq_s16(vmulq_n_s16(block, 2), vandq_s16(inner, one))
                          : vaddq_s16(vmulq_n_s16(block, 4), inner);
    places.offset = vaddq_u16(
        vmulq_n_u16(vreinterpretq_u16_s16(places.along), (uint16_t)shape->output_along_step),
        vmulq_n_u16(vreinterpretq_u16_s16(places.across), (uint16_t)shape->output_across_step));
    return places;
}

/* square: whether four windows are in a vector. */
SMIDGEN_INLINE void smidgen_mve_depthwise_body(const struct smidgen_mve_depthwise_shape *shape,
                                               const int8_t *x, const int8_t *weights,
                                               const int32_t *bias, const int32_t *multiplier,
                                               const int8_t *shift, int8_t *y, int8_t *scratch,
                                               const int square, const int variant) {
    const int32_t bits = shape->weight_bits, across = square ? 2 : 1;
    const int32_t bytes = (shape->kernel_along * shape->kernel_across * bits + 7) / 8;
    const int32_t strips = (shape->output_across + across - 1) / across;
    const int32_t step = across * shape->stride_across, strip_bytes = shape->strip_bytes;
    const struct smidgen_mve_places places = smidgen_mve_find_places(shape, square);
    const struct smidgen_mve_strip_rows plans[3] = {
        smidgen_mve_find_rows(shape, -shape->pad_across),
        smidgen_mve_find_rows(shape, step - shape->pad_across),
        smidgen_mve_find_rows(shape, (strips - 1) * step - shape->pad_across),
    };
    struct smidgen_mve_channel channel = {
        0,
        0,
        0,
        shape->output_zero_point,
        vdupq_n_s16((int16_t)shape->activation_min),
        vdupq_n_s16((int16_t)shape->activation_max),
    };
    int8_t shifted[5 + SMIDGEN_MVE_LANES] = {0};
    struct smidgen_mve_taps taps;
    smidgen_mve_find_taps(shape, &taps);
    smidgen_mve_fill(scratch, shape->input_zero_point, 2 * strip_bytes, 16);
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        const int8_t *of_channel = weights, *image = x;
        int32_t copy = 0;
        for (int32_t c = 0; c < shape->channels; c++, of_channel += bytes) {
            int8x16_t w[SMIDGEN_MVE_MOST_TAPS];
            channel.bias = bias[c];
            channel.multiplier = multiplier[c];
            channel.shift = shift[c];
            w[0] = smidgen_mve_weights(&taps, 0, of_channel, bits);
            if (square) {
                vstrbq_s8(shifted + 5, w[0]);
                w[1] = vldrbq_s8(shifted + 1);
                w[2] = vldrbq_s8(shifted + 4);
                w[3] = vldrbq_s8(shifted);
            } else {
                for (int32_t j = 1; j < shape->taps; j++)
                    w[j] = smidgen_mve_weights(&taps, j, of_channel, bits);
            }
            int8_t *out = y + c;
            for (int32_t index = 0; index <= strips; index++) {
                int8_t *const strip = scratch + (index % 2 ? strip_bytes : 0);
                if (index < strips)
                    smidgen_mve_any_strip(shape, plans, index, strips,
                                          index * step - shape->pad_across, image, strip);
                if (index == 0)
                    continue;
                const int8_t *const last = scratch + (index % 2 ? 0 : strip_bytes);
                if (square)
                    smidgen_mve_squares(shape, last, w, &channel, &places, out,
                                        shape->output_across - across * (index - 1), variant);
                else
                    smidgen_mve_rows(shape, last, w, &channel, &places, out, variant);
                out += across * shape->output_across_step;
            }
            if (++copy == shape->channel_multiplier) {
                copy = 0;
                image++;
            }
        }
        x += shape->input_batch_step;
        y += shape->output_batch_step;
    }
}

#define SMIDGEN_MVE_DEPTHWISE(name, square, variant)                                               \
    static inline void name(const struct smidgen_mve_depthwise_shape *shape, const int8_t *x,      \
                            const int8_t *weights, const int32_t *bias, const int32_t *multiplier, \
                            const int8_t *shift, int8_t *y, void *scratch) {                       \
        smidgen_mve_depthwise_body(shape, x, weights, bias, multiplier, shift, y, scratch, square, \
                                   variant);                                                       \
    }

SMIDGEN_MVE_DEPTHWISE(smidgen_mve_depthwise_square_clamped, 1, SMIDGEN_CLAMPED)
SMIDGEN_MVE_DEPTHWISE(smidgen_mve_depthwise_square_right, 1, SMIDGEN_RIGHT)
SMIDGEN_MVE_DEPTHWISE(smidgen_mve_depthwise_square_wide, 1, SMIDGEN_WIDE)
SMIDGEN_MVE_DEPTHWISE(smidgen_mve_depthwise_clamped, 0, SMIDGEN_CLAMPED)
SMIDGEN_MVE_DEPTHWISE(smidgen_mve_depthwise_right, 0, SMIDGEN_RIGHT)
SMIDGEN_MVE_DEPTHWISE(smidgen_mve_depthwise_wide, 0, SMIDGEN_WIDE)

#endif
