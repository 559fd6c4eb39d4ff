/* Program memory that is NOR flash, and its controller (hw/soc/flash_controller.sv). While an
 * operation goes on, the core waits for its next instruction from there. */
#include "board_update.h"
#include "flash.h"
#include "mem.h"
#include "update_layout.h"

#define FLASH_ADDRESS (*(volatile uint32_t *)0x20030000u)
#define FLASH_DATA (*(volatile uint32_t *)0x20030004u)
#define FLASH_COMMAND (*(volatile uint32_t *)0x20030008u)

enum {
    COMMAND_PROGRAM = 0x50524f47,
    COMMAND_ERASE = 0x45524153,
    STATUS_BUSY = 1,
    BUFFER_BYTES = 256,
};

const uint8_t *flash_at(uint32_t address) {
    return (const uint8_t *)address;
}

uintptr_t flash_holds(uintptr_t program) {
    return program;
}

static void operate(uint32_t command) {
    FLASH_COMMAND = command;
    while ((FLASH_COMMAND & STATUS_BUSY) != 0) {
    }
}

bool flash_program(uint32_t address, const uint8_t *data, uint32_t length) {
    for (uint32_t done = 0; done < length;) {
        FLASH_ADDRESS = address + done;
        do {
            const uint8_t *at = data + done;
            FLASH_DATA =
                (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
            done += 4;
        } while (done < length && (address + done) % BUFFER_BYTES != 0);
        operate(COMMAND_PROGRAM);
    }
    return memcmp(flash_at(address), data, length) == 0;
}

bool flash_erase(uint32_t address) {
    bool erased = true;
    FLASH_ADDRESS = address;
    operate(COMMAND_ERASE);
    for (uint32_t i = 0; i < UPDATE_BLOCK_BYTES; i += 4) {
        erased = erased && *(const volatile uint32_t *)(address + i) == 0xffffffffu;
    }
    return erased;
}

void board_start_image(const image_info *image) {
    ((void (*)(void))(image->address + image->header_bytes))();
    __builtin_unreachable();
}
