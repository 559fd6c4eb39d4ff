/* NOR flash, which a board with slots for images has: read like memory, programmed by clearing
 * bits, erased to all ones by the block. Each board (and the model of it in tests/boot) defines
 * these. */
#ifndef SMIDGEN_FLASH_H
#define SMIDGEN_FLASH_H

#include <stdbool.h>
#include <stdint.h>

/* Addresses and lengths of what is programmed are multiples of this. */
enum { FLASH_UNIT_BYTES = 8 };

const uint8_t *flash_at(uint32_t address);

/* Where the program that runs at this address lies in flash: there, or, where it was copied to run,
 * what it is a copy of. */
uintptr_t flash_holds(uintptr_t program);

/* Clears the bits that are 0 in `data`. Returns whether the flash then holds `data`. */
bool flash_program(uint32_t address, const uint8_t *data, uint32_t length);

/* Sets all bits of the block that starts at `address`. Returns whether they are set. */
bool flash_erase(uint32_t address);

#endif
