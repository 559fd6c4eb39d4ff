/* Whether images that are damaged in every single bit, cut short at every byte, in the wrong slot
 * or for another board count as whole:
 *
 *     damage IMAGE.0
 *
 * Prints how many there were; ends with code 1 when one does. */
#include <stdio.h>
#include <string.h>

#include "image.h"
#include "nor_model.h"
#include "slots.h"

static uint8_t image[UPDATE_SLOT_BYTES];

static bool whole(void) {
    return image_is_whole(image, SLOT_CAPACITY, slots_address(0), slots_board);
}

int main(int count, char **arguments) {
    memset(image, 0xff, sizeof image); /* what follows the image is erased */
    FILE *stream = count == 2 ? fopen(arguments[1], "rb") : NULL;
    uint32_t length = stream == NULL ? 0 : (uint32_t)fread(image, 1, SLOT_CAPACITY, stream);
    if (length == 0 || !whole()) {
        printf("FAILED: the image as it was made is not whole\n");
        return 1;
    }
    for (uint32_t bit = 0; bit < 8 * length; ++bit) {
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (whole()) {
            printf("FAILED: whole with bit %u of byte %u changed\n", bit % 8, bit / 8);
            return 1;
        }
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    uint8_t other[IMAGE_CLASS_BYTES];
    memcpy(other, slots_board, sizeof other);
    other[0] ^= 1;
    if (image_is_whole(image, SLOT_CAPACITY, slots_address(1), slots_board) ||
        image_is_whole(image, SLOT_CAPACITY, slots_address(0), other) ||
        image_is_whole(image, length - 1, slots_address(0), slots_board)) {
        printf("FAILED: whole in the wrong slot, on another board or in too small a slot\n");
        return 1;
    }
    for (uint32_t end = length; end-- > 0;) {
        image[end] = 0xff;
        if (whole()) {
            printf("FAILED: whole when it ends at byte %u\n", end);
            return 1;
        }
    }
    printf("bits %u lengths %u\n", 8 * length, length);
    return 0;
}
