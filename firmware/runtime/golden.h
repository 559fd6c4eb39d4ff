/* Golden inputs from a seed. sdk/smidgen/golden.py is the same function. */
#ifndef SMIDGEN_GOLDEN_H
#define SMIDGEN_GOLDEN_H

#include "smidgen_model.h"

/* Writes the golden inputs of this seed to the model's input buffers in the arena. */
void smidgen_golden_fill(const smidgen_model *model, uint8_t *arena, uint32_t seed);

#endif
