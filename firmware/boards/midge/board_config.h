#ifndef SMIDGEN_BOARD_CONFIG_H
#define SMIDGEN_BOARD_CONFIG_H

#define BOARD_NAME "midge"

#define MIDGE_UART_DATA (*(volatile uint32_t *)0x20000000u)
#define MIDGE_UART_STATUS (*(volatile uint32_t *)0x20000004u)

/* Of the neural engine, in systems that have one. */
#define BOARD_NPU_ADDRESS 0x30000000u

enum { MIDGE_UART_RECEIVED = 1, MIDGE_UART_CAN_SEND = 2 };

static ALWAYS_INLINE bool board_has_cycles(void) {
    return true;
}

static ALWAYS_INLINE bool board_has_instructions(void) {
    return true;
}

static ALWAYS_INLINE bool board_has_byte(void) {
    return (MIDGE_UART_STATUS & MIDGE_UART_RECEIVED) != 0;
}

static ALWAYS_INLINE uint32_t board_read(void) {
    return MIDGE_UART_DATA;
}

static ALWAYS_INLINE void board_write(uint8_t byte) {
    while ((MIDGE_UART_STATUS & MIDGE_UART_CAN_SEND) == 0) {
    }
    MIDGE_UART_DATA = byte;
}

static ALWAYS_INLINE uint8_t *board_stack_pointer(void) {
    uint8_t *pointer;
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
    return pointer;
}

#endif
