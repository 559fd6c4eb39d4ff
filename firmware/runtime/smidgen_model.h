/* Describes one compiled model to whoever runs it: the agent, a test, a user's own firmware.
 *
 * The emitter writes `const smidgen_model NAME_descriptor` into model_agent.c. All offsets count
 * from the start of the one arena that the caller supplies, which is aligned to
 * SMIDGEN_ARENA_ALIGNMENT bytes. */
#ifndef SMIDGEN_MODEL_H
#define SMIDGEN_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SMIDGEN_ARENA_ALIGNMENT 16

/* Element types, numbered as in the Python enumeration DType. */
enum { SMIDGEN_F32 = 0, SMIDGEN_I8 = 1, SMIDGEN_I16 = 2, SMIDGEN_I32 = 3, SMIDGEN_BOOL = 6 };

/* What a hook is told. END carries the layer's first output; a layer that writes several tensors is
 * followed by one OUTPUT for each further one. BEGIN carries NULL and 0. */
enum { SMIDGEN_LAYER_BEGIN = 0, SMIDGEN_LAYER_END = 1, SMIDGEN_LAYER_OUTPUT = 2 };

/* Called around every kernel call. `output` points at the tensor that was just written, `bytes`
 * long. */
typedef void (*smidgen_hook)(void *context, uint32_t layer, uint32_t event, const void *output,
                             uint32_t bytes);

/* An input or output. scale is 0 when the tensor is not quantized per tensor; dims has rank
 * entries. */
typedef struct {
    const char *name;
    uint32_t offset;
    uint32_t bytes;
    uint8_t dtype;
    uint8_t rank;
    const uint32_t *dims;
    float scale;
    int32_t zero_point;
} smidgen_tensor;

/* One kernel call: its name in the report (KernelCall.id) and its operator type
 * (KernelCall.type_name). */
typedef struct {
    const char *name;
    const char *type;
} smidgen_layer;

/* A known answer. The inputs are generated from `seed` (smidgen_golden_fill and
 * sdk/smidgen/golden.py are the same function); checksums[i] is the CRC-32 (zlib's) of the tensor
 * of the i-th END or OUTPUT event of one run after a reset. */
typedef struct {
    uint32_t seed;
    uint32_t checksum_count;
    const uint32_t *checksums;
} smidgen_golden;

typedef struct {
    const char *name;
    const char *version;
    uint32_t arena_bytes;
    uint16_t input_count;
    uint16_t output_count;
    uint16_t layer_count;
    uint16_t golden_count;
    const smidgen_tensor *inputs;
    const smidgen_tensor *outputs;
    const smidgen_layer *layers;
    const smidgen_golden *golden;
    void (*reset)(void *arena);
    void (*run)(void *arena);
    void (*run_hooked)(void *arena, smidgen_hook hook, void *context);
    const volatile uint32_t *layer; /* the one that runs, counted from 1; 0: none */
} smidgen_model;

#ifdef __cplusplus
}
#endif

#endif
