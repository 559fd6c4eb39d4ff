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
};

typedef enum { LINK_NOTHING, LINK_MESSAGE, LINK_DAMAGED } link_event;

/* A message with room for its length before and its CRC after it, and for a last group of base64.
 */
typedef struct {
    uint8_t bytes[LINK_OVERHEAD + SMIDGEN_FRAME_BYTES + 3];
} link_frame;

typedef struct {
    link_frame frame;
    uint32_t received; /* bytes of the frame so far */
    bool started;
    bool reported; /* the damage of the present frame has been reported */
} link_receiver;

/* Sleeps until a byte has come. */
uint8_t link_wait_byte(void);

/* Reads the rest of a line whose first byte was LINK_START or LINK_CONTINUE. LINK_MESSAGE: a whole
 * message with a right CRC lies at frame.bytes + LINK_LENGTH_BYTES, `*length` bytes long.
 * LINK_DAMAGED: something was lost, once for each frame. */
link_event link_receive_line(link_receiver *receiver, uint8_t first, uint32_t *length);

/* Sends the message that lies at frame + LINK_LENGTH_BYTES; there are LINK_CRC_BYTES free after it.
 */
void link_send(uint8_t *frame, uint32_t length);

#endif
