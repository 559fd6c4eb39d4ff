/* Runs the model: timed, with a profile, with checksums, against a known answer. */
#ifndef SMIDGEN_MEASURE_H
#define SMIDGEN_MEASURE_H

#include <stdbool.h>

#include "board.h"
#include "smidgen_model.h"

typedef struct {
    uint64_t cycles;
    uint64_t instructions;
} measure_count;

/* A tensor's checksum, and the layer that wrote it. */
typedef struct {
    uint32_t layer;
    uint32_t crc;
} measure_checksum;

/* The first tensor that differs from a golden answer. */
typedef struct {
    uint32_t checked; /* tensors compared */
    bool passed;
    uint32_t layer;
    uint32_t expected;
    uint32_t actual;
} measure_selftest;

/* From call to return of the model function, hooks off. `*stack`: the bytes that it took of the
 * stack. */
measure_count measure_run(const smidgen_model *model, void *arena, uint32_t *stack);

/* The same with a hook around every layer: rows[i] is what layer i took, without the hook's own
 * cost, which is `*cost` for each layer. rows has model->layer_count entries. */
measure_count measure_profile(const smidgen_model *model, void *arena, measure_count *rows,
                              measure_count *cost);

/* Checksums of every tensor that the run materializes, in order. Returns how many there are; only
 * the first `capacity` are stored. */
uint32_t measure_checksums(const smidgen_model *model, void *arena, measure_checksum *rows,
                           uint32_t capacity);

/* Resets the model, runs it on golden inputs and compares each tensor as soon as it is written. */
measure_selftest measure_golden(const smidgen_model *model, void *arena,
                                const smidgen_golden *golden);

/* Fills what is unused of the stack with a pattern, so that measure_stack_depth can see what was
 * used since: the bytes between the stack's end and the lowest byte that was written. 0 when the
 * board cannot tell. */
void measure_paint_stack(void);
uint32_t measure_stack_depth(void);

/* The same for any memory: fills it, and returns the bytes from start to the last one that was
 * written. */
void measure_paint(uint8_t *start, uint8_t *end);
uint32_t measure_painted_depth(const uint8_t *start, const uint8_t *end);

#endif
