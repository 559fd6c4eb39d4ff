#include "update.h"

#include "board.h"
#include "board_update.h"
#include "session.h"
#include "slots.h"
#include "smidgen_agent.h"
#include "upload.h"

/* Whether the model gives all its known answers here. */
static bool works(void) {
    for (uint32_t i = 0; i < session.model->golden_count; ++i) {
        if (!measure_golden(session.model, session.arena, &session.model->golden[i]).passed ||
            session_check_guards() != STATUS_OK) {
            return false;
        }
    }
    session.model->reset(session.arena);
    return true;
}

void update_prove(void) {
    uint32_t running = slots_holding((uintptr_t)smidgen_agent_main);
    upload_init(running);
    if (slots_state(running) == SLOT_TRIED) {
        if (!works() || !slots_confirm(running)) {
            board_reset();
        }
        board_watchdog_stop();
    }
}

void update_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply) {
    if (head->group == IMAGE_GROUP) {
        upload_command(head, request, reply);
    } else {
        smp_put_error(reply, SMP_NOT_SUPPORTED);
    }
}

bool image_is_whole(const uint8_t *data, uint32_t limit, uint32_t address,
                    const uint8_t board[IMAGE_CLASS_BYTES]) {
    const image_services *services = (const image_services *)UPDATE_SERVICES;
    return services->version == IMAGE_SERVICES_VERSION &&
           services->image_is_whole(data, limit, address, board);
}
