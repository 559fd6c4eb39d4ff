/* The smallest image that proves itself: on trial it confirms itself, unless it is one that hangs.
 * Then it waits for a byte: 'u' starts the bootloader for an update, 'q' ends the simulator with
 * the image's number. */
#include "board.h"
#include "board_update.h"
#include "update_layout.h"
#include "upload.h"

static upload_session session;

/* So that the image takes more than one operation to write. */
const uint8_t ballast[TINY_BALLAST] = {1};

void smidgen_agent_fault(uint32_t cause, uint32_t pc, uint32_t address) {
    (void)pc;
    (void)address;
    board_exit(cause);
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
        } else if (byte == 'q') {
            board_exit(TINY_NUMBER + ((const volatile uint8_t *)ballast)[1]);
        }
    }
}
