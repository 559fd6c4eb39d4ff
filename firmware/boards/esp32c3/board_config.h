#ifndef SMIDGEN_BOARD_CONFIG_H
#define SMIDGEN_BOARD_CONFIG_H

#include "target_uart.h"

static ALWAYS_INLINE bool board_has_cycles(void) {
    return true;
}

static ALWAYS_INLINE bool board_has_instructions(void) {
    return false;
}

static ALWAYS_INLINE uint8_t *board_stack_pointer(void) {
    uint8_t *pointer;
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
    return pointer;
}

#endif
