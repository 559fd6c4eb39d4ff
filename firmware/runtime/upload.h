/* SMP's image group: what is in the slots, a new image into the one that the board does not depend
 * on, and a request to try it. The agent and the bootloader share it; docs/protocol.md has the
 * fields. */
#ifndef SMIDGEN_UPLOAD_H
#define SMIDGEN_UPLOAD_H

#include "smp.h"

enum { IMAGE_GROUP = 1 };

/* running: the slot whose image this is, or SLOT_NONE for the bootloader. */
void upload_init(uint32_t running);

void upload_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply);

#endif
