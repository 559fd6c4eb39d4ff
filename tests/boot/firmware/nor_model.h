/* NOR flash as it is when the power fails: flash.h over an array, with an end at a chosen
 * operation. */
#ifndef NOR_MODEL_H
#define NOR_MODEL_H

#include <setjmp.h>
#include <stdint.h>

enum { NOR_BYTES = 1 << 14 };

/* What an operation that the power cut reached leaves. Erasing a block clears its bits first on
 * many chips, so in between a bit may be anything. */
typedef enum {
    CUT_BEFORE,
    CUT_HALF,    /* the first half of the bytes done */
    CUT_BITS,    /* each bit done or not, at random */
    CUT_LOWEST,  /* the lowest bit done: of each byte, of an erase in bytes that were zero */
    CUT_CLEARED, /* erase: all bits zero; program: the highest bit of each byte done */
    CUT_NOISE,   /* erase: each bit anything; program: all but one bit done */
    CUT_AFTER,
    CUT_KINDS,
} nor_cut_kind;

extern uint8_t nor_bytes[NOR_BYTES];
extern uint32_t nor_operations; /* since it was last set to 0: units programmed and blocks erased */
extern uint32_t nor_erases;     /* of them erases */
extern jmp_buf nor_power;       /* where the power comes back */

/* The power fails at operation `at` (counted from 1; 0: never) of those to come. */
void nor_cut_at(uint32_t at, nor_cut_kind kind);

#endif
