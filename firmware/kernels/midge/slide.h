/* Windows that slide along lines, whose columns are loaded once. */
#ifndef SMIDGEN_KERNELS_MIDGE_SLIDE_H
#define SMIDGEN_KERNELS_MIDGE_SLIDE_H

#include "walk.h"

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
            : [next] "+&r"(lines->rows[0].next), [out] "+&r"(lines->out), [slot] "+&r"(lines->slot),
              [count] "+&r"(count), [batch] "=&r"(batch), [columns] "=&r"(columns),
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

#endif
