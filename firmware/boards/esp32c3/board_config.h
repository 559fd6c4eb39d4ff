#ifndef SMIDGEN_BOARD_CONFIG_H
#define SMIDGEN_BOARD_CONFIG_H

#include "board_target.h" /* BOARD_NAME, BOARD_CLOCK_HZ, BOARD_SETUP, BOARD_UART_*: from the target file */

#include BOARD_UART_DRIVER

static ALWAYS_INLINE bool board_has_cycles(void) {
    return true;
}

static ALWAYS_INLINE bool board_has_instructions(void) {
    return false;
}

static ALWAYS_INLINE bool board_has_byte(void) {
    return uart_has_byte();
}

static ALWAYS_INLINE uint32_t board_read(void) {
    return uart_read();
}

static ALWAYS_INLINE void board_write(uint8_t byte) {
    uart_write(byte);
}

static ALWAYS_INLINE uint8_t *board_stack_pointer(void) {
    uint8_t *pointer;
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
    return pointer;
}

#endif
