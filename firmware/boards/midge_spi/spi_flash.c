/* The SPI flash chip, behind its controller (hw/soc/spi_flash.sv), and program memory, which images
 * are copied to (hw/soc/program_loader.sv). Commands are those of nearly every such chip. */
#include "board.h"
#include "board_update.h"
#include "flash.h"
#include "mem.h"
#include "update_layout.h"

#define SPI_DATA (*(volatile uint32_t *)0x20030000u)
#define SPI_SELECT (*(volatile uint32_t *)0x20030004u)
#define LOADER_ADDRESS (*(volatile uint32_t *)0x20030008u)
#define LOADER_WORD (*(volatile uint32_t *)0x2003000cu)

enum {
    CONTROLLER_BUSY = 2, /* of SPI_SELECT */

    COMMAND_PROGRAM = 0x02,
    COMMAND_STATUS = 0x05,
    COMMAND_WRITE_ENABLE = 0x06,
    COMMAND_ERASE = 0x20,
    CHIP_BUSY = 1, /* of its status */
    PAGE_BYTES = 256,

    HEADER_ADDRESS = 4, /* where an image's header says where it lies */
};

static void await_controller(void) {
    while ((SPI_SELECT & CONTROLLER_BUSY) != 0) {
    }
}

static uint8_t exchange(uint8_t byte) {
    SPI_DATA = byte;
    await_controller();
    return (uint8_t)SPI_DATA;
}

static void begin(uint8_t command) {
    SPI_SELECT = 1;
    await_controller();
    exchange(command);
}

static void end(void) {
    SPI_SELECT = 0;
    await_controller();
}

static void await_chip(void) {
    begin(COMMAND_STATUS);
    while ((exchange(0) & CHIP_BUSY) != 0) {
    }
    end();
}

/* Its address goes with its low 24 bits, which count in the chip. */
static void begin_change(uint8_t command, uint32_t address) {
    await_chip();
    begin(COMMAND_WRITE_ENABLE);
    end();
    begin(command);
    exchange((uint8_t)(address >> 16));
    exchange((uint8_t)(address >> 8));
    exchange((uint8_t)address);
}

static void end_change(void) {
    end();
    await_chip();
}

/* After a reset in the middle of an operation the chip is still busy with it. */
const uint8_t *flash_at(uint32_t address) {
    await_chip();
    return (const uint8_t *)address;
}

uintptr_t flash_holds(uintptr_t program) {
    return program < UPDATE_LOADED ? program : *(const uint32_t *)(UPDATE_LOADED + HEADER_ADDRESS);
}

bool flash_program(uint32_t address, const uint8_t *data, uint32_t length) {
    for (uint32_t done = 0; done < length;) {
        begin_change(COMMAND_PROGRAM, address + done);
        do {
            exchange(data[done++]);
        } while (done < length && (address + done) % PAGE_BYTES != 0);
        end_change();
    }
    return memcmp((const uint8_t *)address, data, length) == 0;
}

bool flash_erase(uint32_t address) {
    bool erased = true;
    begin_change(COMMAND_ERASE, address);
    end_change();
    for (uint32_t i = 0; i < UPDATE_BLOCK_BYTES; i += 4) {
        erased = erased && *(const volatile uint32_t *)(address + i) == 0xffffffffu;
    }
    return erased;
}

/* The image was whole when its hash was taken; the copy is read from the chip once more, so it is
 * compared with a third reading. */
void board_start_image(const image_info *image) {
    const volatile uint32_t *from = (const volatile uint32_t *)image->address;
    LOADER_ADDRESS = UPDATE_LOADED;
    for (uint32_t i = 0; i < image->hashed_bytes; i += 4) {
        LOADER_WORD = *from++;
    }
    if (memcmp((const uint8_t *)UPDATE_LOADED, flash_at(image->address), image->hashed_bytes) !=
        0) {
        board_reset();
    }
    ((void (*)(void))(UPDATE_LOADED + image->header_bytes))();
    __builtin_unreachable();
}
