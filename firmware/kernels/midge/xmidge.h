/* Xmidge, Midge's neural-network extension, for C: made by hw/midge/xmidge.py from
 * hw/midge/xmidge.toml. docs/xmidge.md says what the instructions do. Codes and groups must be
 * constants; pointers come back advanced. */
#ifndef SMIDGEN_KERNELS_MIDGE_XMIDGE_H
#define SMIDGEN_KERNELS_MIDGE_XMIDGE_H

#include <stdint.h>

/* Codes of the registers. */
#define XMIDGE_SHAPE 0
#define XMIDGE_PIXEL_STEP 1
#define XMIDGE_COLUMN_STEP 2
#define XMIDGE_OUTPUT_STEP 3
#define XMIDGE_OUTPUT 4
#define XMIDGE_WINDOW 5
#define XMIDGE_POSITION 6
#define XMIDGE_LOOP_COUNT 8
#define XMIDGE_LOOP_START 9
#define XMIDGE_LOOP_END 10
#define XMIDGE_ACCUMULATOR 16
#define XMIDGE_COLUMN 17
#define XMIDGE_WEIGHT 18
#define XMIDGE_BIAS 19
#define XMIDGE_MULTIPLIER 20
#define XMIDGE_SHIFT 21
#define XMIDGE_TABLE_A 22
#define XMIDGE_TABLE_B 23

/* Fields of the registers: each macro puts a value into its place. */
#define XMIDGE_FIELD(n, low, bits) (((n) & ((1u << (bits)) - 1u)) << (low))
#define XMIDGE_SHAPE_WIDTH(n) XMIDGE_FIELD(n, 0, 2)
#define XMIDGE_SHAPE_VECTOR(n) XMIDGE_FIELD(n, 2, 1)
#define XMIDGE_SHAPE_SHARED(n) XMIDGE_FIELD(n, 3, 1)
#define XMIDGE_SHAPE_PIXELS(n) XMIDGE_FIELD(n, 4, 2)
#define XMIDGE_SHAPE_WORDS(n) XMIDGE_FIELD(n, 6, 2)
#define XMIDGE_SHAPE_CHANNELS(n) XMIDGE_FIELD(n, 8, 6)
#define XMIDGE_OUTPUT_ZERO_POINT(n) XMIDGE_FIELD(n, 0, 8)
#define XMIDGE_OUTPUT_MINIMUM(n) XMIDGE_FIELD(n, 8, 8)
#define XMIDGE_OUTPUT_MAXIMUM(n) XMIDGE_FIELD(n, 16, 8)
#define XMIDGE_OUTPUT_LEFT_SHIFT(n) XMIDGE_FIELD(n, 24, 5)
#define XMIDGE_WINDOW_FIRST(n) XMIDGE_FIELD(n, 0, 2)
#define XMIDGE_WINDOW_ROWS(n) XMIDGE_FIELD(n, 2, 3)
#define XMIDGE_WINDOW_TAPS(n) XMIDGE_FIELD(n, 8, 4)
#define XMIDGE_WINDOW_STRIDE(n) XMIDGE_FIELD(n, 12, 2)
#define XMIDGE_WINDOW_LANES(n) XMIDGE_FIELD(n, 16, 2)
#define XMIDGE_POSITION_SLOT(n) XMIDGE_FIELD(n, 0, 4)
#define XMIDGE_POSITION_PHASE(n) XMIDGE_FIELD(n, 4, 2)
#define XMIDGE_LOOP_START_ADDRESS(n) XMIDGE_FIELD(n, 2, 30)
#define XMIDGE_LOOP_END_ADDRESS(n) XMIDGE_FIELD(n, 2, 30)

#define XMIDGE_INLINE static inline __attribute__((always_inline))

/* rs2 of rqw. */
#define XMIDGE_WINDOWS(slot, count, first)                                                         \
    ((uint32_t)(slot) | (uint32_t)(count) << 8 | (uint32_t)(first) << 16)

#ifndef __riscv
#include "xmidge_host.h"
#else

/* Text for asm blocks. The parameters are strings: registers such as "%0" or "a0", numbers such as
 * "8". A block with a loop stands between BEGIN and END: aligned, instructions of 4 bytes. */
#define XMIDGE_ASM_BEGIN ".option push\n.balign 4\n.option norvc\n"
#define XMIDGE_ASM_END ".option pop\n"

#define XMIDGE_ASM_SET(code, rs1, rs2) ".insn r 0x0b, 0, " code ", x0, " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_GET(code, rd, rs2) ".insn r 0x0b, 1, " code ", " rd ", x0, " rs2 "\n"
#define XMIDGE_ASM_LDM(code, pointer, rs2)                                                         \
    ".insn r 0x0b, 2, " code ", " pointer ", " pointer ", " rs2 "\n"
#define XMIDGE_ASM_LDA(pointer) ".insn r 0x0b, 3, 0, " pointer ", " pointer ", x0\n"
#define XMIDGE_ASM_MAC(pointer) ".insn r 0x0b, 4, 0, " pointer ", " pointer ", x0\n"
#define XMIDGE_ASM_MACF(pointer) ".insn r 0x0b, 4, 1, " pointer ", " pointer ", x0\n"
#define XMIDGE_ASM_COL(group, pointer)                                                             \
    ".insn r 0x0b, 5, 0 + " group ", " pointer ", " pointer ", x0\n"
#define XMIDGE_ASM_COLA(group, pointer)                                                            \
    ".insn r 0x0b, 5, 8 + " group ", " pointer ", " pointer ", x0\n"
#define XMIDGE_ASM_COLV(group, rs1) ".insn r 0x0b, 5, 4 + " group ", x0, " rs1 ", x0\n"
#define XMIDGE_ASM_COLVA(group, rs1) ".insn r 0x0b, 5, 12 + " group ", x0, " rs1 ", x0\n"
#define XMIDGE_ASM_RQC(rs1, rs2) ".insn r 0x0b, 6, 0, x0, " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_RQW(rs1, rs2) ".insn r 0x0b, 6, 1, x0, " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_RQV(rd, rs1, rs2) ".insn r 0x0b, 6, 2, " rd ", " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_TABA(rs1, rs2) ".insn r 0x0b, 6, 3, x0, " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_TABB(rs1, rs2) ".insn r 0x0b, 6, 4, x0, " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_ADD(pointer, rs2) ".insn r 0x0b, 6, 5, " pointer ", " pointer ", " rs2 "\n"
#define XMIDGE_ASM_SUB(pointer, rs2) ".insn r 0x0b, 6, 6, " pointer ", " pointer ", " rs2 "\n"
#define XMIDGE_ASM_MAX4(rd, rs1, rs2) ".insn r 0x0b, 7, 0, " rd ", " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_MIN4(rd, rs1, rs2) ".insn r 0x0b, 7, 1, " rd ", " rs1 ", " rs2 "\n"
#define XMIDGE_ASM_LOOP(count, bytes) ".insn i 0x2b, 0, x0, " count ", " bytes "\n"

XMIDGE_INLINE void xmidge_set(uint32_t code, uint32_t value, uint32_t element) {
    __asm__ volatile(".insn r 0x0b, 0, %[code], x0, %z[rs1], %z[rs2]"
                     :
                     : [code] "i"(code), [rs1] "rJ"(value), [rs2] "rJ"(element));
}

XMIDGE_INLINE uint32_t xmidge_get(uint32_t code, uint32_t element) {
    uint32_t result;
    __asm__ volatile(".insn r 0x0b, 1, %[code], %[rd], x0, %z[rs2]"
                     : [rd] "=r"(result)
                     : [code] "i"(code), [rs2] "rJ"(element));
    return result;
}

XMIDGE_INLINE const void *xmidge_ldm(uint32_t code, const void *pointer, uint32_t first,
                                     uint32_t count) {
    __asm__ volatile(".insn r 0x0b, 2, %[code], %[pointer], %[pointer], %[rs2]"
                     : [pointer] "+r"(pointer)
                     : [code] "i"(code), [rs2] "r"(first | count << 16)
                     : "memory");
    return pointer;
}

XMIDGE_INLINE const void *xmidge_lda(const void *pointer) {
    __asm__ volatile(".insn r 0x0b, 3, 0, %[pointer], %[pointer], x0"
                     : [pointer] "+r"(pointer)
                     :
                     : "memory");
    return pointer;
}

XMIDGE_INLINE const void *xmidge_mac(const void *pointer) {
    __asm__ volatile(".insn r 0x0b, 4, 0, %[pointer], %[pointer], x0"
                     : [pointer] "+r"(pointer)
                     :
                     : "memory");
    return pointer;
}

XMIDGE_INLINE const void *xmidge_macf(const void *pointer) {
    __asm__ volatile(".insn r 0x0b, 4, 1, %[pointer], %[pointer], x0"
                     : [pointer] "+r"(pointer)
                     :
                     : "memory");
    return pointer;
}

XMIDGE_INLINE const void *xmidge_col(uint32_t group, const void *pointer) {
    __asm__ volatile(".insn r 0x0b, 5, %[funct7], %[pointer], %[pointer], x0"
                     : [pointer] "+r"(pointer)
                     : [funct7] "i"(0 + group)
                     : "memory");
    return pointer;
}

XMIDGE_INLINE const void *xmidge_cola(uint32_t group, const void *pointer) {
    __asm__ volatile(".insn r 0x0b, 5, %[funct7], %[pointer], %[pointer], x0"
                     : [pointer] "+r"(pointer)
                     : [funct7] "i"(8 + group)
                     : "memory");
    return pointer;
}

XMIDGE_INLINE void xmidge_colv(uint32_t group, uint32_t value) {
    __asm__ volatile(".insn r 0x0b, 5, %[funct7], x0, %z[rs1], x0"
                     :
                     : [funct7] "i"(4 + group), [rs1] "rJ"(value));
}

XMIDGE_INLINE void xmidge_colva(uint32_t group, uint32_t value) {
    __asm__ volatile(".insn r 0x0b, 5, %[funct7], x0, %z[rs1], x0"
                     :
                     : [funct7] "i"(12 + group), [rs1] "rJ"(value));
}

XMIDGE_INLINE void xmidge_rqc(void *output, uint32_t first) {
    __asm__ volatile(".insn r 0x0b, 6, 0, x0, %z[rs1], %z[rs2]"
                     :
                     : [rs1] "rJ"(output), [rs2] "rJ"(first)
                     : "memory");
}

XMIDGE_INLINE void xmidge_rqw(void *output, uint32_t windows) {
    __asm__ volatile(".insn r 0x0b, 6, 1, x0, %z[rs1], %z[rs2]"
                     :
                     : [rs1] "rJ"(output), [rs2] "rJ"(windows)
                     : "memory");
}

XMIDGE_INLINE int32_t xmidge_rqv(int32_t value, uint32_t parameter) {
    int32_t result;
    __asm__ volatile(".insn r 0x0b, 6, 2, %[rd], %z[rs1], %z[rs2]"
                     : [rd] "=r"(result)
                     : [rs1] "rJ"(value), [rs2] "rJ"(parameter));
    return result;
}

XMIDGE_INLINE void xmidge_taba(int32_t zero_point, uint32_t parameter) {
    __asm__ volatile(".insn r 0x0b, 6, 3, x0, %z[rs1], %z[rs2]"
                     :
                     : [rs1] "rJ"(zero_point), [rs2] "rJ"(parameter));
}

XMIDGE_INLINE void xmidge_tabb(int32_t zero_point, uint32_t parameter) {
    __asm__ volatile(".insn r 0x0b, 6, 4, x0, %z[rs1], %z[rs2]"
                     :
                     : [rs1] "rJ"(zero_point), [rs2] "rJ"(parameter));
}

XMIDGE_INLINE const void *xmidge_add(const void *pointer, uint32_t parameter) {
    __asm__ volatile(".insn r 0x0b, 6, 5, %[pointer], %[pointer], %z[rs2]"
                     : [pointer] "+r"(pointer)
                     : [rs2] "rJ"(parameter)
                     : "memory");
    return pointer;
}

XMIDGE_INLINE const void *xmidge_sub(const void *pointer, uint32_t parameter) {
    __asm__ volatile(".insn r 0x0b, 6, 6, %[pointer], %[pointer], %z[rs2]"
                     : [pointer] "+r"(pointer)
                     : [rs2] "rJ"(parameter)
                     : "memory");
    return pointer;
}

XMIDGE_INLINE uint32_t xmidge_max4(uint32_t a, uint32_t b) {
    uint32_t result;
    __asm__(".insn r 0x0b, 7, 0, %[rd], %z[rs1], %z[rs2]"
            : [rd] "=r"(result)
            : [rs1] "rJ"(a), [rs2] "rJ"(b));
    return result;
}

XMIDGE_INLINE uint32_t xmidge_min4(uint32_t a, uint32_t b) {
    uint32_t result;
    __asm__(".insn r 0x0b, 7, 1, %[rd], %z[rs1], %z[rs2]"
            : [rd] "=r"(result)
            : [rs1] "rJ"(a), [rs2] "rJ"(b));
    return result;
}

#endif /* __riscv */
#endif
