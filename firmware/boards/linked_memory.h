/* Symbols that the linker scripts of all boards define. */
#ifndef SMIDGEN_LINKED_MEMORY_H
#define SMIDGEN_LINKED_MEMORY_H

#include <stdint.h>

extern uint8_t __stack_start[], __stack_end[], __arena_start[], __ram_end[];

#endif
