#include "link.h"

#include "board.h"
#include "codec.h"

enum {
    START_SECOND = 0x09,
    CONTINUE_SECOND = 0x14,
    LINE_BASE64_BYTES = 93, /* 124 digits: with two bytes before and one after them, 127 */
    PADDING = 64,           /* the value of '=' */
    LOOKS = 1000            /* at the line before the first at the clock */
};

/* What has arrived of the present frame. */
static struct {
    link_frame frame;
    uint32_t received; /* bytes of the frame so far */
    bool started;
    bool reported; /* the damage of the present frame has been reported */
    bool silent;   /* silence has ended the present line */
} receiver;

/* Watches the line, which wakes nobody, until a byte comes or it has been silent for too long.
 * Returns whether there is a byte. Looking at the clock takes longer than a byte, so that comes
 * second. */
static bool watch(void) {
    uint32_t since = 0;
    for (uint32_t looks = 0; !board_has_byte(); ++looks) {
        if (looks < LOOKS) {
            continue;
        }
        uint32_t now = (uint32_t)board_microseconds();
        if (now == 0) {
            board_wait(); /* there is no clock */
        } else if (looks == LOOKS) {
            since = now;
        } else if (now - since >= LINK_SILENCE_MICROSECONDS) {
            return false;
        }
    }
    return true;
}

bool link_is_open(void) {
    return receiver.started || receiver.reported;
}

uint8_t link_wait_byte(void) {
    if (link_is_open() && !watch()) {
        receiver.started = receiver.reported = false;
    }
    while (!board_has_byte()) {
        board_wait();
    }
    return (uint8_t)board_read();
}

/* The next byte of a line. Silence ends it as a line feed would. */
static uint32_t wait_in_line(void) {
    receiver.silent = receiver.silent || !watch();
    return receiver.silent ? '\n' : board_read();
}

static ALWAYS_INLINE uint32_t next_byte(void) {
    return board_has_byte() ? board_read() : wait_in_line();
}

/* Decodes digits until the line ends. Returns false when anything but whole groups came. `*restart`
 * is the first byte of another line, when one cut this line short, or 0. */
static bool receive_digits(uint8_t *restart) {
    const int8_t *value = smidgen_base64_value;
    uint8_t *to = receiver.frame.bytes + receiver.received;
    const uint8_t *last = receiver.frame.bytes + sizeof receiver.frame.bytes - 3;
    uint32_t byte;
    int32_t padding = 0;
    bool whole = true;
    for (;;) {
        int32_t a, b, c, d;
        if ((a = value[byte = next_byte()]) < 0) {
            break; /* between two groups: the only place where a line may end */
        }
        if ((b = value[byte = next_byte()]) < 0 || (c = value[byte = next_byte()]) < 0 ||
            (d = value[byte = next_byte()]) < 0) {
            whole = false;
            break;
        }
        if (((a | b | c | d | padding) & PADDING) != 0) {
            /* Only the last group is padded: at its end, with one or two characters. */
            whole = whole && padding == 0 && ((a | b) & PADDING) == 0 && (d & PADDING) != 0;
            padding = PADDING;
            if (whole && to <= last) {
                *to++ = (uint8_t)(a << 2 | b >> 4);
            }
            if (whole && to <= last && (c & PADDING) == 0) {
                *to++ = (uint8_t)(b << 4 | c >> 2);
            }
        } else if (to <= last) {
            to[0] = (uint8_t)(a << 2 | b >> 4);
            to[1] = (uint8_t)(b << 4 | c >> 2);
            to[2] = (uint8_t)(c << 6 | d);
            to += 3;
        } else {
            whole = false;
        }
    }
    receiver.received = (uint32_t)(to - receiver.frame.bytes);
    *restart = 0;
    for (; byte != '\n'; byte = next_byte()) {
        if (byte == LINK_START || byte == LINK_CONTINUE) {
            *restart = (uint8_t)byte;
            return false;
        }
        whole = false;
    }
    return whole;
}

static link_event damaged(void) {
    bool reported = receiver.reported;
    receiver.started = false;
    receiver.reported = true;
    return reported ? LINK_NOTHING : LINK_DAMAGED;
}

static link_event receive_line(uint8_t first, link_message *message) {
    const uint8_t *bytes = receiver.frame.bytes;
    bool whole;
    do {
        /* A line that another cuts short is dropped with all before it: its sender repeats itself.
         */
        uint32_t second = next_byte();
        if (first == LINK_START && second == START_SECOND) {
            receiver.started = true;
            receiver.reported = false;
            receiver.received = 0;
        } else if (first != LINK_CONTINUE || second != CONTINUE_SECOND || !receiver.started) {
            receiver.started = false;
        }
        whole = receive_digits(&first);
    } while (first != 0);
    if (!whole || !receiver.started || receiver.received < LINK_OVERHEAD) {
        return damaged();
    }
    uint32_t total = LINK_LENGTH_BYTES + (uint32_t)(bytes[0] << 8 | bytes[1]);
    if (receiver.received < total && total <= LINK_OVERHEAD + SMIDGEN_FRAME_BYTES) {
        return LINK_NOTHING;
    }
    if (receiver.received != total || total < LINK_OVERHEAD ||
        smidgen_crc16(bytes + LINK_LENGTH_BYTES, total - LINK_LENGTH_BYTES) != 0) {
        return damaged();
    }
    receiver.started = false;
    *message = (link_message){bytes + LINK_LENGTH_BYTES, total - LINK_OVERHEAD};
    return LINK_MESSAGE;
}

link_event link_receive_line(uint8_t first, link_message *message) {
    receiver.silent = false;
    link_event event = receive_line(first, message);
    if (receiver.silent) {
        receiver.started = receiver.reported = false;
    }
    return event;
}

static ALWAYS_INLINE void send_group(uint32_t a, uint32_t b, uint32_t c) {
    board_write((uint8_t)smidgen_base64_digit[a >> 2]);
    board_write((uint8_t)smidgen_base64_digit[(a << 4 | b >> 4) & 63]);
    board_write((uint8_t)smidgen_base64_digit[(b << 2 | c >> 6) & 63]);
    board_write((uint8_t)smidgen_base64_digit[c & 63]);
}

static void send_line(const uint8_t *from, uint32_t length) {
    for (; length >= 3; length -= 3, from += 3) {
        send_group(from[0], from[1], from[2]);
    }
    if (length != 0) {
        uint32_t a = from[0];
        uint32_t b = length == 2 ? from[1] : 0;
        board_write((uint8_t)smidgen_base64_digit[a >> 2]);
        board_write((uint8_t)smidgen_base64_digit[(a << 4 | b >> 4) & 63]);
        board_write(length == 2 ? (uint8_t)smidgen_base64_digit[(b << 2) & 63] : '=');
        board_write('=');
    }
    board_write('\n');
}

void link_send(uint8_t *frame, uint32_t length) {
    uint32_t crc = smidgen_crc16(frame + LINK_LENGTH_BYTES, length);
    uint32_t left = length + LINK_OVERHEAD;
    frame[0] = (uint8_t)((length + LINK_CRC_BYTES) >> 8);
    frame[1] = (uint8_t)(length + LINK_CRC_BYTES);
    frame[LINK_LENGTH_BYTES + length] = (uint8_t)(crc >> 8);
    frame[LINK_LENGTH_BYTES + length + 1] = (uint8_t)crc;
    board_write(LINK_START);
    board_write(START_SECOND);
    while (left > LINE_BASE64_BYTES) {
        send_line(frame, LINE_BASE64_BYTES);
        frame += LINE_BASE64_BYTES;
        left -= LINE_BASE64_BYTES;
        board_write(LINK_CONTINUE);
        board_write(CONTINUE_SECOND);
    }
    send_line(frame, left);
    board_flush();
}
