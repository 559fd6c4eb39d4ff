/* Starts the image that the slots say (runtime/slots.h), or, where there is none or somebody asked
 * for it, takes a new one over the serial line. docs/bootloader.md has the whole. */
#include "board.h"
#include "board_update.h"
#include "link.h"
#include "slots.h"
#include "smidgen_agent.h"
#include "upload.h"

enum { BOOT_MODE_BOOTLOADER = 1 };

/* Found by images through its address, and by nobody here. */
const image_services services
    __attribute__((section(".services"), used)) = {IMAGE_SERVICES_VERSION, image_is_whole, {0}};

void smp_group_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply) {
    if (head->group == IMAGE_GROUP) {
        upload_command(head, request, reply);
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
    board_start_image(image.address + image.header_bytes);
}

/* The name that the board's start-up code calls. */
void smidgen_agent_main(void) {
    bool asked = board_kept() == BOOT_MODE_BOOTLOADER;
    board_init();
    board_keep(0);
    if (!asked) {
        start_image();
    }
    upload_init(SLOT_NONE);
    for (;;) {
        uint8_t byte = link_wait_byte();
        if (byte == LINK_START || byte == LINK_CONTINUE) {
            smp_receive_line(byte);
        }
    }
}
