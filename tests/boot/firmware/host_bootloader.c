/* The board of a bootloader that is an ordinary process: its line is the host board's, its flash
 * the file FLASH of the environment, written when it ends. Starting an image ends it with code 40
 * and the slot's number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board_update.h"
#include "nor_model.h"
#include "slots.h"

static void save(void) {
    FILE *stream = fopen(getenv("FLASH"), "wb");
    fwrite(nor_bytes, 1, sizeof nor_bytes, stream);
    fclose(stream);
}

__attribute__((constructor)) static void load(void) {
    FILE *stream = fopen(getenv("FLASH"), "rb");
    memset(nor_bytes, 0xff, sizeof nor_bytes);
    if (stream != NULL && fread(nor_bytes, 1, sizeof nor_bytes, stream) != 0) {
        fclose(stream);
    }
    atexit(save);
}

void board_watchdog_start(uint32_t milliseconds) {
    (void)milliseconds;
}

void board_keep(uint32_t word) {
    (void)word;
}

uint32_t board_kept(void) {
    return getenv("STAY") != NULL;
}

void board_start_image(const image_info *image) {
    exit(40 + (int)slots_holding(image->address));
}
