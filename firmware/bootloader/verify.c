#include "image.h"
#include "mem.h"
#include "sha256.h"

enum { TABLE_HEADER_BYTES = 4, PROTECTED_MAGIC = 0x6908, TYPE_CLASS = 0x75 };

static uint32_t half(const uint8_t *at) {
    return (uint32_t)(at[0] | at[1] << 8);
}

bool image_is_whole(const uint8_t *data, uint32_t limit, uint32_t address,
                    const uint8_t board[IMAGE_CLASS_BYTES]) {
    image_info image;
    uint8_t digest[SHA256_BYTES];
    if (!image_read(data, limit, &image) || image.address != address) {
        return false;
    }
    uint32_t bytes = half(data + 10);
    const uint8_t *table = data + image.hashed_bytes - bytes;
    if (bytes < TABLE_HEADER_BYTES || half(table) != PROTECTED_MAGIC || half(table + 2) != bytes) {
        return false;
    }
    const uint8_t *class = image_find(table, bytes, TYPE_CLASS, IMAGE_CLASS_BYTES);
    if (class == NULL || memcmp(class, board, IMAGE_CLASS_BYTES) != 0) {
        return false;
    }
    sha256(data, image.hashed_bytes, digest);
    return memcmp(digest, image.hash, SHA256_BYTES) == 0;
}
