/* Windows inside the image that share no columns: each is one column, in groups of rows. */
#ifndef SMIDGEN_KERNELS_MIDGE_POINTS_H
#define SMIDGEN_KERNELS_MIDGE_POINTS_H

#include "slide.h"

/* The columns of `count` windows, without a loop where that is sooner done. */
SMIDGEN_INLINE void smidgen_midge_points_columns(struct smidgen_midge_rows *rows, int32_t count,
                                                 const uint32_t groups) {
    if (!__builtin_constant_p(count) || count * (int32_t)groups > 8) {
        smidgen_midge_columns(rows, count, 0, groups);
        return;
    }
#pragma GCC unroll 8
    for (int32_t i = 0; i < count; i++) {
        if (groups > 1)
            rows[0].next = xmidge_col(0, rows[0].next);
        if (groups > 2)
            rows[1].next = xmidge_col(1, rows[1].next);
        if (groups > 3)
            rows[2].next = xmidge_col(2, rows[2].next);
        rows[groups - 1].next = xmidge_cola(groups - 1, rows[groups - 1].next);
    }
}

/* Weights and parameters as for smidgen_midge_depthwise_short. walk: how many lines of windows are
 * finished together, at most 16 windows that lie side by side in the output, or one line of any
 * number; then a run, of all lines. words: as for smidgen_midge_depthwise. */
SMIDGEN_INLINE void
smidgen_midge_depthwise_points(const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,
                               const uint32_t *weights, const uint32_t *parameters,
                               const int32_t *walk, int8_t *y, uint32_t *words,
                               const uint32_t groups) {
    const int32_t together = walk[0], lines = walk[1], windows = shape->outputs;
    const ptrdiff_t line_step = shape->line_step - (ptrdiff_t)windows * shape->column_step;
    smidgen_midge_depthwise_begin(shape, 1);
    for (int32_t image = 0; image < shape->images; image++) {
        const uint32_t *packed = weights, *parameter = parameters;
        for (int32_t begin = 0; begin < shape->channels; begin += SMIDGEN_MIDGE_CHANNELS) {
            const int32_t left = shape->channels - begin;
            const int32_t here = left < SMIDGEN_MIDGE_CHANNELS ? left : SMIDGEN_MIDGE_CHANNELS;
            const int32_t whole = (here + 3) / 4 * 4;
            parameter = smidgen_midge_parameters(parameter, whole, 0);
            const uint32_t *next = packed;
            if (words) {
                packed =
                    smidgen_midge_widen(packed, whole * (int32_t)groups, words, shape->weight_bits);
                next = words;
            }
            for (int32_t channel = 0; channel < here; channel += 4) {
                const int32_t lanes = here - channel < 4 ? here - channel : 4;
                const struct smidgen_midge_block block = {
                    x + begin + channel, y + begin + channel, lanes,
                    XMIDGE_WINDOW_LANES((uint32_t)lanes - 1u), (uint32_t)channel << 16};
                struct smidgen_midge_rows rows[4];
                int8_t *out = block.y;
                uint32_t slot = 0;
                smidgen_midge_groups(rows, walk + 2, &block, 0, groups);
                next = smidgen_midge_load_weights(next, 0, groups);
                if (channel == 0 || lanes < 4)
                    xmidge_set(XMIDGE_WINDOW, rows[0].window, 0);
                xmidge_set(XMIDGE_POSITION, 0, 0);
                for (int32_t line = 0; line < lines; line += together) {
                    for (int32_t first = 0; first < windows; first += 16) {
                        const int32_t rest = windows - first, count = rest < 16 ? rest : 16;
                        int32_t finished = 0;
                        for (int32_t at = line; at < lines && at < line + together; at++) {
                            smidgen_midge_points_columns(rows, count, groups);
                            finished += count;
                            if (rest <= 16)
                                for (uint32_t group = 0; group < groups; group++)
                                    rows[group].next += line_step;
                        }
                        xmidge_rqw(out + (ptrdiff_t)first * shape->output_step,
                                   XMIDGE_WINDOWS(slot, (uint32_t)finished, 0) | block.parameters);
                        slot = (slot + (uint32_t)finished) % 16;
                    }
                    out += (ptrdiff_t)together * shape->output_line_step;
                }
            }
            if (!words)
                packed = next;
        }
        x += shape->input_image_step;
        y += shape->output_image_step;
    }
}

#endif
