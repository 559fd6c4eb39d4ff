/* The flash of an emulated chip: a file of the host, so that it outlives the emulator. */
#ifndef SMIDGEN_FLASH_FILE_H
#define SMIDGEN_FLASH_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* Opens the file that the emulator's command line names. */
bool flash_open(void);
bool flash_read(uint32_t offset, uint8_t *data, uint32_t count);
/* Programming clears bits and never sets any. At most 256 bytes. */
bool flash_program(uint32_t offset, const uint8_t *data, uint32_t count);
bool flash_erase(uint32_t offset, uint32_t count);
/* Ends the emulation. */
void flash_exit(bool done) __attribute__((noreturn));

#endif
