#include "nor_model.h"

#include <string.h>

#include "flash.h"
#include "update_layout.h"

uint8_t nor_bytes[NOR_BYTES];
uint32_t nor_operations;
uint32_t nor_erases;
jmp_buf nor_power;

static uint32_t cut_at;
static nor_cut_kind cut_kind;
static uint32_t noise_state;

void nor_cut_at(uint32_t at, nor_cut_kind kind) {
    nor_operations = nor_erases = 0;
    cut_at = at;
    cut_kind = kind;
    noise_state = 2463534242u ^ at << 8; /* the same cut leaves the same bits */
}

/* xorshift32 (Marsaglia 2003). */
static uint32_t noise(void) {
    noise_state ^= noise_state << 13;
    noise_state ^= noise_state >> 17;
    noise_state ^= noise_state << 5;
    return noise_state;
}

static uint8_t torn(uint8_t before, uint8_t after, uint32_t i, uint32_t length, bool erase) {
    uint8_t changed = before ^ after;
    switch (cut_kind) {
    case CUT_HALF:
        return i < length / 2 ? after : before;
    case CUT_BITS:
        return (uint8_t)(before ^ (changed & noise()));
    case CUT_LOWEST:
        return erase ? (uint8_t)(before | (before == 0)) : (uint8_t)(before ^ (changed & 1));
    case CUT_CLEARED:
        return erase ? 0 : (uint8_t)(before ^ (changed & 0x80));
    case CUT_NOISE:
        return erase ? (uint8_t)noise() : i == 0 ? (uint8_t)(after | (changed & -changed)) : after;
    case CUT_AFTER:
        return after;
    default:
        return before;
    }
}

static void operate(uint32_t address, const uint8_t *after, uint32_t length, bool erase) {
    uint8_t *at = nor_bytes + address;
    bool cut = ++nor_operations == cut_at;
    nor_erases += erase;
    for (uint32_t i = 0; i < length; ++i) {
        uint8_t result = erase ? 0xff : (uint8_t)(at[i] & after[i]);
        at[i] = cut ? torn(at[i], result, i, length, erase) : result;
    }
    if (cut) {
        longjmp(nor_power, 1);
    }
}

static void check(bool holds) {
    if (!holds) {
        __builtin_trap(); /* the firmware asks for what no chip does */
    }
}

const uint8_t *flash_at(uint32_t address) {
    check(address < NOR_BYTES);
    return nor_bytes + address;
}

uintptr_t flash_holds(uintptr_t program) {
    return program;
}

bool flash_program(uint32_t address, const uint8_t *data, uint32_t length) {
    check(address % FLASH_UNIT_BYTES == 0 && length % FLASH_UNIT_BYTES == 0 &&
          address + length <= NOR_BYTES);
    for (uint32_t i = 0; i < length; i += FLASH_UNIT_BYTES) {
        operate(address + i, data + i, FLASH_UNIT_BYTES, false);
    }
    return memcmp(nor_bytes + address, data, length) == 0;
}

bool flash_erase(uint32_t address) {
    check(address % UPDATE_BLOCK_BYTES == 0 && address + UPDATE_BLOCK_BYTES <= NOR_BYTES);
    operate(address, NULL, UPDATE_BLOCK_BYTES, true);
    return true;
}
