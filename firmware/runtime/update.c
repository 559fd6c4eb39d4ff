#include "update.h"

#include "board.h"
#include "board_update.h"
#include "session.h"
#include "smidgen_agent.h"
#include "update_layout.h"
#include "upload.h"

static const upload_services *const services = (const upload_services *)UPDATE_SERVICES;
static upload_session upload;

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
    if (services->version != UPLOAD_SERVICES_VERSION) {
        return;
    }
    if (services->begin(&upload, (uintptr_t)smidgen_agent_main)) {
        if (!works() || !services->confirm(upload.running)) {
            board_reset();
        }
        board_watchdog_stop();
    }
}

void update_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply) {
    if (upload_has(head) && services->version == UPLOAD_SERVICES_VERSION) {
        services->command(&upload, head, request, reply);
    } else {
        smp_put_error(reply, SMP_NOT_SUPPORTED);
    }
}
