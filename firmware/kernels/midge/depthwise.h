/* Depthwise convolutions on Xmidge, int8, NHWC. Multiplier and shift per output channel.
 *
 * Four channels (lanes) at a time. The image is walked along lines; a window's rows lie across the
 * line, its columns (taps) along it. Padding holds the input's zero point, which is part of the
 * bias. */
#ifndef SMIDGEN_KERNELS_MIDGE_DEPTHWISE_H
#define SMIDGEN_KERNELS_MIDGE_DEPTHWISE_H

#include "points.h"
#include "short.h"
#include "slide.h"
#include "taps.h"

enum smidgen_midge_way { SMIDGEN_MIDGE_SLIDE, SMIDGEN_MIDGE_TAPS, SMIDGEN_MIDGE_INSIDE };

/* words: where narrow weights are widened to, NULL for weights of 8 bits. */
SMIDGEN_INLINE void smidgen_midge_depthwise(const struct smidgen_midge_depthwise_shape *shape,
                                            const int8_t *x, const uint32_t *weights,
                                            const uint32_t *parameters, const int32_t *walk,
                                            int8_t *y, uint32_t *words,
                                            const enum smidgen_midge_way way, const int is_copied,
                                            const uint32_t groups) {
    const int32_t channels = shape->channels, copies = is_copied ? shape->copies : 1;
    int32_t left = (channels + 3) / 4 * 4 * copies;
    const uint32_t padding = smidgen_midge_bytes(shape->input_zero_point);
    uint32_t first = SMIDGEN_MIDGE_CHANNELS;
    smidgen_midge_depthwise_begin(shape, copies);
    if (way != SMIDGEN_MIDGE_SLIDE)
        for (uint32_t lane = 0; lane < 64; lane += 16)
            xmidge_set(XMIDGE_WEIGHT, 0, lane);
    for (int32_t channel = 0; channel < channels; channel += 4) {
        const int32_t rest = channels - channel, lanes = rest < 4 ? rest : 4;
        for (int32_t copy = 0; copy < copies; copy++, first += 4, left -= 4) {
            if (first == SMIDGEN_MIDGE_CHANNELS) {
                parameters = smidgen_midge_parameters(
                    parameters, left < SMIDGEN_MIDGE_CHANNELS ? left : SMIDGEN_MIDGE_CHANNELS, 0);
                first = 0;
            }
            const uint32_t *next = weights;
            if (words) {
                const int32_t count = 4 * (int32_t)groups * shape->taps * shape->passes;
                weights = smidgen_midge_widen(weights, count, words, shape->weight_bits);
                next = words;
            }
            const uint32_t *const first_word = next;
            if (way == SMIDGEN_MIDGE_SLIDE)
                next = smidgen_midge_load_weights(next, 0, groups * (uint32_t)shape->taps);
            struct smidgen_midge_block block = {x + channel, y + channel * copies + copy, lanes,
                                                XMIDGE_WINDOW_LANES((uint32_t)lanes - 1u),
                                                first << 16};
            for (int32_t image = shape->images; image > 0; image--) {
                const int32_t *part = walk;
                for (int32_t parts = way == SMIDGEN_MIDGE_SLIDE ? shape->parts : 0; parts > 0;
                     parts--)
                    part = smidgen_midge_slide((const struct smidgen_midge_part *)part, &block,
                                               padding, copies, shape->output_step, groups);
                if (way == SMIDGEN_MIDGE_TAPS)
                    next = smidgen_midge_taps(shape, &block, first_word, walk, groups);
                if (way == SMIDGEN_MIDGE_INSIDE)
                    next = smidgen_midge_inside(shape, &block, first_word, walk, groups);
                block.x += shape->input_image_step;
                block.y += shape->output_image_step;
            }
            if (!words)
                weights = next;
        }
    }
}

SMIDGEN_INLINE void smidgen_midge_depthwise_short(const struct smidgen_midge_depthwise_shape *shape,
                                                  const int8_t *x, const uint32_t *weights,
                                                  const uint32_t *parameters, const int32_t *walk,
                                                  int8_t *y) {
    smidgen_midge_depthwise_by_lines(shape, x, weights, parameters, walk, y, NULL);
}

SMIDGEN_INLINE void smidgen_midge_depthwise_short_narrow(
    const struct smidgen_midge_depthwise_shape *shape, const int8_t *x, const uint32_t *weights,
    const uint32_t *parameters, const int32_t *walk, int8_t *y, void *scratch) {
    smidgen_midge_depthwise_by_lines(shape, x, weights, parameters, walk, y, scratch);
}

/* By the number of groups of rows in a pass; with more than one output channel per input channel,
 * or not; each for weights of 8 and of fewer bits. */
#define SMIDGEN_MIDGE_DEPTHWISE(name, way, is_copied, groups)                                      \
    SMIDGEN_INLINE void name(const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,   \
                             const uint32_t *weights, const uint32_t *parameters,                  \
                             const int32_t *walk, int8_t *y) {                                     \
        smidgen_midge_depthwise(shape, x, weights, parameters, walk, y, NULL, way, is_copied,      \
                                groups);                                                           \
    }                                                                                              \
    SMIDGEN_INLINE void name##_narrow(const struct smidgen_midge_depthwise_shape *shape,           \
                                      const int8_t *x, const uint32_t *weights,                    \
                                      const uint32_t *parameters, const int32_t *walk, int8_t *y,  \
                                      void *scratch) {                                             \
        smidgen_midge_depthwise(shape, x, weights, parameters, walk, y, scratch, way, is_copied,   \
                                groups);                                                           \
    }

SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_1, SMIDGEN_MIDGE_SLIDE, 0, 1)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_2, SMIDGEN_MIDGE_SLIDE, 0, 2)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_3, SMIDGEN_MIDGE_SLIDE, 0, 3)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_4, SMIDGEN_MIDGE_SLIDE, 0, 4)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_1, SMIDGEN_MIDGE_SLIDE, 1, 1)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_2, SMIDGEN_MIDGE_SLIDE, 1, 2)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_3, SMIDGEN_MIDGE_SLIDE, 1, 3)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_4, SMIDGEN_MIDGE_SLIDE, 1, 4)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_taps_1, SMIDGEN_MIDGE_TAPS, 1, 1)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_taps_2, SMIDGEN_MIDGE_TAPS, 1, 2)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_taps_3, SMIDGEN_MIDGE_TAPS, 1, 3)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_inside_1, SMIDGEN_MIDGE_INSIDE, 1, 1)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_inside_2, SMIDGEN_MIDGE_INSIDE, 1, 2)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_inside_3, SMIDGEN_MIDGE_INSIDE, 1, 3)

#define SMIDGEN_MIDGE_DEPTHWISE_POINTS(groups)                                                     \
    SMIDGEN_INLINE void smidgen_midge_depthwise_points_##groups(                                   \
        const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,                        \
        const uint32_t *weights, const uint32_t *parameters, const int32_t *walk, int8_t *y) {     \
        smidgen_midge_depthwise_points(shape, x, weights, parameters, walk, y, NULL, groups);      \
    }                                                                                              \
    SMIDGEN_INLINE void smidgen_midge_depthwise_points_##groups##_narrow(                          \
        const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,                        \
        const uint32_t *weights, const uint32_t *parameters, const int32_t *walk, int8_t *y,       \
        void *scratch) {                                                                           \
        smidgen_midge_depthwise_points(shape, x, weights, parameters, walk, y, scratch, groups);   \
    }

SMIDGEN_MIDGE_DEPTHWISE_POINTS(1)
SMIDGEN_MIDGE_DEPTHWISE_POINTS(2)
SMIDGEN_MIDGE_DEPTHWISE_POINTS(3)
SMIDGEN_MIDGE_DEPTHWISE_POINTS(4)

#endif
