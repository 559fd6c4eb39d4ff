/* Functions of one int8 value on Xmidge. */
#ifndef SMIDGEN_KERNELS_MIDGE_ACTIVATION_H
#define SMIDGEN_KERNELS_MIDGE_ACTIVATION_H

#include "words.h"
#include "xmidge.h"

struct smidgen_midge_clamp_shape {
    int32_t elements, activation_min, activation_max;
};

/* Tensors on a word; up to four bytes after x are read. */
static inline void smidgen_midge_clamp(const struct smidgen_midge_clamp_shape *shape,
                                       const int8_t *x, int8_t *y) {
    const uint32_t low = smidgen_midge_bytes(shape->activation_min);
    const uint32_t high = smidgen_midge_bytes(shape->activation_max);
    const int8_t *const end = x + (shape->elements & ~3);
    for (; x != end; x += 4, y += 4)
        smidgen_midge_store(y, xmidge_min4(xmidge_max4(smidgen_midge_load(x), low), high));
    smidgen_midge_store_first(y, xmidge_min4(xmidge_max4(smidgen_midge_load(x), low), high),
                              shape->elements & 3);
}

#endif
