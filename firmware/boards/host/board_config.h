#ifndef SMIDGEN_BOARD_CONFIG_H
#define SMIDGEN_BOARD_CONFIG_H

#define BOARD_NAME "host"
#define BOARD_HAS_CYCLES 0
#define BOARD_HAS_INSTRUCTIONS 0

int host_read(void);
void host_write(uint8_t byte);

static inline int board_read(void) {
    return host_read();
}
static inline void board_write(uint8_t byte) {
    host_write(byte);
}

#endif
