#include "flash_file.h"

#include "semihosting.h"

enum { ERASED = 0xff, PIECE = 256, LONGEST_NAME = 1024 };

static int32_t file;

bool flash_open(void) {
    static char name[LONGEST_NAME];
    uintptr_t line[] = {(uintptr_t)name, sizeof name};
    if (semihosting_call(SEMIHOSTING_COMMAND_LINE, (uintptr_t)line) != 0) {
        return false;
    }
    uintptr_t open[] = {(uintptr_t)name, SEMIHOSTING_UPDATE, line[1]};
    file = semihosting_call(SEMIHOSTING_OPEN, (uintptr_t)open);
    return file > 0;
}

/* Reads and writes answer with the number of bytes that are left. */
static bool transfer(uint32_t service, uint32_t offset, const uint8_t *data, uint32_t count) {
    uintptr_t seek[] = {(uintptr_t)file, offset};
    uintptr_t move[] = {(uintptr_t)file, (uintptr_t)data, count};
    return semihosting_call(SEMIHOSTING_SEEK, (uintptr_t)seek) == 0 &&
           semihosting_call(service, (uintptr_t)move) == 0;
}

bool flash_read(uint32_t offset, uint8_t *data, uint32_t count) {
    return transfer(SEMIHOSTING_READ, offset, data, count);
}

bool flash_program(uint32_t offset, const uint8_t *data, uint32_t count) {
    uint8_t cells[PIECE];
    if (count > sizeof cells || !flash_read(offset, cells, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; ++i) {
        cells[i] &= data[i];
    }
    return transfer(SEMIHOSTING_WRITE, offset, cells, count);
}

bool flash_erase(uint32_t offset, uint32_t count) {
    uint8_t cells[PIECE];
    for (uint32_t i = 0; i < sizeof cells; ++i) {
        cells[i] = ERASED;
    }
    for (uint32_t done = 0; done < count; done += sizeof cells) {
        if (!transfer(SEMIHOSTING_WRITE, offset + done, cells, sizeof cells)) {
            return false;
        }
    }
    return true;
}

void flash_exit(bool done) {
    semihosting_call(SEMIHOSTING_EXIT, done ? SEMIHOSTING_APPLICATION : SEMIHOSTING_ERROR);
    for (;;) {
    }
}
