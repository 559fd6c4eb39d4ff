/* SMP's statistics group: what the server has counted since boot. */
#ifndef SMIDGEN_STATISTICS_H
#define SMIDGEN_STATISTICS_H

#include "smp.h"

enum { STATISTICS_GROUP = 2 };

void statistics_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply);

#endif
