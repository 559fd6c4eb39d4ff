#include "upload.h"

#include "flash.h"
#include "mem.h"
#include "slots.h"

enum {
    COMMAND_STATE = 0,
    COMMAND_UPLOAD = 1,
    COMMAND_ERASE = 5,

    /* Why the group refused, numbered as in Zephyr. */
    IMAGE_DONE = 0,
    IMAGE_UNKNOWN = 1,
    IMAGE_NONE = 3,
    IMAGE_NO_FREE_SLOT = 9,
    IMAGE_WRITE_FAILED = 12,
    IMAGE_ERASE_FAILED = 13,
    IMAGE_BAD_SLOT = 14,
    IMAGE_BAD_OFFSET = 20,
    IMAGE_BAD_LENGTH = 21,
    IMAGE_BAD_HEADER = 22,
    IMAGE_BAD_HASH = 24,
    IMAGE_BAD_ADDRESS = 25,
    IMAGE_TOO_LARGE = 30,
    IMAGE_DATA_OVERRUN = 31,
    IMAGE_UNPROVEN = 32,
};

bool upload_begin(upload_session *session, uintptr_t address) {
    session->running = slots_holding(flash_holds(address));
    session->slot = SLOT_NONE;
    return session->running != SLOT_NONE && slots_state(session->running) == SLOT_TRIED;
}

/* As slots_kept, without a hash where the running image itself is the answer. */
static uint32_t kept_slot(const upload_session *session) {
    return session->running != SLOT_NONE && slots_state(session->running) >= SLOT_REPLACED
               ? session->running
               : slots_kept();
}

static uint8_t *put_decimal(uint8_t *to, uint32_t value) {
    uint32_t power = 1;
    while (value / power >= 10) {
        power *= 10;
    }
    for (; power != 0; power /= 10) {
        *to++ = (uint8_t)('0' + value / power % 10);
    }
    return to;
}

static void put_version(cbor_writer *reply, const image_info *image) {
    uint8_t text[sizeof "255.255.65535.4294967295"];
    uint8_t *to = put_decimal(text, image->major);
    *to++ = '.';
    to = put_decimal(to, image->minor);
    *to++ = '.';
    to = put_decimal(to, image->revision);
    *to++ = '.';
    to = put_decimal(to, image->build);
    cbor_put_key(reply, "version");
    cbor_put_text(reply, text, (uint32_t)(to - text));
}

static uint32_t put_states(const upload_session *session, cbor_writer *reply) {
    image_info image;
    uint32_t kept = kept_slot(session);
    uint32_t images = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT; ++slot) {
        images += slots_image(slot, &image);
    }
    cbor_put_map(reply, 1);
    cbor_put_key(reply, "images");
    cbor_put_array(reply, images);
    for (uint32_t slot = 0; slot < SLOT_COUNT; ++slot) {
        if (!slots_image(slot, &image)) {
            continue;
        }
        slot_state state = slots_state(slot);
        cbor_put_map(reply, 8);
        cbor_pair_uint(reply, "slot", slot);
        put_version(reply, &image);
        uint8_t *hash = cbor_pair_bytes(reply, "hash", IMAGE_HASH_BYTES);
        if (hash != NULL) {
            memcpy(hash, image.hash, IMAGE_HASH_BYTES);
        }
        cbor_pair_bool(reply, "bootable", state >= SLOT_REPLACED);
        cbor_pair_bool(reply, "pending", state == SLOT_PENDING);
        cbor_pair_bool(reply, "confirmed", slot == kept);
        cbor_pair_bool(reply, "active", slot == session->running);
        cbor_pair_bool(reply, "permanent", false);
    }
    return IMAGE_DONE;
}

static void put_board(cbor_writer *reply) {
    cbor_put_map(reply, 1);
    uint8_t *board = cbor_pair_bytes(reply, "board", IMAGE_CLASS_BYTES);
    if (board != NULL) {
        memcpy(board, slots_board, IMAGE_CLASS_BYTES);
    }
}

static uint32_t set_state(upload_session *session, const cbor_bytes *request, cbor_writer *reply) {
    image_info image;
    cbor_bytes hash;
    bool confirm = cbor_is_true(request->data, request->length, "confirm");
    uint32_t slot = session->running;
    if (cbor_get_bytes(request->data, request->length, "hash", &hash)) {
        for (slot = 0; slot < SLOT_COUNT; ++slot) {
            if (slots_image(slot, &image) && hash.length == IMAGE_HASH_BYTES &&
                memcmp(hash.data, image.hash, IMAGE_HASH_BYTES) == 0) {
                break;
            }
        }
    }
    if (slot == SLOT_NONE) {
        return IMAGE_NONE;
    }
    if (confirm && slot != session->running) {
        return IMAGE_UNPROVEN; /* an image confirms itself, once it has run */
    }
    if (slot != session->running && !slots_whole(slot)) {
        return IMAGE_BAD_HASH;
    }
    if (confirm
            ? !slots_confirm(slot)
            : slot != session->running && slot != kept_slot(session) && !slots_mark_pending(slot)) {
        return IMAGE_WRITE_FAILED;
    }
    return put_states(session, reply);
}

/* The first piece: its header says which slot the image is linked for. */
static uint32_t open_slot(upload_session *session, const cbor_bytes *request,
                          const cbor_bytes *data) {
    image_info image;
    uint32_t slot = 0;
    session->slot = SLOT_NONE;
    if (!cbor_get_uint(request->data, request->length, "len", &session->length)) {
        return IMAGE_BAD_LENGTH;
    }
    if (data->length < IMAGE_HEADER_BYTES || !image_read_header(data->data, &image)) {
        return IMAGE_BAD_HEADER;
    }
    while (slot < SLOT_COUNT && image.address != slots_address(slot)) {
        ++slot;
    }
    if (slot == SLOT_NONE) {
        return IMAGE_BAD_ADDRESS;
    }
    if (session->length > SLOT_CAPACITY) {
        return IMAGE_TOO_LARGE;
    }
    if (slot == session->running || slot == kept_slot(session)) {
        return IMAGE_NO_FREE_SLOT;
    }
    if (!slots_open(slot)) {
        return IMAGE_ERASE_FAILED;
    }
    session->slot = slot;
    session->received = 0;
    return IMAGE_DONE;
}

/* Writes whole units, and the last one filled up; blocks are erased as the writing enters them. */
static uint32_t write_piece(upload_session *session, const uint8_t *data, uint32_t length) {
    uint32_t at = slots_address(session->slot) + session->received;
    uint32_t whole = length & ~(uint32_t)(FLASH_UNIT_BYTES - 1);
    for (uint32_t i = at + (-at & (UPDATE_BLOCK_BYTES - 1)); i < at + length;
         i += UPDATE_BLOCK_BYTES) {
        if (!flash_erase(i)) {
            return IMAGE_ERASE_FAILED;
        }
    }
    if (whole != 0 && !flash_program(at, data, whole)) {
        return IMAGE_WRITE_FAILED;
    }
    if (whole != length) {
        uint8_t unit[FLASH_UNIT_BYTES];
        memset(unit, 0xff, sizeof unit);
        memcpy(unit, data + whole, length - whole);
        if (!flash_program(at + whole, unit, sizeof unit)) {
            return IMAGE_WRITE_FAILED;
        }
    }
    session->received += length;
    return IMAGE_DONE;
}

static uint32_t take_piece(upload_session *session, const cbor_bytes *request, cbor_writer *reply) {
    uint32_t offset;
    cbor_bytes data;
    if (!cbor_get_uint(request->data, request->length, "off", &offset) ||
        !cbor_get_bytes(request->data, request->length, "data", &data)) {
        return IMAGE_UNKNOWN;
    }
    if (offset == 0) {
        uint32_t refused = open_slot(session, request, &data);
        if (refused != IMAGE_DONE) {
            return refused;
        }
    } else if (session->slot == SLOT_NONE) {
        return IMAGE_BAD_OFFSET;
    }
    bool last = false, match = false;
    if (offset == session->received) {
        if (data.length > session->length - offset) {
            return IMAGE_DATA_OVERRUN;
        }
        last = data.length == session->length - offset;
        /* What is no whole unit is left to the next piece: the reply says where to go on. */
        uint32_t length = last ? data.length : data.length & ~(uint32_t)(FLASH_UNIT_BYTES - 1);
        if (length == 0) {
            return IMAGE_BAD_LENGTH;
        }
        uint32_t failed = write_piece(session, data.data, length);
        if (failed != IMAGE_DONE) {
            session->slot = SLOT_NONE;
            return failed;
        }
    }
    if (last) {
        match = slots_whole(session->slot);
        /* With nothing to come back to there is no reason to wait for the request to try it. */
        if (match && kept_slot(session) == SLOT_NONE && !slots_mark_pending(session->slot)) {
            return IMAGE_WRITE_FAILED;
        }
        session->slot = SLOT_NONE;
    }
    cbor_put_map(reply, last ? 2 : 1);
    cbor_pair_uint(reply, "off", session->received);
    if (last) {
        cbor_pair_bool(reply, "match", match);
    }
    return IMAGE_DONE;
}

static uint32_t erase(upload_session *session, const cbor_bytes *request, cbor_writer *reply) {
    uint32_t slot;
    if (!cbor_get_uint(request->data, request->length, "slot", &slot)) {
        slot = 1;
    }
    if (slot >= SLOT_COUNT) {
        return IMAGE_BAD_SLOT;
    }
    if (slot == session->running || slot == kept_slot(session)) {
        return IMAGE_NO_FREE_SLOT;
    }
    session->slot = SLOT_NONE;
    /* Without its trailer and its header there is no image. */
    if (!slots_open(slot) || !flash_erase(slots_address(slot))) {
        return IMAGE_ERASE_FAILED;
    }
    cbor_put_map(reply, 0);
    return IMAGE_DONE;
}

void upload_command(upload_session *session, const smp_header *head, const cbor_bytes *request,
                    cbor_writer *reply) {
    bool write = head->operation == SMP_WRITE;
    uint32_t refused;
    if (head->group == SMIDGEN_GROUP) {
        put_board(reply);
        return;
    }
    if (head->command == COMMAND_STATE) {
        refused = write ? set_state(session, request, reply) : put_states(session, reply);
    } else if (head->command == COMMAND_UPLOAD && write) {
        refused = take_piece(session, request, reply);
    } else if (head->command == COMMAND_ERASE && write) {
        refused = erase(session, request, reply);
    } else {
        smp_put_error(reply, SMP_NOT_SUPPORTED);
        return;
    }
    if (refused != IMAGE_DONE) {
        smp_put_group_error(reply, head, refused, SMP_INVALID);
    }
}
