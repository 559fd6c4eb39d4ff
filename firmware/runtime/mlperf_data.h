/* What MLPerf Tiny's text commands load into the model and read out of it.
 *
 * MLPerf Tiny's data sets say how the input arrives: `ic01` and `vww01` as unsigned pixels, 128
 * more than the model's bytes; `ad01` as floats, which the board quantizes, and the result is the
 * mean square error of what the model makes of them; everything else as it lies in the arena. */
#ifndef SMIDGEN_MLPERF_DATA_H
#define SMIDGEN_MLPERF_DATA_H

#include <stdbool.h>
#include <stdint.h>

/* `expected` bytes of input are due, 0: none; the first `received` of them are here. */
typedef struct {
    uint32_t expected;
    uint32_t received;
} mlperf_input;

extern mlperf_input mlperf_present;

/* How many bytes the model's input arrives in; 0: there is no memory to keep them. */
uint32_t mlperf_input_bytes(void);
/* Begins an input of that size, and ends what SMP has of one. */
void mlperf_input_open(void);
/* Takes the next bytes; as many are due. */
void mlperf_input_add(const uint8_t *bytes, uint32_t count);
/* One of the bytes that were received, as it came. */
uint8_t mlperf_input_byte(uint32_t offset);

/* Runs the model on the input that is here, each time anew. */
void mlperf_infer(uint32_t times);

/* Prints all outputs, dequantized, with commas between them. */
void mlperf_print_outputs(void);

#endif
