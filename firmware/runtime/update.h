/* What the agent does on boards that can be updated (SMIDGEN_UPDATE), and nothing on others. */
#ifndef SMIDGEN_UPDATE_H
#define SMIDGEN_UPDATE_H

#include "smp.h"

#ifdef SMIDGEN_UPDATE

/* When this image is on trial: proves it by the model's known answers, or starts the board again,
 * which brings the image before it back. After service_init. */
void update_prove(void);

/* A request to a group that is none of the agent's other ones. */
void update_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply);

#else

static inline void update_prove(void) {}
static inline void update_command(const smp_header *head, const cbor_bytes *request,
                                  cbor_writer *reply) {
    (void)head;
    (void)request;
    smp_put_error(reply, SMP_NOT_SUPPORTED);
}

#endif

#endif
