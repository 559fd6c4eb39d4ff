#include "slots.h"

#include "flash.h"
#include "mem.h"

enum {
    /* Of the trailer, from the slot's end, as in MCUboot. */
    MAGIC_BYTES = 16,
    IMAGE_OK = MAGIC_BYTES + FLASH_UNIT_BYTES,
    COPY_DONE = IMAGE_OK + FLASH_UNIT_BYTES,

    FLAG_SET = 0x01,
    FLAG_CLEARED = 0x00, /* of image ok: what was set is no longer so */
};

static const uint8_t magic[MAGIC_BYTES] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                                           0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
const uint8_t slots_board[IMAGE_CLASS_BYTES] = UPDATE_BOARD_CLASS;
static const uint32_t address_of[SLOT_COUNT] = UPDATE_SLOTS;

static uint32_t from_end(uint32_t slot, uint32_t bytes) {
    return address_of[slot] + UPDATE_SLOT_BYTES - bytes;
}

static uint8_t flag(uint32_t slot, uint32_t which) {
    return *flash_at(from_end(slot, which));
}

static bool write_flag(uint32_t slot, uint32_t which, uint8_t value) {
    uint8_t unit[FLASH_UNIT_BYTES];
    memset(unit, value == FLAG_CLEARED ? 0 : 0xff, sizeof unit);
    unit[0] = value;
    return flash_program(from_end(slot, which), unit, sizeof unit);
}

uint32_t slots_address(uint32_t slot) {
    return address_of[slot];
}

uint32_t slots_holding(uintptr_t address) {
    uint32_t slot = 0;
    while (slot < SLOT_COUNT && address - address_of[slot] >= UPDATE_SLOT_BYTES) {
        ++slot;
    }
    return slot;
}

bool slots_image(uint32_t slot, image_info *image) {
    return image_read(flash_at(address_of[slot]), SLOT_CAPACITY, image);
}

bool slots_whole(uint32_t slot) {
    return image_is_whole(flash_at(address_of[slot]), SLOT_CAPACITY, address_of[slot], slots_board);
}

slot_state slots_state(uint32_t slot) {
    if (memcmp(flash_at(from_end(slot, MAGIC_BYTES)), magic, MAGIC_BYTES) != 0) {
        return SLOT_EMPTY;
    }
    uint8_t ok = flag(slot, IMAGE_OK);
    if (ok == FLAG_SET || ok == FLAG_CLEARED) {
        return ok == FLAG_SET ? SLOT_CONFIRMED : SLOT_REPLACED;
    }
    return flag(slot, COPY_DONE) == FLAG_SET ? SLOT_TRIED : SLOT_PENDING;
}

/* The slot of the highest state up to `highest` whose image is whole. */
static uint32_t best(slot_state highest) {
    for (slot_state state = highest; state >= SLOT_REPLACED; --state) {
        for (uint32_t slot = 0; slot < SLOT_COUNT; ++slot) {
            if (slots_state(slot) == state && slots_whole(slot)) {
                return slot;
            }
        }
    }
    return SLOT_NONE;
}

uint32_t slots_kept(void) {
    return best(SLOT_CONFIRMED);
}

uint32_t slots_choose(bool *trial) {
    uint32_t slot = best(SLOT_PENDING);
    *trial = slot != SLOT_NONE && slots_state(slot) == SLOT_PENDING;
    /* Written before the image gets a chance: whatever happens then, it does not get another. */
    if (*trial && !write_flag(slot, COPY_DONE, FLAG_SET)) {
        *trial = false;
        return slots_kept();
    }
    return slot;
}

bool slots_open(uint32_t slot) {
    /* An erase that is cut leaves any bits behind it. From all zeros they cannot become the magic
     * by chance; from a trailer that says something they could say something else. */
    static const uint8_t nothing[MAGIC_BYTES];
    return flash_program(from_end(slot, MAGIC_BYTES), nothing, MAGIC_BYTES) &&
           flash_erase(from_end(slot, UPDATE_BLOCK_BYTES));
}

bool slots_mark_pending(uint32_t slot) {
    bool blank = true;
    for (uint32_t i = 0; i < COPY_DONE; ++i) {
        blank = blank && *flash_at(from_end(slot, COPY_DONE) + i) == 0xff;
    }
    return slots_state(slot) == SLOT_PENDING ||
           ((blank || slots_open(slot)) &&
            flash_program(from_end(slot, MAGIC_BYTES), magic, MAGIC_BYTES));
}

bool slots_confirm(uint32_t slot) {
    uint32_t other = SLOT_COUNT - 1 - slot;
    if (slots_state(slot) != SLOT_TRIED) {
        return true; /* the board comes back to it already */
    }
    /* First the other: were this one first, a cut between them would leave two that are confirmed.
     */
    return (slots_state(other) != SLOT_CONFIRMED || write_flag(other, IMAGE_OK, FLAG_CLEARED)) &&
           write_flag(slot, IMAGE_OK, FLAG_SET);
}
