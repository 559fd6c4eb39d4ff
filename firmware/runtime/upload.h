/* SMP's image group: what is in the slots, a new image into the one that the board does not depend
 * on, and a request to try it. docs/protocol.md has the fields.
 *
 * All of it lies in the bootloader, and the agent calls it there: a slot is no place for a second
 * copy, and what may start is decided in one place. It has no memory of its own but the session. */
#ifndef SMIDGEN_UPLOAD_H
#define SMIDGEN_UPLOAD_H

#include "smp.h"

enum { IMAGE_GROUP = 1 };

typedef struct {
    uint32_t running; /* the slot whose image this is, or SLOT_NONE for the bootloader */
    uint32_t slot;    /* that is being written, or SLOT_NONE */
    uint32_t length;
    uint32_t received;
} upload_session;

/* Begins a session of the program at `address`. Returns whether its image is on trial. */
bool upload_begin(upload_session *session, uintptr_t address);

/* A request that upload_has accepts. */
static inline bool upload_has(const smp_header *head) {
    return head->group == IMAGE_GROUP ||
           (head->group == SMIDGEN_GROUP && head->command == COMMAND_BOARD &&
            head->operation == SMP_READ);
}
void upload_command(upload_session *session, const smp_header *head, const cbor_bytes *request,
                    cbor_writer *reply);

/* What images find at UPDATE_SERVICES. `confirm` is slots_confirm. */
enum { UPLOAD_SERVICES_VERSION = 1 };
typedef struct {
    uint32_t version;
    bool (*begin)(upload_session *session, uintptr_t address);
    void (*command)(upload_session *session, const smp_header *head, const cbor_bytes *request,
                    cbor_writer *reply);
    bool (*confirm)(uint32_t slot);
} upload_services;

#endif
