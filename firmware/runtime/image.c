#include "image.h"

#include <stddef.h>

enum {
    MAGIC = 0x96f3b83d,
    FLAG_ROM_FIXED = 0x100,
    FLAG_UNUSABLE =
        0x4 | 0x8 | 0x10 | 0x20 | 0x600, /* encrypted, no program, for RAM, compressed */

    TABLE_HEADER_BYTES = 4,
    TABLE_MAGIC = 0x6907,
    TYPE_SHA256 = 0x10,
};

static uint32_t half(const uint8_t *at) {
    return (uint32_t)(at[0] | at[1] << 8);
}

static uint32_t word(const uint8_t *at) {
    return half(at) | half(at + 2) << 16;
}

const uint8_t *image_find(const uint8_t *at, uint32_t bytes, uint32_t type, uint32_t length) {
    const uint8_t *end = at + bytes;
    const uint8_t *found = NULL;
    at += TABLE_HEADER_BYTES;
    while (end - at >= TABLE_HEADER_BYTES) {
        uint32_t here = half(at + 2);
        if (here > (uint32_t)(end - at) - TABLE_HEADER_BYTES) {
            break;
        }
        if (half(at) == type && here == length) {
            found = at + TABLE_HEADER_BYTES;
        }
        at += TABLE_HEADER_BYTES + here;
    }
    return at == end ? found : NULL; /* the table's own length is under no hash */
}

bool image_read_header(const uint8_t *data, image_info *image) {
    uint32_t flags = word(data + 16);
    image->address = word(data + 4);
    image->header_bytes = half(data + 8);
    image->hashed_bytes = image->header_bytes + half(data + 10) + word(data + 12);
    image->major = data[20];
    image->minor = data[21];
    image->revision = (uint16_t)half(data + 22);
    image->build = word(data + 24);
    return word(data) == MAGIC && (flags & FLAG_ROM_FIXED) != 0 && (flags & FLAG_UNUSABLE) == 0 &&
           image->header_bytes >= IMAGE_HEADER_BYTES && word(data + 12) < 1u << 30;
}

bool image_read(const uint8_t *data, uint32_t limit, image_info *image) {
    if (!image_read_header(data, image) || image->hashed_bytes > limit ||
        limit - image->hashed_bytes < TABLE_HEADER_BYTES) {
        return false;
    }
    const uint8_t *table = data + image->hashed_bytes;
    uint32_t bytes = half(table + 2);
    if (half(table) != TABLE_MAGIC || bytes > limit - image->hashed_bytes) {
        return false;
    }
    image->hash = image_find(table, bytes, TYPE_SHA256, IMAGE_HASH_BYTES);
    return image->hash != NULL;
}
