#ifndef SMIDGEN_BOARD_CONFIG_H
#define SMIDGEN_BOARD_CONFIG_H

#define BOARD_NAME "host"

bool host_has_byte(void);
uint8_t host_read(void);
void host_write(uint8_t byte);

static ALWAYS_INLINE bool board_has_cycles(void) {
    return false;
}

static ALWAYS_INLINE bool board_has_instructions(void) {
    return false;
}

static ALWAYS_INLINE bool board_has_byte(void) {
    return host_has_byte();
}

static ALWAYS_INLINE uint32_t board_read(void) {
    return host_read();
}

static ALWAYS_INLINE void board_write(uint8_t byte) {
    host_write(byte);
}

static ALWAYS_INLINE uint8_t *board_stack_pointer(void) {
    return 0;
}

#endif
