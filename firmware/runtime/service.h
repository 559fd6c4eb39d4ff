/* The Smidgen group of commands: inference on the one model. docs/protocol.md describes each. */
#ifndef SMIDGEN_SERVICE_H
#define SMIDGEN_SERVICE_H

#include "cbor.h"
#include "smidgen_model.h"

enum { SMIDGEN_PROTOCOL_VERSION = 1, SMIDGEN_CHUNK_BYTES = 512 };

enum {
    COMMAND_DESCRIBE = 0,
    COMMAND_TENSOR = 1,
    COMMAND_LAYER = 2,
    COMMAND_INPUT = 3,
    COMMAND_RUN = 4,
    COMMAND_OUTPUT = 5,
    COMMAND_ROWS = 6,
    COMMAND_MEMORY = 7,
    COMMAND_SELFTEST = 8,
    COMMAND_RESET = 9 /* smp.h has those that the server sends on its own */
};

typedef enum {
    STATUS_OK = 0,
    STATUS_UNKNOWN = 1,
    STATUS_BAD_REQUEST = 2,
    STATUS_OUT_OF_RANGE = 3,
    STATUS_NO_INPUT = 4,
    STATUS_INPUT_INCOMPLETE = 5,
    STATUS_INPUT_DAMAGED = 6,
    STATUS_INPUT_CONSUMED = 7,
    STATUS_NO_OUTPUT = 8,
    STATUS_NO_MEMORY = 9,
    STATUS_ARENA_OVERRUN = 10,
    STATUS_STACK_OVERFLOW = 11,
    STATUS_NO_SUCH_COMMAND = 12
} service_status;

enum { RUN_PLAIN = 0, RUN_PROFILE = 1, RUN_CHECKSUMS = 2, RUN_ENGINE = 3 };

typedef cbor_bytes service_request;

/* Divides the board's free RAM and resets the model. */
void service_init(const smidgen_model *model);

/* Carries out a command: the request is a CBOR map that cbor_is_map has accepted; the reply map is
 * written only when the status is STATUS_OK. */
service_status service_command(bool write, uint32_t command, const service_request *request,
                               cbor_writer *reply);

#endif
