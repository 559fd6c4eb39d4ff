/* Windows that go through one tap after the other. */
#ifndef SMIDGEN_KERNELS_MIDGE_TAPS_H
#define SMIDGEN_KERNELS_MIDGE_TAPS_H

#include "slide.h"

/* Weight 0 of each lane is 0: group 0 starts the windows, the others add to them. Returns the word
 * after the block's weights. */
SMIDGEN_INLINE const uint32_t *smidgen_midge_taps(const struct smidgen_midge_depthwise_shape *shape,
                                                  const struct smidgen_midge_block *block,
                                                  const uint32_t *weights, const int32_t *walk,
                                                  const uint32_t groups) {
    const uint32_t padding = smidgen_midge_bytes(shape->input_zero_point);
    const uint32_t whole = XMIDGE_WINDOW_ROWS((uint32_t)shape->group_rows) | block->lanes;
    const int32_t taps = shape->taps, passes = shape->passes;
    const int32_t *run = walk + 2 * taps;
    const uint32_t *next = weights;
    int8_t *line = block->y;
    for (int32_t runs = shape->parts; runs > 0; runs--, run += 1 + 2 * passes * (int32_t)groups) {
        ptrdiff_t at = 0;
        for (int32_t lines = *run; lines > 0; lines--, at += shape->line_step) {
            for (int32_t begin = 0; begin < shape->outputs; begin += 16) {
                const int32_t left = shape->outputs - begin, count = left < 16 ? left : 16;
                next = weights;
                xmidge_set(XMIDGE_WINDOW, block->lanes, 0);
                xmidge_set(XMIDGE_POSITION, 0, 0);
                smidgen_midge_paddings(0, count, 0, 1);
                for (int32_t tap = 0; tap < taps; tap++) {
                    const int32_t low = smidgen_clamp(walk[2 * tap] - begin, 0, count);
                    const int32_t high = smidgen_clamp(walk[2 * tap + 1] - begin, low, count);
                    const ptrdiff_t column = at + (ptrdiff_t)tap * shape->tap_step +
                                             (ptrdiff_t)(begin + low) * shape->column_step;
                    const int32_t *table = run + 1;
                    for (int32_t pass = 0; pass < passes; pass++, table += 2 * groups) {
                        struct smidgen_midge_rows rows[3];
                        next = smidgen_midge_load_weights(next, 1, groups);
                        smidgen_midge_groups(rows, table, block, column, groups);
                        xmidge_set(XMIDGE_POSITION, 0, 0);
                        smidgen_midge_paddings(padding, low, 1, groups);
                        if (rows[0].window == whole)
                            xmidge_set(XMIDGE_WINDOW, whole, 0);
                        else
                            smidgen_midge_select_rows(rows[0].window, padding);
                        if (smidgen_midge_is_even(rows, groups))
                            smidgen_midge_columns(rows, high - low, 1, groups);
                        else
                            smidgen_midge_edge_columns(rows, high - low, padding, 1, groups);
                        smidgen_midge_paddings(padding, count - high, 1, groups);
                    }
                }
                smidgen_midge_write_windows(line + (ptrdiff_t)begin * shape->output_step,
                                            XMIDGE_WINDOWS(0, count, 0) | block->parameters,
                                            block->channels, shape->copies, shape->output_step);
            }
            line += shape->output_line_step;
        }
    }
    return next;
}

/* The same where all windows lie inside the image. */
SMIDGEN_INLINE const uint32_t *
smidgen_midge_inside(const struct smidgen_midge_depthwise_shape *shape,
                     const struct smidgen_midge_block *block, const uint32_t *weights,
                     const int32_t *walk, const uint32_t groups) {
    const int32_t taps = shape->taps, passes = shape->passes;
    const int32_t *const tables = walk + 2 * taps + 1;
    const uint32_t *next = weights;
    const int8_t *line = block->x;
    int8_t *line_out = block->y;
    xmidge_set(XMIDGE_WINDOW, (uint32_t)tables[1] | block->lanes, 0);
    for (int32_t lines = tables[-1]; lines > 0; lines--) {
        for (int32_t begin = 0; begin < shape->outputs; begin += 16) {
            const int32_t left = shape->outputs - begin, count = left < 16 ? left : 16;
            const int8_t *column = line + (ptrdiff_t)begin * shape->column_step;
            next = weights;
            xmidge_set(XMIDGE_POSITION, 0, 0);
            smidgen_midge_paddings(0, count, 0, 1);
            SMIDGEN_KEEP_LOOP
            for (int32_t tap = 0; tap < taps; tap++, column += shape->tap_step) {
                const int32_t *table = tables;
                SMIDGEN_KEEP_LOOP
                for (int32_t pass = 0; pass < passes; pass++, table += 2 * groups) {
                    struct smidgen_midge_rows rows[3];
                    for (uint32_t group = 0; group < groups; group++)
                        rows[group].next = column + table[2 * group];
                    next = smidgen_midge_load_weights(next, 1, groups);
                    xmidge_set(XMIDGE_POSITION, 0, 0);
                    smidgen_midge_columns(rows, count, 1, groups);
                }
            }
            smidgen_midge_write_windows(line_out + (ptrdiff_t)begin * shape->output_step,
                                        XMIDGE_WINDOWS(0, count, 0) | block->parameters,
                                        block->channels, shape->copies, shape->output_step);
        }
        line += shape->line_step;
        line_out += shape->output_line_step;
    }
    return next;
}

#endif
