/* Windows that slide along lines short enough to be finished at once. */
#ifndef SMIDGEN_KERNELS_MIDGE_SHORT_H
#define SMIDGEN_KERNELS_MIDGE_SHORT_H

#include "slide.h"

/* Blocks of four channels, or one of fewer, whose windows have one group of rows and are finished
 * line by line. words: the first's weights; windows: of a line, with the first's parameters. */
struct smidgen_midge_short {
    const int8_t *x;
    int8_t *y;
    const uint32_t *words;
    uint32_t windows;
};

/* The blocks of `channels` channels; where the next begin. */
SMIDGEN_INLINE struct smidgen_midge_short
smidgen_midge_short_blocks(struct smidgen_midge_short next,
                           const struct smidgen_midge_depthwise_shape *shape,
                           const struct smidgen_midge_part *part, int32_t channels) {
    const uint32_t padding = smidgen_midge_bytes(shape->input_zero_point);
#ifdef __riscv
    const int32_t *const batch = (const int32_t *)(part + 1), *const runs = batch + 5;
    const int32_t *const end = runs + 3 * part->runs;
    const int32_t *run;
    const int8_t *column;
    int8_t *out;
    int32_t lines, slot;
    uint32_t window, lanes = XMIDGE_WINDOW_LANES(channels < 4 ? (uint32_t)channels - 1u : 3u);
    /* clang-format off */
    if (part->runs == 1 && part->pad_columns == 0 && part->gap == 0) { /* nothing lies in padding */
        const uint32_t load = (uint32_t)shape->taps << 16;
        xmidge_set(XMIDGE_WINDOW, (uint32_t)runs[2] | lanes, 0);
        __asm__ volatile(
            XMIDGE_ASM_BEGIN
            "1: sub %[out], %[y], %[output_step]\n"
            XMIDGE_ASM_LDM("18", "%[words]", "%[load_0]")
            XMIDGE_ASM_LDM("18", "%[words]", "%[load_1]")
            XMIDGE_ASM_LDM("18", "%[words]", "%[load_2]")
            XMIDGE_ASM_LDM("18", "%[words]", "%[load_3]")
            XMIDGE_ASM_SET("6", "x0", "x0")
            "add %[column], %[x], %[first]\n"
            "mv %[lines], %[count]\n"
            "li %[slot], 0\n"
            "2:\n"
            XMIDGE_ASM_LOOP("%[columns]", "4")
            XMIDGE_ASM_COLA("0", "%[column]")
            "or %[window], %[windows], %[slot]\n"
            "add %[slot], %[slot], %[begun]\n"
            "andi %[slot], %[slot], 15\n"
            "add %[out], %[out], %[output_step]\n"
            "add %[column], %[column], %[line_step]\n"
            "addi %[lines], %[lines], -1\n"
            XMIDGE_ASM_RQW("%[out]", "%[window]")
            "bnez %[lines], 2b\n"
            "lui %[window], 0x40\n"
            "add %[windows], %[windows], %[window]\n"
            "addi %[x], %[x], 4\n"
            "addi %[y], %[y], 4\n"
            "addi %[channels], %[channels], -4\n"
            "bge %[channels], %[four], 1b\n"
            "blez %[channels], 3f\n"
            "addi %[window], %[channels], -1\n"
            "slli %[window], %[window], 16\n"
            "or %[window], %[window], %[rows]\n"
            XMIDGE_ASM_SET("5", "%[window]", "x0")
            "j 1b\n"
            "3:\n"
            XMIDGE_ASM_END
            : [x] "+&r"(next.x), [y] "+&r"(next.y), [words] "+&r"(next.words),
              [windows] "+&r"(next.windows), [channels] "+&r"(channels), [column] "=&r"(column),
              [out] "=&r"(out), [lines] "=&r"(lines), [slot] "=&r"(slot), [window] "=&r"(window)
            : [first] "r"(runs[1]), [rows] "r"(runs[2]), [count] "r"(runs[0]),
              [columns] "r"(batch[0]), [begun] "r"(batch[3]), [output_step] "r"(batch[4]),
              [line_step] "r"(part->line_step), [four] "r"(4), [load_0] "r"(load),
              [load_1] "r"(load + 16), [load_2] "r"(load + 32), [load_3] "r"(load + 48)
            : "memory");
        return next;
    }
    __asm__ volatile(
        XMIDGE_ASM_BEGIN
        /* A block: its weights, and the padding before its first line. */
        "1: mv %[window], %[load]\n"
        "mv %[run], %[runs]\n"
        "sub %[out], %[y], %[output_step]\n"
        XMIDGE_ASM_LDM("18", "%[words]", "%[window]")
        "addi %[window], %[window], 16\n"
        XMIDGE_ASM_LDM("18", "%[words]", "%[window]")
        "addi %[window], %[window], 16\n"
        XMIDGE_ASM_LDM("18", "%[words]", "%[window]")
        "addi %[window], %[window], 16\n"
        XMIDGE_ASM_LDM("18", "%[words]", "%[window]")
        "lw %[window], 8(%[run])\n"
        "li %[slot], 0\n"
        "or %[window], %[window], %[lanes]\n"
        XMIDGE_ASM_SET("5", "%[window]", "x0")
        XMIDGE_ASM_SET("6", "x0", "x0")
        XMIDGE_ASM_COLV("0", "%[padding]")
        XMIDGE_ASM_LOOP("%[pad_columns]", "4")
        XMIDGE_ASM_COLVA("0", "%[padding]")
        /* A run of lines. */
        "2: lw %[column], 4(%[run])\n"
        "lw %[lines], 0(%[run])\n"
        "add %[column], %[column], %[x]\n"
        "addi %[run], %[run], 12\n"
        /* A line. What follows its last column goes on beside the products. */
        "3:\n"
        XMIDGE_ASM_LOOP("%[columns]", "4")
        XMIDGE_ASM_COLA("0", "%[column]")
        XMIDGE_ASM_LOOP("%[gap]", "4")
        XMIDGE_ASM_COLVA("0", "%[padding]")
        "or %[window], %[windows], %[slot]\n"
        "add %[slot], %[slot], %[begun]\n"
        "andi %[slot], %[slot], 15\n"
        "add %[out], %[out], %[output_step]\n"
        "add %[column], %[column], %[line_step]\n"
        "addi %[lines], %[lines], -1\n"
        XMIDGE_ASM_RQW("%[out]", "%[window]")
        "bnez %[lines], 3b\n"
        "beq %[run], %[end], 4f\n"
        "lw %[window], 8(%[run])\n"
        "nop\n"
        "or %[window], %[window], %[lanes]\n"
        XMIDGE_ASM_SET("5", "%[window]", "x0")
        "bnez %[gap], 2b\n" /* whose padding has filled the rows that are not loaded */
        XMIDGE_ASM_COLV("0", "%[padding]")
        "j 2b\n"
        "4: lui %[window], 0x40\n"
        "add %[windows], %[windows], %[window]\n"
        "addi %[x], %[x], 4\n"
        "addi %[y], %[y], 4\n"
        "addi %[channels], %[channels], -4\n"
        "blez %[channels], 5f\n"
        "bge %[channels], %[four], 1b\n"
        "addi %[lanes], %[channels], -1\n"
        "slli %[lanes], %[lanes], 16\n"
        "j 1b\n"
        "5:\n"
        XMIDGE_ASM_END
        : [x] "+&r"(next.x), [y] "+&r"(next.y), [words] "+&r"(next.words),
          [windows] "+&r"(next.windows), [channels] "+&r"(channels), [lanes] "+&r"(lanes), [run] "=&r"(run),
          [column] "=&r"(column), [out] "=&r"(out), [lines] "=&r"(lines), [slot] "=&r"(slot),
          [window] "=&r"(window)
        : [runs] "r"(runs), [end] "r"(end), [padding] "r"(padding), [columns] "r"(batch[0]),
          [gap] "r"(part->gap), [begun] "r"(batch[3]), [output_step] "r"(batch[4]),
          [line_step] "r"(part->line_step), [four] "r"(4),
          [pad_columns] "r"(part->pad_columns), [load] "r"((uint32_t)shape->taps << 16)
        : "memory");
    /* clang-format on */
#else
    for (; channels > 0; channels -= 4, next.x += 4, next.y += 4, next.windows += 4u << 16) {
        const int32_t lanes = channels < 4 ? channels : 4;
        const struct smidgen_midge_block block = {next.x, next.y, lanes,
                                                  XMIDGE_WINDOW_LANES((uint32_t)lanes - 1u),
                                                  next.windows & 0xff0000u};
        next.words = smidgen_midge_load_weights(next.words, 0, (uint32_t)shape->taps);
        smidgen_midge_slide(part, &block, padding, 1, shape->output_step, 1);
    }
#endif
    return next;
}

/* words: as for smidgen_midge_depthwise. */
SMIDGEN_INLINE void
smidgen_midge_depthwise_by_lines(const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,
                                 const uint32_t *weights, const uint32_t *parameters,
                                 const int32_t *walk, int8_t *y, uint32_t *words) {
    const struct smidgen_midge_part *const part = (const struct smidgen_midge_part *)walk;
    const uint32_t windows = (uint32_t)walk[sizeof *part / sizeof *walk + 2];
    smidgen_midge_depthwise_begin(shape, 1);
    for (int32_t image = 0; image < shape->images; image++) {
        struct smidgen_midge_short next = {x, y, weights, windows};
        const uint32_t *packed = weights, *parameter = parameters;
        for (int32_t left = shape->channels; left > 0; left -= SMIDGEN_MIDGE_CHANNELS) {
            const int32_t here = left < SMIDGEN_MIDGE_CHANNELS ? left : SMIDGEN_MIDGE_CHANNELS;
            const int32_t whole = (here + 3) / 4 * 4;
            parameter = smidgen_midge_parameters(parameter, whole, 0);
            next.windows = windows;
            if (words) {
                packed =
                    smidgen_midge_widen(packed, whole * shape->taps, words, shape->weight_bits);
                next.words = words;
            }
            next = smidgen_midge_short_blocks(next, shape, part, here);
        }
        x += shape->input_image_step;
        y += shape->output_image_step;
    }
}

#endif
