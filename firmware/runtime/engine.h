/* What the neural engine recorded of the lists that it did in a run (docs/npu.md). */
#ifndef SMIDGEN_ENGINE_H
#define SMIDGEN_ENGINE_H

#include "smidgen_model.h"

/* Whether the firmware is for a system that has the engine. Where it is not, engine.c is not there
 * either. */
#ifdef SMIDGEN_NPU
enum { ENGINE_PRESENT = 1 };
#else
enum { ENGINE_PRESENT = 0 };
#endif

enum { ENGINE_ROW_VALUES = 6 };

/* Of a list: layer, descriptors, cycles, bytes read, bytes written, and how many rows of
 * descriptors follow, which are the last of the list. Of a descriptor: cycles, array, waited,
 * starved, port, bytes. */
typedef struct {
    uint32_t values[ENGINE_ROW_VALUES];
} engine_row;

/* Runs the model and reads the engine's registers after each layer that runs a list. Returns how
 * many rows there are; `capacity` of them are stored, from row `skip` on. */
#ifdef SMIDGEN_NPU
uint32_t engine_records(const smidgen_model *model, void *arena, engine_row *rows,
                        uint32_t capacity, uint32_t skip);
#else
static inline uint32_t engine_records(const smidgen_model *model, void *arena, engine_row *rows,
                                      uint32_t capacity, uint32_t skip) {
    (void)model, (void)arena, (void)rows, (void)capacity, (void)skip;
    return 0; /* not called, but without optimization it would have to be there */
}
#endif

#endif
