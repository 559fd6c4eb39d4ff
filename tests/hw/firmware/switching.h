/* Two programs that take turns, and what a file that defines them has to offer. */
#ifndef SWITCHING_H
#define SWITCHING_H

#include <stdint.h>

#define VARIANTS 6

uint32_t next_random(void);
uint32_t checksum(const int8_t *bytes, uint32_t count);

/* Called once, before either program runs. */
void prepare(void);

/* Runs program 0 or 1 on the inputs of a variant; the checksum of its outputs. */
uint32_t compute(uint32_t program, uint32_t variant);

#endif
