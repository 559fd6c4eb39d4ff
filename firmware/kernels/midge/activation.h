/* Functions of one int8 value on Xmidge. */
#ifndef SMIDGEN_KERNELS_MIDGE_ACTIVATION_H
#define SMIDGEN_KERNELS_MIDGE_ACTIVATION_H

#include "words.h"
#include "xmidge.h"

struct smidgen_midge_clamp_shape {
    int32_t elements, activation_min, activation_max;
};

/* Tensors on a word; up to three bytes after x are read. */
static inline void smidgen_midge_clamp(const struct smidgen_midge_clamp_shape *shape,
                                       const int8_t *x, int8_t *y) {
    const uint32_t low = smidgen_midge_bytes(shape->activation_min);
    const uint32_t high = smidgen_midge_bytes(shape->activation_max);
    for (int32_t left = shape->elements; left > 0; left -= 4, x += 4, y += 4)
        smidgen_midge_store_first(y, xmidge_min4(xmidge_max4(smidgen_midge_load(x), low), high),
                                  left < 4 ? left : 4);
}

#endif
