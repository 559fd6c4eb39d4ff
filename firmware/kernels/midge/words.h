/* Four int8 values in a word. */
#ifndef SMIDGEN_KERNELS_MIDGE_WORDS_H
#define SMIDGEN_KERNELS_MIDGE_WORDS_H

#include "../portable/common.h"

/* Four times the same value. */
SMIDGEN_INLINE uint32_t smidgen_midge_bytes(int32_t value) {
    return 0x01010101u * (uint8_t)value;
}

SMIDGEN_INLINE uint32_t smidgen_midge_load(const int8_t *at) {
    uint32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(at, 4), sizeof word);
    return word;
}

SMIDGEN_INLINE void smidgen_midge_store(int8_t *at, uint32_t word) {
    __builtin_memcpy(__builtin_assume_aligned(at, 4), &word, sizeof word);
}

/* The `count` lowest bytes. */
SMIDGEN_INLINE void smidgen_midge_store_first(int8_t *at, uint32_t word, int32_t count) {
    for (; count > 0; count--, word >>= 8)
        *at++ = (int8_t)word;
}

#endif
