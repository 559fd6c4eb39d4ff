#include "smidgen_agent.h"

#include "board.h"
#include "cbor.h"
#include "link.h"
#include "mem.h"
#include "service.h"

enum {
    HEADER_BYTES = 8,
    OP_READ = 0,
    OP_READ_REPLY = 1,
    OP_WRITE = 2,
    OP_MASK = 7,
    VERSION_SHIFT = 3,
    VERSION_MASK = 3,

    OS_GROUP = 0,
    OS_ECHO = 0,
    OS_RESET = 5,
    OS_PARAMETERS = 6,

    SMP_INVALID = 3,
    SMP_TOO_LARGE = 7,
    SMP_NOT_SUPPORTED = 8,
    SMP_CORRUPT = 9,

    NOTICE_BYTES = 56, /* room for a message that the agent sends on its own */
    FAULT_EXIT_CODE = 0x80
};

typedef struct {
    uint32_t operation;
    uint32_t version;
    uint32_t group;
    uint32_t sequence;
    uint32_t command;
} header;

static link_receiver receiver;

/* The last reply, kept so that a request that changes something and comes twice is answered twice
 * and carried out once. */
static struct {
    link_frame frame;
    uint32_t length;
    uint8_t
        of[HEADER_BYTES + LINK_CRC_BYTES]; /* header and CRC of the write request that it answers */
    bool valid;
} reply;

static uint8_t *put_header(uint8_t *to, const header *head, uint32_t body_bytes) {
    to[0] = (uint8_t)(head->operation | head->version << VERSION_SHIFT);
    to[1] = 0;
    to[2] = (uint8_t)(body_bytes >> 8);
    to[3] = (uint8_t)body_bytes;
    to[4] = (uint8_t)(head->group >> 8);
    to[5] = (uint8_t)head->group;
    to[6] = (uint8_t)head->sequence;
    to[7] = (uint8_t)head->command;
    return to + HEADER_BYTES;
}

static void put_return_code(cbor_writer *body, uint32_t code) {
    cbor_put_map(body, 1);
    cbor_pair_uint(body, "rc", code);
}

/* Version 2 of SMP says which group an error code belongs to; version 1 knows only its own codes.
 */
static void put_group_error(cbor_writer *body, const header *head, uint32_t code) {
    if (head->version == 0) {
        put_return_code(body, code == STATUS_NO_SUCH_COMMAND ? SMP_NOT_SUPPORTED : SMP_INVALID);
        return;
    }
    cbor_put_map(body, 1);
    cbor_put_key(body, "err");
    cbor_put_map(body, 2);
    cbor_pair_uint(body, "group", SMIDGEN_GROUP);
    cbor_pair_uint(body, "rc", code);
}

/* A message that answers no request: damage or a fault, with up to four numbers. */
static void send_notice(uint32_t command, uint32_t pairs, const char *const *keys,
                        const uint32_t *values) {
    uint8_t frame[LINK_OVERHEAD + NOTICE_BYTES];
    uint8_t *message = frame + LINK_LENGTH_BYTES;
    cbor_writer body = {message + HEADER_BYTES, message + NOTICE_BYTES, false};
    cbor_put_map(&body, pairs);
    for (uint32_t i = 0; i < pairs; ++i) {
        cbor_pair_uint(&body, keys[i], values[i]);
    }
    uint32_t bytes = (uint32_t)(body.to - message) - HEADER_BYTES;
    header head = {OP_READ_REPLY, 1, SMIDGEN_GROUP, 0, command};
    put_header(message, &head, bytes);
    link_send(frame, HEADER_BYTES + bytes);
}

void smidgen_agent_fault(uint32_t cause, uint32_t pc, uint32_t address) {
    static const char *const keys[] = {"cause", "pc", "addr", "layer"};
    uint32_t values[] = {cause, pc, address, *smidgen_agent_model->layer};
    send_notice(COMMAND_FAULT, 4, keys, values);
    board_exit(FAULT_EXIT_CODE + (cause & 0x7f));
}

static void ask_again(void) {
    static const char *const keys[] = {"rc"};
    uint32_t values[] = {SMP_CORRUPT};
    send_notice(COMMAND_DAMAGED, 1, keys, values);
}

/* The management commands that every SMP server has. Returns whether the board is to be reset after
 * the reply. */
static bool os_command(const header *head, const service_request *request, cbor_writer *body) {
    cbor_bytes text;
    if (head->command == OS_ECHO && cbor_get_text(request->data, request->length, "d", &text)) {
        cbor_put_map(body, 1);
        cbor_put_key(body, "r");
        cbor_put_text(body, text.data, text.length);
    } else if (head->command == OS_ECHO) {
        put_return_code(body, SMP_INVALID);
    } else if (head->command == OS_RESET && head->operation == OP_WRITE) {
        cbor_put_map(body, 0);
        return true;
    } else if (head->command == OS_PARAMETERS && head->operation == OP_READ) {
        cbor_put_map(body, 2);
        cbor_pair_uint(body, "buf_size", SMIDGEN_FRAME_BYTES);
        cbor_pair_uint(body, "buf_count", 1);
    } else {
        put_return_code(body, SMP_NOT_SUPPORTED);
    }
    return false;
}

/* Carries out one request and leaves its reply. Returns whether the board is to be reset
 * afterwards. */
static bool answer(const header *head, const service_request *request) {
    uint8_t *message = reply.frame.bytes + LINK_LENGTH_BYTES;
    uint8_t *start = message + HEADER_BYTES;
    cbor_writer body = {start, message + SMIDGEN_FRAME_BYTES, false};
    bool reset = false;
    if (!cbor_is_map(request->data, request->length)) {
        put_return_code(&body, SMP_INVALID);
    } else if (head->group == OS_GROUP) {
        reset = os_command(head, request, &body);
    } else if (head->group == SMIDGEN_GROUP) {
        service_status status =
            service_command(head->operation == OP_WRITE, head->command, request, &body);
        if (status != STATUS_OK) {
            put_group_error(&body, head, status);
        }
    } else {
        put_return_code(&body, SMP_NOT_SUPPORTED);
    }
    if (body.overflow) {
        body = (cbor_writer){start, message + SMIDGEN_FRAME_BYTES, false};
        put_return_code(&body, SMP_TOO_LARGE);
    }
    header answer_head = *head;
    uint32_t bytes = (uint32_t)(body.to - start);
    answer_head.operation = head->operation + 1;
    put_header(message, &answer_head, bytes);
    reply.length = HEADER_BYTES + bytes;
    return reset;
}

static void serve_message(const uint8_t *message, uint32_t length) {
    static const uint8_t empty_map = 0xa0;
    if (length < HEADER_BYTES ||
        (uint32_t)(message[2] << 8 | message[3]) != length - HEADER_BYTES) {
        ask_again();
        return;
    }
    header head = {message[0] & OP_MASK, message[0] >> VERSION_SHIFT & VERSION_MASK,
                   (uint32_t)(message[4] << 8 | message[5]), message[6], message[7]};
    if (head.operation != OP_READ && head.operation != OP_WRITE) {
        return; /* somebody else's reply */
    }
    const uint8_t *crc = message + length;
    if (head.operation == OP_WRITE) {
        if (reply.valid && memcmp(reply.of, message, HEADER_BYTES) == 0 &&
            memcmp(reply.of + HEADER_BYTES, crc, LINK_CRC_BYTES) == 0) {
            link_send(reply.frame.bytes, reply.length);
            return;
        }
        memcpy(reply.of, message, HEADER_BYTES);
        memcpy(reply.of + HEADER_BYTES, crc, LINK_CRC_BYTES);
    }
    reply.valid = head.operation == OP_WRITE;
    service_request request = {message + HEADER_BYTES, length - HEADER_BYTES};
    if (request.length == 0) {
        request = (service_request){&empty_map, 1}; /* some clients leave an empty map out */
    }
    bool reset = answer(&head, &request);
    link_send(reply.frame.bytes, reply.length);
    if (reset) {
        board_reset();
    }
}

void smidgen_agent_main(void) {
    board_init();
    service_init(smidgen_agent_model);
    for (;;) {
        uint8_t byte = link_wait_byte();
        uint32_t length;
        if (byte != LINK_START && byte != LINK_CONTINUE) {
            continue; /* not SMP: this is where a text front end takes its bytes */
        }
        link_event event = link_receive_line(&receiver, byte, &length);
        if (event == LINK_MESSAGE) {
            serve_message(receiver.frame.bytes + LINK_LENGTH_BYTES, length);
        } else if (event == LINK_DAMAGED) {
            ask_again();
        }
    }
}
