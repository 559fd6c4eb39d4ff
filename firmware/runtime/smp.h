/* The server side of SMP: messages in frames, answers that are kept, and the management commands
 * that every server has. The agent and the bootloader share it; docs/protocol.md has the bytes. */
#ifndef SMIDGEN_SMP_H
#define SMIDGEN_SMP_H

#include "cbor.h"

enum { SMP_READ = 0, SMP_READ_REPLY = 1, SMP_WRITE = 2 };

/* SMP's own error codes. */
enum {
    SMP_UNKNOWN = 1,
    SMP_INVALID = 3,
    SMP_TOO_LARGE = 7,
    SMP_NOT_SUPPORTED = 8,
    SMP_CORRUPT = 9
};

/* Smidgen's own group: the command that the bootloader has too, and what a server may send in it
 * without being asked. */
enum {
    SMIDGEN_GROUP = 0x534d,
    COMMAND_BOARD = 10,
    COMMAND_FAULT = 126,
    COMMAND_DAMAGED = 127,
};

typedef struct {
    uint32_t operation;
    uint32_t version;
    uint32_t group;
    uint32_t sequence;
    uint32_t command;
} smp_header;

/* What came and went since boot. */
typedef struct {
    uint32_t answered; /* requests */
    uint32_t repeated; /* of them answered once more */
    uint32_t damaged;  /* frames that were not whole */
} smp_statistics;

extern smp_statistics smp_counts;

/* Reads the rest of a line whose first byte was LINK_START or LINK_CONTINUE, and answers the
 * message that it completes. */
void smp_receive_line(uint8_t first);

/* A message that answers no request, with numbers under those keys. */
enum { SMP_NOTICE_PAIRS = 4 };
void smp_send_notice(uint32_t command, uint32_t pairs, const char *const *keys,
                     const uint32_t *values);

/* The body of a reply that says what went wrong: by SMP's own code, or by the group's where the
 * client's version of SMP knows of those and `otherwise` where it does not. */
void smp_put_error(cbor_writer *reply, uint32_t code);
void smp_put_group_error(cbor_writer *reply, const smp_header *head, uint32_t code,
                         uint32_t otherwise);

/* The firmware's own groups, defined by whoever links this: carries out one request, whose body is
 * a map that cbor_is_map has accepted, and writes the body of the reply. */
void smp_group_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply);

#endif
