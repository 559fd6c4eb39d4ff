/* SMP messages over a serial line, as MCUboot, Zephyr and Mynewt frame them: lines of at most 127
 * bytes, 06 09 (first) or 04 14 (further), base64, line feed; in them a 16-bit length, the message
 * and its CRC-16. */
#ifndef SMIDGEN_LINK_H
#define SMIDGEN_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest message, header included. Larger frames pass bulk data faster and cost twice their
 * RAM. */
#ifndef SMIDGEN_FRAME_BYTES
#define SMIDGEN_FRAME_BYTES 552
#endif

enum {
    LINK_LENGTH_BYTES = 2,
    LINK_CRC_BYTES = 2,
    LINK_OVERHEAD = LINK_LENGTH_BYTES + LINK_CRC_BYTES,
    LINK_START = 0x06, /* an SMP line starts with one of these: no text command contains them */
    LINK_CONTINUE = 0x04,
    LINK_SILENCE_MICROSECONDS = 500000 /* ends a frame, where there is a clock */
};

typedef enum { LINK_NOTHING, LINK_MESSAGE, LINK_DAMAGED } link_event;

/* A message with room for its length before and its CRC after it, and for a last group of base64.
 */
typedef struct {
    uint8_t bytes[LINK_OVERHEAD + SMIDGEN_FRAME_BYTES + 3];
} link_frame;

/* A message that has arrived, with LINK_CRC_BYTES of its CRC behind it. */
typedef struct {
    const uint8_t *data;
    uint32_t length;
} link_message;

/* Sleeps until a byte has come. Silence closes an open frame. */
uint8_t link_wait_byte(void);

/* Whether lines of a frame are still due: of one that has begun, or of one that was damaged. */
bool link_is_open(void);

/* Reads the rest of a line whose first byte was LINK_START or LINK_CONTINUE. LINK_MESSAGE:
 * `*message` is a whole one with a right CRC. LINK_DAMAGED: something was lost, once for each
 * frame. */
link_event link_receive_line(uint8_t first, link_message *message);

/* Sends the message that lies at frame + LINK_LENGTH_BYTES; there are LINK_CRC_BYTES free after it.
 */
void link_send(uint8_t *frame, uint32_t length);

#endif
