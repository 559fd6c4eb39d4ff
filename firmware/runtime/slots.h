/* The two slots that hold images, what is known of each, and which one the board starts.
 *
 * An image runs where it lies, so nothing is ever copied: an update writes the slot that the board
 * does not depend on. The last block of a slot holds MCUboot's trailer and nothing else: `magic`
 * asks for the image to be tried, `copy done` says that it has been, `image ok` that it has proved
 * itself. docs/bootloader.md says why the order of writes survives a power cut in each of them. */
#ifndef SMIDGEN_SLOTS_H
#define SMIDGEN_SLOTS_H

#include "image.h"

/* The build writes it from the target file: UPDATE_SLOTS (two addresses), UPDATE_SLOT_BYTES,
 * UPDATE_BLOCK_BYTES, UPDATE_BOARD_CLASS, UPDATE_TRIAL_MILLISECONDS. */
#include "update_layout.h"

enum {
    SLOT_COUNT = 2,
    SLOT_NONE = SLOT_COUNT,
    SLOT_CAPACITY = UPDATE_SLOT_BYTES - UPDATE_BLOCK_BYTES
};

/* In the order in which the board prefers them. */
typedef enum {
    SLOT_EMPTY,     /* nothing asks for what is here to be started */
    SLOT_TRIED,     /* it was started and did not prove itself */
    SLOT_REPLACED,  /* it proved itself; then the other slot's image was started in its place */
    SLOT_CONFIRMED, /* it proved itself */
    SLOT_PENDING,   /* it is to be tried once */
} slot_state;

/* The class of boards that this is one of. */
extern const uint8_t slots_board[IMAGE_CLASS_BYTES];

slot_state slots_state(uint32_t slot);
uint32_t slots_address(uint32_t slot);
/* The slot that this address lies in, or SLOT_NONE. */
uint32_t slots_holding(uintptr_t address);
/* The slot's image, its hash not compared. False: there is none. */
bool slots_image(uint32_t slot, image_info *image);
/* Whether the slot's image is whole and for this board. */
bool slots_whole(uint32_t slot);

/* The slot whose image the board comes back to when all else fails, or SLOT_NONE: it must not be
 * written. */
uint32_t slots_kept(void);

/* For the bootloader: the slot to start now, or SLOT_NONE. `*trial`: once, until it is confirmed;
 * that it has been tried is then already written. */
uint32_t slots_choose(bool *trial);

/* Makes the slot one that will not be started, ready to take an image. */
bool slots_open(uint32_t slot);
/* Asks for the slot's image, which is whole, to be tried. */
bool slots_mark_pending(uint32_t slot);
/* For the running image of `slot`: it has proved itself. */
bool slots_confirm(uint32_t slot);

#endif
