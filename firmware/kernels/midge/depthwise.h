/* Depthwise convolutions on Xmidge, int8, NHWC. Multiplier and shift per output channel.
 *
 * Four channels (lanes) at a time. The image is walked along lines; a window's rows lie across the
 * line, its columns (taps) along it. Padding holds the input's zero point, which is part of the
 * bias. */
#ifndef SMIDGEN_KERNELS_MIDGE_DEPTHWISE_H
#define SMIDGEN_KERNELS_MIDGE_DEPTHWISE_H

#include "columns.h"
#include "product.h"
#include "words.h"

/* Output channel c * copies + m is of input channel c. weight_bits: 8, 4 or 2. Steps are in bytes.
 *
 * A window's rows are in `groups` groups of up to four, in each of `passes`; groups may overlap
 * (weights are 0 there). Lines come in `runs`: of lines in a row that have the same rows inside the
 * image.
 *
 * Windows that slide (smidgen_midge_depthwise_<groups>): a line's columns, and columns of padding
 * between lines, go into every window that they belong to. The windows of a line are finished in
 * batches. Where windows are dilated along the line, those that share columns are a part
 * of the image by themselves; walk has `parts` of struct smidgen_midge_part.
 *
 * Windows tap by tap (smidgen_midge_depthwise_taps_<groups>), any kernel, stride and dilation: up
 * to 16 windows at a time go through one tap and one pass after the other. walk: for each tap the
 * first window that has it inside the image and the one after the last, then `parts` runs.
 *
 * A run: its lines and, by pass and group, the bytes from the image to its first column and the
 * value of `window`, without lanes.
 *
 * Weights: words of four rows, [block of 4 channels][copy][lane][group][tap], or
 * [block][copy][tap][pass][lane][group]; parameters as in product.h, of [block][copy][lane]. */
struct smidgen_midge_depthwise_shape {
    int32_t images, channels, copies, weight_bits;
    int32_t parts, passes, group_rows, outputs, taps, tap_step;
    int32_t input_image_step, line_step, row_step, column_step;
    int32_t output_image_step, output_line_step, output_step;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* What lines have in common. The first comes after pad_columns columns of padding, and each is
 * followed by gap. line_step: from the column after a line's last to the next line's first; output:
 * bytes from the image's first output to the part's.
 *
 * Behind it come, for each batch, its columns inside the image, columns of padding after them,
 * windows (rs2 of rqw), slots to the next batch and bytes to its outputs; then the runs. */
struct smidgen_midge_part {
    int32_t batches, runs, pad_columns, gap, line_step, output;
};

/* A word of weights from the lowest fields of a word's bytes, which hold weights plus
 * 2^(bits - 1). */
SMIDGEN_INLINE uint32_t smidgen_midge_widened(uint32_t packed, uint32_t bits) {
    const uint32_t ones = 0x01010101u, field = packed & ones * ((1u << bits) - 1u);
    return ((field | ones << 7) - (ones << (bits - 1))) ^ ones << 7;
}

/* Puts `count` words for each lane into weights `first` and the following; the word after. */
SMIDGEN_SHARED const uint32_t *smidgen_midge_load_weights(const uint32_t *weights, uint32_t first,
                                                          uint32_t count, uint32_t bits) {
    if (bits == 8) {
        for (uint32_t lane = 0; lane < 64; lane += 16)
            weights = xmidge_ldm(XMIDGE_WEIGHT, weights, first + lane, count);
        return weights;
    }
    uint32_t packed = 0, left = 0; /* bits of each of its bytes */
    for (uint32_t lane = first; lane < first + 64; lane += 16) {
        for (uint32_t i = 0; i < count; i++) {
            if (left == 0) {
                packed = *weights++;
                left = 8;
            }
            xmidge_set(XMIDGE_WEIGHT, smidgen_midge_widened(packed, bits), lane + i);
            packed >>= bits;
            left -= bits;
        }
    }
    return weights;
}

/* Writes the outputs of windows (rs2 of rqw). Those of copies do not lie side by side. */
SMIDGEN_INLINE void smidgen_midge_write_windows(int8_t *out, uint32_t windows, int32_t channels,
                                                int32_t copies, int32_t output_step) {
    if (copies == 1) {
        xmidge_rqw(out, windows);
        return;
    }
    int8_t staged[64];
    xmidge_rqw(staged, windows);
    const int8_t *next = staged;
    for (uint32_t left = windows >> 8 & 0xffu; left > 0; left--, next += 4, out += output_step)
        for (int32_t channel = 0; channel < channels; channel++)
            out[channel * copies] = next[channel];
}

/* One block of channels of one image: x and y at its first channel; lanes: its field of `window`;
 * parameters: its first, as in rs2 of rqw. */
struct smidgen_midge_block {
    const int8_t *x;
    int8_t *y;
    int32_t channels;
    uint32_t lanes, parameters;
};

/* Whether all groups have the same rows inside the image. */
SMIDGEN_INLINE int smidgen_midge_is_even(const struct smidgen_midge_rows *rows,
                                         const uint32_t groups) {
    int is_even = 1;
    for (uint32_t group = 1; group < groups; group++)
        is_even &= rows[group].window == rows[0].window;
    return is_even;
}

/* A run's or a pass's groups: those of the table, `offset` bytes on. */
SMIDGEN_INLINE void smidgen_midge_groups(struct smidgen_midge_rows *rows, const int32_t *table,
                                         const struct smidgen_midge_block *block, ptrdiff_t offset,
                                         const uint32_t groups) {
    for (uint32_t group = 0; group < groups; group++) {
        rows[group].next = block->x + (table[2 * group] + offset);
        rows[group].window = (uint32_t)table[2 * group + 1] | block->lanes;
    }
}

/* Lines that follow each other, and where they have come to. */
struct smidgen_midge_lines {
    struct smidgen_midge_rows rows[4];
    int8_t *out;
    uint32_t slot;
};

/* `count` lines, by the batches from first to before end. */
SMIDGEN_INLINE void smidgen_midge_lines(struct smidgen_midge_lines *lines, int32_t count,
                                        const int32_t *first, const int32_t *end, int32_t line_step,
                                        uint32_t padding, const struct smidgen_midge_block *block,
                                        const int32_t copies, int32_t output_step,
                                        const uint32_t groups) {
    const uint32_t parameters = block->parameters;
    const int is_even = smidgen_midge_is_even(lines->rows, groups);
#ifdef __riscv
    if (groups == 1 && copies == 1) {
        const int32_t *batch;
        int32_t columns, more, windows;
        __asm__ volatile(
            XMIDGE_ASM_BEGIN
            "1: mv %[batch], %[first]\n"
            "2: lw %[columns], 0(%[batch])\n"
            "lw %[more], 4(%[batch])\n"
            "lw %[windows], 8(%[batch])\n" XMIDGE_ASM_LOOP("%[columns]", "4")
                XMIDGE_ASM_COLA("0", "%[next]") XMIDGE_ASM_LOOP("%[more]", "4") XMIDGE_ASM_COLVA(
                    "0", "%[padding]") "or %[windows], %[windows], %[slot]\n"
                                       "or %[windows], %[windows], %[parameters]\n"
                                       "lw %[columns], 12(%[batch])\n"
                                       "lw %[more], 16(%[batch])\n" XMIDGE_ASM_RQW(
                                           "%[out]",
                                           "%[windows]") "add %[slot], %[slot], %[columns]\n"
                                                         "andi %[slot], %[slot], 15\n"
                                                         "add %[out], %[out], %[more]\n"
                                                         "addi %[batch], %[batch], 20\n"
                                                         "bne %[batch], %[end], 2b\n"
                                                         "add %[next], %[next], %[line_step]\n"
                                                         "addi %[count], %[count], -1\n"
                                                         "bnez %[count], 1b\n" XMIDGE_ASM_END
            : [next] "+r"(lines->rows[0].next), [out] "+r"(lines->out), [slot] "+r"(lines->slot),
              [count] "+r"(count), [batch] "=&r"(batch), [columns] "=&r"(columns),
              [more] "=&r"(more), [windows] "=&r"(windows)
            : [first] "r"(first), [end] "r"(end), [line_step] "r"(line_step),
              [padding] "r"(padding), [parameters] "r"(parameters)
            : "memory");
        return;
    }
#endif
    for (; count > 0; count--) {
        for (const int32_t *batch = first; batch != end; batch += 5) {
            if (is_even)
                smidgen_midge_columns(lines->rows, batch[0], 0, groups);
            else
                smidgen_midge_edge_columns(lines->rows, batch[0], padding, 0, groups);
            smidgen_midge_paddings(padding, batch[1], 0, groups);
            smidgen_midge_write_windows(lines->out, (uint32_t)batch[2] | lines->slot | parameters,
                                        block->channels, copies, output_step);
            lines->slot = (lines->slot + (uint32_t)batch[3]) & 15u;
            lines->out += batch[4];
        }
        for (uint32_t group = 0; group < groups; group++)
            lines->rows[group].next += line_step;
    }
}

#ifdef __riscv
/* All runs of lines with a single group and batch. `run` is the table's, from there to `end`. */
SMIDGEN_INLINE void smidgen_midge_short_lines(const struct smidgen_midge_part *part,
                                              const struct smidgen_midge_block *block,
                                              const int32_t *batch, const int32_t *run,
                                              const int32_t *end, uint32_t padding) {
    const uint32_t windows = (uint32_t)batch[2] | block->parameters;
    int8_t *out = block->y + part->output;
    const int8_t *next;
    int32_t lines, window, slot = 0;
    __asm__ volatile(
        XMIDGE_ASM_BEGIN
        "1: lw %[next], 4(%[run])\n"
        "lw %[window], 8(%[run])\n"
        "lw %[lines], 0(%[run])\n"
        "add %[next], %[next], %[x]\n"
        "or %[window], %[window], %[lanes]\n" XMIDGE_ASM_SET(
            "5", "%[window]",
            "x0") "addi %[run], %[run], 12\n"
                  "bnez %[gap], 2f\n" XMIDGE_ASM_COLV("0", "%[padding]") "2:\n" XMIDGE_ASM_LOOP(
                      "%[columns]", "4") XMIDGE_ASM_COLA("0", "%[next]")
                      XMIDGE_ASM_LOOP("%[more]", "4") XMIDGE_ASM_COLVA(
                          "0", "%[padding]") "or %[window], %[windows], "
                                             "%[slot]\n" XMIDGE_ASM_RQW(
                                                 "%[out]", "%[window]") "add %[slot], %[slot], "
                                                                        "%[begun]\n"
                                                                        "andi %[slot], %[slot], "
                                                                        "15\n"
                                                                        "add %[out], %[out], "
                                                                        "%[output_step]\n"
                                                                        "add %[next], %[next], "
                                                                        "%[line_step]\n"
                                                                        "addi %[lines], "
                                                                        "%[lines], -1\n"
                                                                        "bnez %[lines], 2b\n"
                                                                        "bne %[run], %[end], "
                                                                        "1b\n" XMIDGE_ASM_END
        : [run] "+r"(run), [out] "+r"(out), [slot] "+r"(slot), [next] "=&r"(next),
          [lines] "=&r"(lines), [window] "=&r"(window)
        : [end] "r"(end), [x] "r"(block->x), [lanes] "r"(block->lanes), [gap] "r"(part->gap),
          [padding] "r"(padding), [columns] "r"(batch[0]), [more] "r"(batch[1]),
          [windows] "r"(windows), [begun] "r"(batch[3]), [output_step] "r"(batch[4]),
          [line_step] "r"(part->line_step)
        : "memory");
}
#endif

/* One part. Returns what lies behind it. */
SMIDGEN_INLINE const int32_t *smidgen_midge_slide(const struct smidgen_midge_part *part,
                                                  const struct smidgen_midge_block *block,
                                                  uint32_t padding, const int32_t copies,
                                                  int32_t output_step, const uint32_t groups) {
    const int32_t *const batches = (const int32_t *)(part + 1);
    const int32_t *const runs = batches + 5 * part->batches;
    const int32_t *const end = runs + part->runs * (1 + 2 * (int32_t)groups);
    xmidge_set(XMIDGE_WINDOW, (uint32_t)runs[2] | block->lanes, 0);
    xmidge_set(XMIDGE_POSITION, 0, 0);
    xmidge_colv(0, padding); /* rows that are not loaded are padding */
    smidgen_midge_paddings(padding, part->pad_columns, 0, groups);
#ifdef __riscv
    if (groups == 1 && copies == 1 && part->batches == 1) {
        smidgen_midge_short_lines(part, block, batches, runs, end, padding);
        return end;
    }
#endif
    struct smidgen_midge_lines lines = {.out = block->y + part->output, .slot = 0};
    const int32_t line_step = part->line_step, gap = part->gap;
    for (const int32_t *run = runs; run != end; run += 1 + 2 * groups) {
        smidgen_midge_groups(lines.rows, run + 1, block, 0, groups);
        xmidge_set(XMIDGE_WINDOW, lines.rows[0].window, 0);
        if (gap == 0) /* else the padding between lines has done it */
            xmidge_colv(0, padding);
        smidgen_midge_lines(&lines, *run, batches, runs, line_step, padding, block, copies,
                            output_step, groups);
    }
    return end;
}

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
                        next = smidgen_midge_load_weights(next, 1, groups,
                                                          (uint32_t)shape->weight_bits);
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

SMIDGEN_INLINE void smidgen_midge_depthwise(const struct smidgen_midge_depthwise_shape *shape,
                                            const int8_t *x, const uint32_t *weights,
                                            const uint32_t *parameters, const int32_t *walk,
                                            int8_t *y, const int slides, const int is_copied,
                                            const uint32_t groups) {
    const int32_t channels = shape->channels, copies = is_copied ? shape->copies : 1;
    int32_t left = (channels + 3) / 4 * 4 * copies;
    const uint32_t padding = smidgen_midge_bytes(shape->input_zero_point);
    uint32_t first = SMIDGEN_MIDGE_CHANNELS;
    xmidge_set(XMIDGE_SHAPE, 0, 0);
    xmidge_set(XMIDGE_PIXEL_STEP, (uintptr_t)shape->row_step, 0);
    xmidge_set(XMIDGE_COLUMN_STEP, (uintptr_t)shape->column_step, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, copies == 1 ? (uintptr_t)shape->output_step : 4, 0);
    xmidge_set(XMIDGE_OUTPUT,
               smidgen_midge_output(shape->output_zero_point, shape->activation_min,
                                    shape->activation_max),
               0);
    if (!slides)
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
            if (slides)
                next = smidgen_midge_load_weights(weights, 0, groups * (uint32_t)shape->taps,
                                                  (uint32_t)shape->weight_bits);
            struct smidgen_midge_block block = {x + channel, y + channel * copies + copy, lanes,
                                                XMIDGE_WINDOW_LANES((uint32_t)lanes - 1u),
                                                first << 16};
            for (int32_t image = shape->images; image > 0; image--) {
                const int32_t *part = walk;
                for (int32_t parts = slides ? shape->parts : 0; parts > 0; parts--)
                    part = smidgen_midge_slide((const struct smidgen_midge_part *)part, &block,
                                               padding, copies, shape->output_step, groups);
                if (!slides)
                    next = smidgen_midge_taps(shape, &block, weights, walk, groups);
                block.x += shape->input_image_step;
                block.y += shape->output_image_step;
            }
            weights = next;
        }
    }
}

/* By the number of groups of rows in a pass; with more than one output channel per input channel,
 * or not. */
#define SMIDGEN_MIDGE_DEPTHWISE(name, slides, is_copied, groups)                                   \
    static inline void name(const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,    \
                            const uint32_t *weights, const uint32_t *parameters,                   \
                            const int32_t *walk, int8_t *y) {                                      \
        smidgen_midge_depthwise(shape, x, weights, parameters, walk, y, slides, is_copied,         \
                                groups);                                                           \
    }

SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_1, 1, 0, 1)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_2, 1, 0, 2)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_3, 1, 0, 3)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_4, 1, 0, 4)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_1, 1, 1, 1)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_2, 1, 1, 2)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_3, 1, 1, 3)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_copies_4, 1, 1, 4)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_taps_1, 0, 1, 1)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_taps_2, 0, 1, 2)
SMIDGEN_MIDGE_DEPTHWISE(smidgen_midge_depthwise_taps_3, 0, 1, 3)

#endif
