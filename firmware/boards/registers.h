/* Memory-mapped registers, and what BOARD_SETUP of a generated board_target.h consists of. */
#ifndef SMIDGEN_REGISTERS_H
#define SMIDGEN_REGISTERS_H

#include <stdint.h>

#include "inline.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

static ALWAYS_INLINE void register_change(uint32_t address, uint32_t clear, uint32_t set) {
    REGISTER(address) = (REGISTER(address) & ~clear) | set;
}

static ALWAYS_INLINE void register_write(uint32_t address, uint32_t value) {
    REGISTER(address) = value;
}

/* Until the bits of the mask are as in `value`. */
static ALWAYS_INLINE void register_wait(uint32_t address, uint32_t mask, uint32_t value) {
    while ((REGISTER(address) & mask) != value) {
    }
}

#endif
