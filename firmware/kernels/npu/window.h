/* Layers with windows on the neural engine: convolution, depthwise, fully connected, pooling; and
 * several nodes in one list. */
#ifndef SMIDGEN_KERNELS_NPU_WINDOW_H
#define SMIDGEN_KERNELS_NPU_WINDOW_H

#include "engine.h"

/* With weights. */
static inline void smidgen_npu_layer(const struct smidgen_npu_shape *shape, const int8_t *x,
                                     const uint32_t *list, const uint32_t *weights, int8_t *y) {
    smidgen_npu_run(shape, list, x, x, weights, y);
}

/* Several nodes that read two tensors from memory. */
static inline void smidgen_npu_joined(const struct smidgen_npu_shape *shape, const int8_t *a,
                                      const int8_t *b, const uint32_t *list,
                                      const uint32_t *weights, int8_t *y) {
    smidgen_npu_run(shape, list, a, b, weights, y);
}

/* Without. */
static inline void smidgen_npu_window(const struct smidgen_npu_shape *shape, const int8_t *x,
                                      const uint32_t *list, int8_t *y) {
    smidgen_npu_run(shape, list, x, x, x, y);
}

#endif
