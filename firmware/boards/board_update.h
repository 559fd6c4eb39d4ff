/* What a board that can be updated has beside board.h and flash.h. Its `update_sources` in
 * board.toml define it. */
#ifndef SMIDGEN_BOARD_UPDATE_H
#define SMIDGEN_BOARD_UPDATE_H

#include "image.h"

/* The board resets when so much time passes before the watchdog is stopped. */
void board_watchdog_start(uint32_t milliseconds);
void board_watchdog_stop(void);

/* A word that outlives board_reset and the watchdog, and is 0 after the power came. */
void board_keep(uint32_t word);
uint32_t board_kept(void);

/* Goes on with this image, as after a reset, where it lies or in a copy of it. */
void board_start_image(const image_info *image) __attribute__((noreturn));

#endif
