/* The smallest image that proves itself: on trial it confirms itself, unless it is one that hangs.
 * Then it waits for a byte: 'u' starts the bootloader for an update, 'q' ends the simulator with
 * the image's number; 'e' begins to erase the other slot in a SPI flash chip and does not wait. */
#include "board.h"
#include "board_update.h"
#include "update_layout.h"
#include "upload.h"

#define SPI_DATA (*(volatile uint32_t *)0x20030000u)
#define SPI_SELECT (*(volatile uint32_t *)0x20030004u)

static upload_session session;

/* So that the image takes more than one operation to write. */
const uint8_t ballast[TINY_BALLAST] = {1};

void smidgen_agent_fault(uint32_t cause, uint32_t pc, uint32_t address) {
    (void)pc;
    (void)address;
    board_exit(cause);
}

static void send_to_chip(const uint8_t *bytes, uint32_t count) {
    SPI_SELECT = 1;
    for (uint32_t i = 0; i < count; ++i) {
        SPI_DATA = bytes[i];
        while ((SPI_SELECT & 2) != 0) {
        }
    }
    SPI_SELECT = 0;
    while ((SPI_SELECT & 2) != 0) {
    }
}

static void begin_erase(void) {
    static const uint32_t slots[] = UPDATE_SLOTS;
    const uint8_t write_enable[] = {0x06};
    const uint8_t erase[] = {0x20, (uint8_t)(slots[1] >> 16), (uint8_t)(slots[1] >> 8), 0};
    send_to_chip(write_enable, sizeof write_enable);
    send_to_chip(erase, sizeof erase);
}

void smidgen_agent_main(void) {
    const upload_services *services = (const upload_services *)UPDATE_SERVICES;
    if (services->begin(&session, (uintptr_t)smidgen_agent_main)) {
#ifdef TINY_HANGS
        for (;;) {
        }
#endif
        services->confirm(session.running);
        board_watchdog_stop();
    }
    for (;;) {
        while (!board_has_byte()) {
            board_wait();
        }
        uint32_t byte = board_read();
        if (byte == 'u') {
            board_keep(1);
            board_reset();
        } else if (byte == 'e') {
            begin_erase();
            board_reset();
        } else if (byte == 'q') {
            board_exit(TINY_NUMBER + ((const volatile uint8_t *)ballast)[1]);
        }
    }
}
