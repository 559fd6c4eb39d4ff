/* Starts the image that the slots say (runtime/slots.h), or, where there is none or somebody asked
 * for it, takes a new one over the serial line. docs/bootloader.md has the whole. */
#include "board.h"
#include "board_update.h"
#include "link.h"
#include "slots.h"
#include "smidgen_agent.h"
#include "upload.h"

enum { BOOT_MODE_BOOTLOADER = 1 };

/* At UPDATE_SERVICES, where images look for it. */
const upload_services services __attribute__((section(".services"), used)) = {
    UPLOAD_SERVICES_VERSION, upload_begin, upload_command, slots_confirm};

static upload_session upload;

void smp_group_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply) {
    if (upload_has(head)) {
        upload_command(&upload, head, request, reply);
    } else {
        smp_put_error(reply, SMP_NOT_SUPPORTED);
    }
}

void smidgen_agent_fault(uint32_t cause, uint32_t pc, uint32_t address) {
    (void)cause;
    (void)pc;
    (void)address;
    board_reset();
}

static void start_image(void) {
    bool trial;
    image_info image;
    uint32_t slot = slots_choose(&trial);
    if (slot == SLOT_NONE || !slots_image(slot, &image)) {
        return;
    }
    if (trial) {
        board_watchdog_start(UPDATE_TRIAL_MILLISECONDS);
    }
    board_start_image(&image);
}

/* The name that the board's start-up code calls. */
void smidgen_agent_main(void) {
    bool asked = board_kept() == BOOT_MODE_BOOTLOADER;
    board_init();
    board_keep(0);
    if (!asked) {
        start_image();
    }
    upload_begin(&upload, (uintptr_t)smidgen_agent_main);
    for (;;) {
        uint8_t byte = link_wait_byte();
        if (byte == LINK_START || byte == LINK_CONTINUE) {
            smp_receive_line(byte);
        }
    }
}
