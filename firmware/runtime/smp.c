#include "smp.h"

#include "board.h"
#include "link.h"
#include "mem.h"

#ifdef SMIDGEN_UPDATE
#include "board_update.h"
#endif

enum {
    HEADER_BYTES = 8,
    OP_MASK = 7,
    VERSION_SHIFT = 3,
    VERSION_MASK = 3,

    OS_GROUP = 0,
    OS_ECHO = 0,
    OS_RESET = 5,
    OS_PARAMETERS = 6,

    NOTICE_BYTES = 56, /* room for a message that the server sends on its own */
};

smp_statistics smp_counts;

/* The last reply, kept so that a request that changes something and comes twice is answered twice
 * and carried out once. */
static struct {
    link_frame frame;
    uint32_t length;
    uint8_t
        of[HEADER_BYTES + LINK_CRC_BYTES]; /* header and CRC of the write request that it answers */
    bool valid;
} reply;

static uint8_t *put_header(uint8_t *to, const smp_header *head, uint32_t body_bytes) {
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

void smp_put_error(cbor_writer *reply_body, uint32_t code) {
    cbor_put_map(reply_body, 1);
    cbor_pair_uint(reply_body, "rc", code);
}

/* Version 2 of SMP (the field says 1) has groups of error codes. */
void smp_put_group_error(cbor_writer *reply_body, const smp_header *head, uint32_t code,
                         uint32_t otherwise) {
    if (head->version == 0) {
        smp_put_error(reply_body, otherwise);
        return;
    }
    cbor_put_map(reply_body, 1);
    cbor_put_key(reply_body, "err");
    cbor_put_map(reply_body, 2);
    cbor_pair_uint(reply_body, "group", head->group);
    cbor_pair_uint(reply_body, "rc", code);
}

void smp_send_notice(uint32_t command, uint32_t pairs, const char *const *keys,
                     const uint32_t *values) {
    uint8_t frame[LINK_OVERHEAD + NOTICE_BYTES];
    uint8_t *message = frame + LINK_LENGTH_BYTES;
    cbor_writer body = {message + HEADER_BYTES, message + NOTICE_BYTES, false};
    cbor_put_map(&body, pairs);
    for (uint32_t i = 0; i < pairs; ++i) {
        cbor_pair_uint(&body, keys[i], values[i]);
    }
    uint32_t bytes = (uint32_t)(body.to - message) - HEADER_BYTES;
    smp_header head = {SMP_READ_REPLY, 1, SMIDGEN_GROUP, 0, command};
    put_header(message, &head, bytes);
    link_send(frame, HEADER_BYTES + bytes);
}

static void ask_again(void) {
    static const char *const keys[] = {"rc"};
    uint32_t values[] = {SMP_CORRUPT};
    ++smp_counts.damaged;
    smp_send_notice(COMMAND_DAMAGED, 1, keys, values);
}

/* What is to start after a reset: `boot_mode` 1 asks for the bootloader. */
static void choose_boot(const cbor_bytes *request) {
#ifdef SMIDGEN_UPDATE
    uint32_t mode;
    if (cbor_get_uint(request->data, request->length, "boot_mode", &mode)) {
        board_keep(mode);
    }
#else
    (void)request;
#endif
}

/* The management commands that every SMP server has. Returns whether the board is to be reset after
 * the reply. */
static bool os_command(const smp_header *head, const cbor_bytes *request, cbor_writer *body) {
    cbor_bytes text;
    if (head->command == OS_ECHO && cbor_get_text(request->data, request->length, "d", &text)) {
        cbor_put_map(body, 1);
        cbor_put_key(body, "r");
        cbor_put_text(body, text.data, text.length);
    } else if (head->command == OS_ECHO) {
        smp_put_error(body, SMP_INVALID);
    } else if (head->command == OS_RESET && head->operation == SMP_WRITE) {
        cbor_put_map(body, 0);
        choose_boot(request);
        return true;
    } else if (head->command == OS_PARAMETERS && head->operation == SMP_READ) {
        cbor_put_map(body, 2);
        cbor_pair_uint(body, "buf_size", SMIDGEN_FRAME_BYTES);
        cbor_pair_uint(body, "buf_count", 1);
    } else {
        smp_put_error(body, SMP_NOT_SUPPORTED);
    }
    return false;
}

/* Carries out one request and leaves its reply. Returns whether the board is to be reset
 * afterwards. */
static bool answer(const smp_header *head, const cbor_bytes *request) {
    uint8_t *message = reply.frame.bytes + LINK_LENGTH_BYTES;
    uint8_t *start = message + HEADER_BYTES;
    cbor_writer body = {start, message + SMIDGEN_FRAME_BYTES, false};
    bool reset = false;
    if (!cbor_is_map(request->data, request->length)) {
        smp_put_error(&body, SMP_INVALID);
    } else if (head->group == OS_GROUP) {
        reset = os_command(head, request, &body);
    } else {
        smp_group_command(head, request, &body);
    }
    if (body.overflow) {
        body = (cbor_writer){start, message + SMIDGEN_FRAME_BYTES, false};
        smp_put_error(&body, SMP_TOO_LARGE);
    }
    smp_header answer_head = *head;
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
    smp_header head = {message[0] & OP_MASK, message[0] >> VERSION_SHIFT & VERSION_MASK,
                       (uint32_t)(message[4] << 8 | message[5]), message[6], message[7]};
    if (head.operation != SMP_READ && head.operation != SMP_WRITE) {
        return; /* somebody else's reply */
    }
    const uint8_t *crc = message + length;
    if (head.operation == SMP_WRITE) {
        if (reply.valid && memcmp(reply.of, message, HEADER_BYTES) == 0 &&
            memcmp(reply.of + HEADER_BYTES, crc, LINK_CRC_BYTES) == 0) {
            ++smp_counts.repeated;
            link_send(reply.frame.bytes, reply.length);
            return;
        }
        memcpy(reply.of, message, HEADER_BYTES);
        memcpy(reply.of + HEADER_BYTES, crc, LINK_CRC_BYTES);
    }
    reply.valid = head.operation == SMP_WRITE;
    cbor_bytes request = {message + HEADER_BYTES, length - HEADER_BYTES};
    if (request.length == 0) {
        request = (cbor_bytes){&empty_map, 1}; /* some clients leave an empty map out */
    }
    ++smp_counts.answered;
    bool reset = answer(&head, &request);
    link_send(reply.frame.bytes, reply.length);
    if (reset) {
        board_reset();
    }
}

void smp_receive_line(uint8_t first) {
    link_message message;
    link_event event = link_receive_line(first, &message);
    if (event == LINK_MESSAGE) {
        serve_message(message.data, message.length);
    } else if (event == LINK_DAMAGED) {
        ask_again();
    }
}
