/* An image in MCUboot's format (docs.mcuboot.com/design.html, "Image format"): header, code, and a
 * table of types, lengths and values that has the SHA-256 of all before it and the board's class.
 */
#ifndef SMIDGEN_IMAGE_H
#define SMIDGEN_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { IMAGE_HEADER_BYTES = 32, IMAGE_CLASS_BYTES = 16, IMAGE_HASH_BYTES = 32 };

typedef struct {
    uint32_t address; /* where it was linked to lie */
    uint32_t header_bytes;
    uint32_t hashed_bytes; /* header, code and protected table */
    uint8_t major, minor;
    uint16_t revision;
    uint32_t build;
    const uint8_t *hash; /* as the image says; image_is_whole compares it */
} image_info;

/* The header at `data`, which has IMAGE_HEADER_BYTES. False: it is no header of an image that runs
 * where it lies in flash. Leaves the hash alone. */
bool image_read_header(const uint8_t *data, image_info *image);

/* Header and table of the image at `data`, none of it beyond `limit` bytes. False: it is none. */
bool image_read(const uint8_t *data, uint32_t limit, image_info *image);

/* The value of this type and length in the table at `at`, `bytes` long. NULL: there is none. */
const uint8_t *image_find(const uint8_t *at, uint32_t bytes, uint32_t type, uint32_t length);

/* Whether the image at `data` is as it was built, for a board of class `board`, to lie at
 * `address`. */
bool image_is_whole(const uint8_t *data, uint32_t limit, uint32_t address,
                    const uint8_t board[IMAGE_CLASS_BYTES]);

#endif
