/* How the depthwise kernels go through an image, and their weights. */
#ifndef SMIDGEN_KERNELS_MIDGE_WALK_H
#define SMIDGEN_KERNELS_MIDGE_WALK_H

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
 * [block][copy][tap][pass][lane][group]; parameters as in product.h, of [block][copy][lane]. Narrow
 * weights are widened first, into scratch: those of a block and copy, of 64 channels for
 * smidgen_midge_depthwise_short. */
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
SMIDGEN_INLINE uint32_t smidgen_midge_widened(uint32_t packed, const uint32_t bits) {
    const uint32_t ones = 0x01010101u, field = packed & ones * ((1u << bits) - 1u);
    return ((field | ones << 7) - (ones << (bits - 1))) ^ ones << 7;
}

SMIDGEN_INLINE const uint32_t *smidgen_midge_widen_from(const uint32_t *packed, int32_t count,
                                                        uint32_t *words, const uint32_t bits) {
#ifdef __riscv
    /* clang-format off */
#define SMIDGEN_MIDGE_WIDEN(at)                                                                    \
    "and %[word], %[packed_word], %[mask]\n"                                                       \
    "or %[word], %[word], %[top]\n"                                                                \
    "sub %[word], %[word], %[offset]\n"                                                            \
    "xor %[word], %[word], %[top]\n"                                                               \
    "sw %[word], " at "(%[words])\n"
    uint32_t packed_word, word;
    const uint32_t ones = 0x01010101u;
    if (bits == 4)
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%[count]", "56")
            "lw %[packed_word], 0(%[packed])\n"
            "addi %[packed], %[packed], 4\n"
            SMIDGEN_MIDGE_WIDEN("0")
            "srli %[packed_word], %[packed_word], 4\n"
            SMIDGEN_MIDGE_WIDEN("4")
            "addi %[words], %[words], 8\n"
            XMIDGE_ASM_END
            : [packed] "+&r"(packed), [words] "+&r"(words), [packed_word] "=&r"(packed_word),
              [word] "=&r"(word)
            : [count] "r"(count / 2), [mask] "r"(ones * 15), [top] "r"(ones << 7),
              [offset] "r"(ones << 3)
            : "memory");
    else
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%[count]", "104")
            "lw %[packed_word], 0(%[packed])\n"
            "addi %[packed], %[packed], 4\n"
            SMIDGEN_MIDGE_WIDEN("0")
            "srli %[packed_word], %[packed_word], 2\n"
            SMIDGEN_MIDGE_WIDEN("4")
            "srli %[packed_word], %[packed_word], 2\n"
            SMIDGEN_MIDGE_WIDEN("8")
            "srli %[packed_word], %[packed_word], 2\n"
            SMIDGEN_MIDGE_WIDEN("12")
            "addi %[words], %[words], 16\n"
            XMIDGE_ASM_END
            : [packed] "+&r"(packed), [words] "+&r"(words), [packed_word] "=&r"(packed_word),
              [word] "=&r"(word)
            : [count] "r"(count / 4), [mask] "r"(ones * 3), [top] "r"(ones << 7),
              [offset] "r"(ones << 1)
            : "memory");
        /* clang-format on */
#undef SMIDGEN_MIDGE_WIDEN
#else
    for (uint32_t *const end = words + count; words != end; packed++)
        for (uint32_t shift = 0; shift < 8; shift += bits)
            *words++ = smidgen_midge_widened(*packed >> shift, bits);
#endif
    return packed;
}

/* `count` words, a multiple of 4, from those with weights of 4 or 2 bits; the next of these. */
SMIDGEN_SHARED const uint32_t *smidgen_midge_widen(const uint32_t *packed, int32_t count,
                                                   uint32_t *words, int32_t bits) {
    return bits == 4 ? smidgen_midge_widen_from(packed, count, words, 4)
                     : smidgen_midge_widen_from(packed, count, words, 2);
}

/* Puts `count` words for each lane into weights `first` and the following; the word after. */
SMIDGEN_INLINE const uint32_t *smidgen_midge_load_weights(const uint32_t *weights, uint32_t first,
                                                          uint32_t count) {
    weights = xmidge_ldm(XMIDGE_WEIGHT, weights, first, count);
    weights = xmidge_ldm(XMIDGE_WEIGHT, weights, first + 16, count);
    weights = xmidge_ldm(XMIDGE_WEIGHT, weights, first + 32, count);
    return xmidge_ldm(XMIDGE_WEIGHT, weights, first + 48, count);
}

/* What all blocks have in common. copies: as in the shape, or 1. */
SMIDGEN_INLINE void smidgen_midge_depthwise_begin(const struct smidgen_midge_depthwise_shape *shape,
                                                  int32_t copies) {
    xmidge_set(XMIDGE_SHAPE, 0, 0);
    xmidge_set(XMIDGE_PIXEL_STEP, (uintptr_t)shape->row_step, 0);
    xmidge_set(XMIDGE_COLUMN_STEP, (uintptr_t)shape->column_step, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, copies == 1 ? (uintptr_t)shape->output_step : 4, 0);
    xmidge_set(XMIDGE_OUTPUT,
               smidgen_midge_output(shape->output_zero_point, shape->activation_min,
                                    shape->activation_max),
               0);
}

#endif
