/* Columns of up to 16 rows on Xmidge: loaded, or padding, and used by all windows in flight.
 *
 * A column's rows come in groups of up to four; the groups' numbers, and with them their weights,
 * count from `base`. */
#ifndef SMIDGEN_KERNELS_MIDGE_COLUMNS_H
#define SMIDGEN_KERNELS_MIDGE_COLUMNS_H

#include "../portable/common.h"
#include "xmidge.h"

/* A value of `output`. */
SMIDGEN_INLINE uint32_t smidgen_midge_output(int32_t zero_point, int32_t minimum, int32_t maximum) {
    return XMIDGE_OUTPUT_ZERO_POINT((uint32_t)zero_point) |
           XMIDGE_OUTPUT_MINIMUM((uint32_t)minimum) | XMIDGE_OUTPUT_MAXIMUM((uint32_t)maximum);
}

/* A group's rows inside the image: where they are, and the value of `window`. */
struct smidgen_midge_rows {
    const int8_t *next;
    uint32_t window;
};

/* Loads `count` columns with all their groups; the last group's instruction moves on. */
SMIDGEN_INLINE void smidgen_midge_columns(struct smidgen_midge_rows *rows, int32_t count,
                                          const uint32_t base, const uint32_t groups) {
#ifdef __riscv
    /* `col` is group 0's code and `cola` group 8's. */
    if (groups == 1)
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%[count]", "4")
                             XMIDGE_ASM_COLA("%[base]", "%[a]") XMIDGE_ASM_END
                         : [a] "+r"(rows[0].next)
                         : [count] "r"(count), [base] "i"(base)
                         : "memory");
    else if (groups == 2)
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%[count]", "8")
                             XMIDGE_ASM_COL("%[base]", "%[a]")
                                 XMIDGE_ASM_COLA("1 + %[base]", "%[b]") XMIDGE_ASM_END
                         : [a] "+r"(rows[0].next), [b] "+r"(rows[1].next)
                         : [count] "r"(count), [base] "i"(base)
                         : "memory");
    else if (groups == 3)
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%[count]", "12")
                             XMIDGE_ASM_COL("%[base]", "%[a]") XMIDGE_ASM_COL("1 + %[base]", "%[b]")
                                 XMIDGE_ASM_COLA("2 + %[base]", "%[c]") XMIDGE_ASM_END
                         : [a] "+r"(rows[0].next), [b] "+r"(rows[1].next), [c] "+r"(rows[2].next)
                         : [count] "r"(count), [base] "i"(base)
                         : "memory");
    else
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%[count]", "16")
                             XMIDGE_ASM_COL("0", "%[a]") XMIDGE_ASM_COL("1", "%[b]")
                                 XMIDGE_ASM_COL("2", "%[c]") XMIDGE_ASM_COLA("3", "%[d]")
                                     XMIDGE_ASM_END
                         : [a] "+r"(rows[0].next), [b] "+r"(rows[1].next), [c] "+r"(rows[2].next),
                           [d] "+r"(rows[3].next)
                         : [count] "r"(count)
                         : "memory");
#else
    for (; count > 0; count--)
        for (uint32_t group = 0; group < groups; group++)
            rows[group].next = group + 1 < groups ? xmidge_col(base + group, rows[group].next)
                                                  : xmidge_cola(base + group, rows[group].next);
#endif
}

/* A column of padding, with all its groups. */
SMIDGEN_INLINE void smidgen_midge_padding(uint32_t value, const uint32_t base,
                                          const uint32_t groups) {
    if (groups > 1)
        xmidge_colv(base, value);
    if (groups > 2)
        xmidge_colv(base + 1, value);
    if (groups > 3)
        xmidge_colv(base + 2, value);
    xmidge_colva(base + groups - 1, value);
}

SMIDGEN_INLINE void smidgen_midge_paddings(uint32_t value, int32_t count, const uint32_t base,
                                           const uint32_t groups) {
#ifdef __riscv
    if (groups == 1) {
        __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%[count]", "4")
                             XMIDGE_ASM_COLVA("%[base]", "%[value]") XMIDGE_ASM_END
                         :
                         : [count] "r"(count), [value] "r"(value), [base] "i"(base));
        return;
    }
#endif
    SMIDGEN_KEEP_LOOP
    for (; count > 0; count--)
        smidgen_midge_padding(value, base, groups);
}

/* Selects a group's rows; those that are not loaded become padding. */
SMIDGEN_INLINE void smidgen_midge_select_rows(uint32_t window, uint32_t padding) {
    const uint32_t first = window & 3u, end = first + (window >> 2 & 7u);
    xmidge_set(XMIDGE_WINDOW, window, 0);
    for (uint32_t row = 0; row < 4; row++)
        if (row < first || row >= end)
            xmidge_set(XMIDGE_COLUMN, padding, row);
}

/* As smidgen_midge_columns, where the groups have different rows inside the image. */
SMIDGEN_INLINE void smidgen_midge_edge_columns(struct smidgen_midge_rows *rows, int32_t count,
                                               uint32_t padding, const uint32_t base,
                                               const uint32_t groups) {
    for (; count > 0; count--) {
        smidgen_midge_select_rows(rows[0].window, padding);
        rows[0].next = xmidge_col(base, rows[0].next);
        if (groups > 2) {
            smidgen_midge_select_rows(rows[1].window, padding);
            rows[1].next = xmidge_col(base + 1, rows[1].next);
        }
        if (groups > 3) {
            smidgen_midge_select_rows(rows[2].window, padding);
            rows[2].next = xmidge_col(base + 2, rows[2].next);
        }
        smidgen_midge_select_rows(rows[groups - 1].window, padding);
        rows[groups - 1].next = xmidge_cola(base + groups - 1, rows[groups - 1].next);
    }
}

#endif
