/* The text commands of MLPerf Tiny (docs/mlperf.md), beside SMP on the same line. */
#ifndef SMIDGEN_MLPERF_H
#define SMIDGEN_MLPERF_H

#include <stdint.h>

/* What a board says when it has started. */
void mlperf_greet(void);

/* Takes one byte that belongs to no SMP frame, and carries out the command that it completes. */
void mlperf_take(uint8_t byte);

/* Drops what there is of a command: an SMP frame begins. */
void mlperf_drop(void);

/* The input and the outputs of the text commands are gone: SMP takes their memory. */
void mlperf_forget(void);

#endif
