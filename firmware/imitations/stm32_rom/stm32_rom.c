/* What the boot loader in the ROM of an STM32 does when BOOT0 is high, over its USART: ST's
 * application note AN3155. It runs in QEMU, which has no such ROM and no flash that programs can
 * write: it lies where QEMU has the flash, and the flash that it shows is a file (flash_file.h).
 *
 * rom_target.h says which chip: ROM_CHIP_ID, ROM_FLASH_ORIGIN, ROM_FLASH_BYTES, ROM_RAM_ORIGIN,
 * ROM_RAM_BYTES, ROM_SECTORS ({count, bytes} pairs), ROM_EXTENDED_ERASE, and ROM_SIZE_REGISTER, the
 * address of the word in system memory that holds the size of the flash in KiB. */
#include "board.h"
#include "rom_target.h"

#include "flash_file.h"
#include "smidgen_agent.h"

enum {
    SYNCHRONIZE = 0x7f,
    ACKNOWLEDGE = 0x79,
    REFUSE = 0x1f,

    GET = 0x00,
    GET_VERSION = 0x01,
    GET_ID = 0x02,
    READ_MEMORY = 0x11,
    GO = 0x21,
    WRITE_MEMORY = 0x31,
    ERASE = ROM_EXTENDED_ERASE ? 0x44 : 0x43,

    VERSION = 0x31, /* of the protocol, 3.1 */
    LONGEST = 256,
    MOST_SECTORS = 256,
    ALL_SECTORS = ROM_EXTENDED_ERASE ? 0xffff : 0xff,
    SYSTEM_MEMORY = 0x1fff0000,
    SYSTEM_MEMORY_BYTES = 0x10000
};

typedef struct {
    uint32_t offset, bytes;
} sector;

static const uint8_t commands[] = {GET, GET_VERSION, GET_ID, READ_MEMORY, GO, WRITE_MEMORY, ERASE};
static const uint32_t sectors[][2] = {ROM_SECTORS};

static uint8_t receive(void) {
    while (!board_has_byte()) {
        board_wait();
    }
    return (uint8_t)board_read();
}

static bool answer(bool accepted) {
    board_write(accepted ? ACKNOWLEDGE : REFUSE);
    return accepted;
}

/* Big-endian bytes and then their exclusive or. */
static bool receive_address(uint32_t *address) {
    uint8_t sum = 0;
    *address = 0;
    for (uint32_t i = 0; i < 4; ++i) {
        uint8_t byte = receive();
        sum ^= byte;
        *address = *address << 8 | byte;
    }
    return receive() == sum;
}

static bool within(uint32_t address, uint32_t count, uint32_t origin, uint32_t bytes) {
    return address >= origin && address - origin <= bytes && count <= bytes - (address - origin);
}

static bool in_flash(uint32_t address, uint32_t count) {
    return within(address, count, ROM_FLASH_ORIGIN, ROM_FLASH_BYTES);
}

static bool in_ram(uint32_t address, uint32_t count) {
    return within(address, count, ROM_RAM_ORIGIN, ROM_RAM_BYTES);
}

static uint8_t system_byte(uint32_t address) {
    uint32_t shift = (address - ROM_SIZE_REGISTER) * 8;
    return address - ROM_SIZE_REGISTER < 2 ? (uint8_t)(ROM_FLASH_BYTES / 1024 >> shift) : 0;
}

static bool read_bytes(uint32_t address, uint8_t *data, uint32_t count) {
    if (in_flash(address, count)) {
        return flash_read(address - ROM_FLASH_ORIGIN, data, count);
    }
    bool is_ram = in_ram(address, count);
    if (!is_ram && !within(address, count, SYSTEM_MEMORY, SYSTEM_MEMORY_BYTES)) {
        return false;
    }
    for (uint32_t i = 0; i < count; ++i) {
        data[i] =
            is_ram ? *(const volatile uint8_t *)(uintptr_t)(address + i) : system_byte(address + i);
    }
    return true;
}

static void read_memory(void) {
    uint8_t data[LONGEST];
    uint32_t address;
    if (!answer(receive_address(&address))) {
        return;
    }
    uint32_t count = receive();
    bool whole = (receive() ^ count) == 0xff;
    ++count;
    if (answer(whole && read_bytes(address, data, count))) {
        for (uint32_t i = 0; i < count; ++i) {
            board_write(data[i]);
        }
    }
}

static void write_memory(void) {
    uint8_t data[LONGEST];
    uint32_t address;
    if (!answer(receive_address(&address) && address % 4 == 0 && in_flash(address, 0))) {
        return;
    }
    uint8_t last = receive(), sum = last;
    uint32_t count = (uint32_t)last + 1;
    for (uint32_t i = 0; i < count; ++i) {
        data[i] = receive();
        sum ^= data[i];
    }
    bool whole = receive() == sum && in_flash(address, count);
    answer(whole && flash_program(address - ROM_FLASH_ORIGIN, data, count));
}

static bool find_sector(uint32_t number, sector *found) {
    uint32_t offset = 0;
    for (uint32_t i = 0; i < sizeof sectors / sizeof sectors[0]; ++i) {
        uint32_t count = sectors[i][0], bytes = sectors[i][1];
        if (number < count) {
            *found = (sector){offset + number * bytes, bytes};
            return true;
        }
        number -= count;
        offset += count * bytes;
    }
    return false;
}

/* A number of the erase command: two bytes in its extended form. */
static uint32_t receive_number(uint8_t *sum) {
    uint32_t number = 0;
    for (uint32_t i = 0; i < (ROM_EXTENDED_ERASE ? 2 : 1); ++i) {
        uint8_t byte = receive();
        *sum ^= byte;
        number = number << 8 | byte;
    }
    return number;
}

static void erase(void) {
    static uint16_t chosen[MOST_SECTORS];
    sector found;
    uint8_t sum = 0;
    uint32_t last = receive_number(&sum);
    if (last == ALL_SECTORS) {
        /* Of a single byte that says all, the sum is its complement. */
        bool whole = receive() == (ROM_EXTENDED_ERASE ? sum : 0);
        answer(whole && flash_erase(0, ROM_FLASH_BYTES));
        return;
    }
    bool known = last < MOST_SECTORS;
    for (uint32_t i = 0; i <= last; ++i) {
        uint32_t number = receive_number(&sum);
        known = known && find_sector(number, &found);
        if (known) {
            chosen[i] = (uint16_t)number;
        }
    }
    bool done = receive() == sum && known;
    for (uint32_t i = 0; done && i <= last; ++i) {
        done = find_sector(chosen[i], &found) && flash_erase(found.offset, found.bytes);
    }
    answer(done);
}

/* The flash that was written cannot be run from here: ending is what a reset with BOOT0 low is. Not
 * before the next byte, which is for the program: the line ends with the emulator, and what was
 * just written to it might get lost. */
static void go(void) {
    uint32_t address;
    if (answer(receive_address(&address) && (in_flash(address, 0) || in_ram(address, 0)))) {
        receive();
        flash_exit(true);
    }
}

static void tell(const uint8_t *data, uint32_t count) {
    board_write((uint8_t)(count - 1));
    for (uint32_t i = 0; i < count; ++i) {
        board_write(data[i]);
    }
    answer(true);
}

static void get(void) {
    board_write(sizeof commands);
    board_write(VERSION);
    for (uint32_t i = 0; i < sizeof commands; ++i) {
        board_write(commands[i]);
    }
    answer(true);
}

static void obey(uint8_t command) {
    static const uint8_t version[] = {VERSION, 0, 0};
    static const uint8_t id[] = {ROM_CHIP_ID >> 8, ROM_CHIP_ID & 0xff};
    bool known = false, whole = (receive() ^ command) == 0xff;
    for (uint32_t i = 0; i < sizeof commands; ++i) {
        known = known || commands[i] == command;
    }
    if (!answer(known && whole)) {
        return;
    }
    switch (command) {
    case GET:
        get();
        break;
    case GET_VERSION:
        for (uint32_t i = 0; i < sizeof version; ++i) {
            board_write(version[i]);
        }
        answer(true);
        break;
    case GET_ID:
        tell(id, sizeof id);
        break;
    case READ_MEMORY:
        read_memory();
        break;
    case WRITE_MEMORY:
        write_memory();
        break;
    case GO:
        go();
        break;
    default:
        erase();
        break;
    }
}

void smidgen_agent_main(void) {
    board_init();
    if (!flash_open()) {
        flash_exit(false);
    }
    while (receive() != SYNCHRONIZE) {
    }
    answer(true);
    for (;;) {
        obey(receive());
    }
}

void smidgen_agent_fault(uint32_t cause, uint32_t pc, uint32_t address) {
    (void)cause;
    (void)pc;
    (void)address;
    flash_exit(false);
}
