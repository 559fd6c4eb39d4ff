/* Where things lie in memory, for boards whose linker script says so. */
#include "linked_memory.h"

#include "board.h"

extern uint8_t __flash_bytes[], __ram_bytes[]; /* sizes: their addresses are the values */

board_region board_free_ram(void) {
    return (board_region){__arena_start, __ram_end};
}

board_region board_stack(void) {
    return (board_region){__stack_start, __stack_end};
}

uint32_t board_flash_bytes(void) {
    return (uint32_t)(uintptr_t)__flash_bytes;
}

uint32_t board_ram_bytes(void) {
    return (uint32_t)(uintptr_t)__ram_bytes;
}
