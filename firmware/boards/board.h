/* What the agent needs from a board. Each board has a folder with
 *   board_config.h  BOARD_NAME and the functions below that are static inline, because they are
 * called for every byte or cost nothing; board.c the rest. A board runs the agent with interrupts
 * masked: nothing disturbs a measurement. */
#ifndef SMIDGEN_BOARD_H
#define SMIDGEN_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "inline.h"

/* Memory from start up to but not including end; empty when the board cannot tell. */
typedef struct {
    uint8_t *start;
    uint8_t *end;
} board_region;

void board_init(void);

/* Whether a received byte waits; and that byte, to be called only then. */
static ALWAYS_INLINE bool board_has_byte(void);
static ALWAYS_INLINE uint32_t board_read(void);
/* Waits until the transmitter takes the byte. */
static ALWAYS_INLINE void board_write(uint8_t byte);
/* Sleeps until a byte may have arrived. */
void board_wait(void);
/* Makes sure that what was written leaves. */
void board_flush(void);

/* Whether there are counters, found out by board_init; and counts since boot, 0 for ever where
 * there are none. */
static ALWAYS_INLINE bool board_has_cycles(void);
static ALWAYS_INLINE bool board_has_instructions(void);
uint64_t board_cycles(void);
uint64_t board_instructions(void);
/* Clock in Hz, 0 when unknown. */
uint32_t board_clock_hz(void);
/* The time since a clock started; 0 for ever where there is none. */
uint64_t board_microseconds(void);

/* All RAM that is free for the arena and the agent's tables; start is a multiple of 16. */
board_region board_free_ram(void);
/* The stack: it grows down from end to start; and its lowest byte in use, NULL when the board
 * cannot tell. */
board_region board_stack(void);
static ALWAYS_INLINE uint8_t *board_stack_pointer(void);
/* Bytes of the image in flash, and of RAM that it reserves (stack, data, arena). 0 when unknown. */
uint32_t board_flash_bytes(void);
uint32_t board_ram_bytes(void);

/* Start again from the reset vector. */
void board_reset(void) __attribute__((noreturn));
/* Stop with this exit code where the board can (a simulator), otherwise start again. */
void board_exit(uint32_t code) __attribute__((noreturn));

#include "board_config.h"

#endif
