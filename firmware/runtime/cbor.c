#include "cbor.h"

#include "mem.h"

enum {
    CBOR_UINT = 0,
    CBOR_NEGATIVE = 1,
    CBOR_BYTES = 2,
    CBOR_TEXT = 3,
    CBOR_ARRAY = 4,
    CBOR_MAP = 5,
    CBOR_TAG = 6,
    CBOR_SIMPLE = 7,
    CBOR_FALSE = 0xf4,
    CBOR_TRUE = 0xf5,
    CBOR_FLOAT32 = 0xfa,
    OPEN_MAP = 0xbf,
    BREAK = 0xff,
};

/* One data item's head: its major type and its argument (a value, a length or a count). */
typedef struct {
    uint32_t major;
    uint32_t argument;
    bool wide; /* the argument does not fit 32 bits */
} cbor_head;

/* Reads a head of definite length. Returns the byte after it, or NULL when the bytes end or mean
 * nothing. */
static const uint8_t *read_head(const uint8_t *at, const uint8_t *end, cbor_head *head) {
    if (at == end) {
        return NULL;
    }
    uint32_t first = *at++;
    uint32_t detail = first & 31;
    uint32_t value = detail;
    head->major = first >> 5;
    head->wide = false;
    if (detail > 27) {
        return NULL;
    }
    if (detail >= 24) {
        uint32_t size = 1u << (detail - 24);
        if ((size_t)(end - at) < size) {
            return NULL;
        }
        value = 0;
        for (uint32_t i = 0; i < size; ++i) {
            head->wide = head->wide || (value >> 24) != 0;
            value = value << 8 | *at++;
        }
    }
    head->argument = value;
    return at;
}

/* Skips one item with everything in it. Returns the byte after it, or NULL when it is malformed.
 * Arrays and maps only add to the number of items to come, so nesting costs no stack. */
static const uint8_t *skip(const uint8_t *at, const uint8_t *end) {
    uint32_t pending = 1;
    while (pending != 0) {
        cbor_head head;
        at = read_head(at, end, &head);
        if (at == NULL) {
            return NULL;
        }
        --pending;
        if (head.major >= CBOR_BYTES && head.major <= CBOR_MAP) {
            /* Each byte of a string and each item takes a byte at least. */
            if (head.wide || head.argument > (size_t)(end - at)) {
                return NULL;
            }
        }
        if (head.major == CBOR_BYTES || head.major == CBOR_TEXT) {
            at += head.argument;
        } else if (head.major == CBOR_ARRAY) {
            pending += head.argument;
        } else if (head.major == CBOR_MAP) {
            pending += 2 * head.argument;
        } else if (head.major == CBOR_TAG) {
            ++pending;
        }
        if (pending > (size_t)(end - at)) {
            return NULL;
        }
    }
    return at;
}

static bool is_key(const uint8_t *text, uint32_t length, const char *key) {
    for (; length != 0; --length, ++text, ++key) {
        if (*key == 0 || (uint8_t)*key != *text) {
            return false;
        }
    }
    return *key == 0;
}

/* Walks the pairs of the map that fills data to end. With a key, returns where its value starts or
 * NULL; without one, returns end when the whole map is well-formed or NULL. */
static const uint8_t *walk(const uint8_t *at, const uint8_t *end, const char *key) {
    uint32_t pairs = 0;
    bool open = at != end && *at == OPEN_MAP;
    if (open) {
        ++at;
    } else {
        cbor_head head;
        at = read_head(at, end, &head);
        if (at == NULL || head.major != CBOR_MAP || head.wide) {
            return NULL;
        }
        pairs = head.argument;
    }
    for (;;) {
        if (open && at != end && *at == BREAK) {
            ++at;
            break;
        }
        if (!open && pairs-- == 0) {
            break;
        }
        cbor_head name;
        const uint8_t *text = read_head(at, end, &name);
        if (text == NULL || name.major != CBOR_TEXT || name.wide ||
            name.argument > (size_t)(end - text)) {
            return NULL;
        }
        at = text + name.argument;
        if (key != NULL && is_key(text, name.argument, key)) {
            return at;
        }
        at = skip(at, end);
        if (at == NULL) {
            return NULL;
        }
    }
    return key == NULL && at == end ? at : NULL;
}

bool cbor_is_map(const uint8_t *data, size_t length) {
    return walk(data, data + length, NULL) != NULL;
}

bool cbor_get_uint(const uint8_t *data, size_t length, const char *key, uint32_t *value) {
    const uint8_t *end = data + length;
    const uint8_t *at = walk(data, end, key);
    cbor_head head;
    if (at == NULL || read_head(at, end, &head) == NULL || head.major != CBOR_UINT || head.wide) {
        return false;
    }
    *value = head.argument;
    return true;
}

bool cbor_get_uints(const uint8_t *data, size_t length, const char *keys, uint32_t *values) {
    for (; *keys != 0; keys += strlen(keys) + 1) {
        if (!cbor_get_uint(data, length, keys, values++)) {
            return false;
        }
    }
    return true;
}

bool cbor_is_true(const uint8_t *data, size_t length, const char *key) {
    const uint8_t *end = data + length;
    const uint8_t *at = walk(data, end, key);
    return at != NULL && at != end && *at == CBOR_TRUE;
}

static bool get_string(const uint8_t *at, const uint8_t *end, uint32_t major, cbor_bytes *value) {
    cbor_head head;
    if (at == NULL || (at = read_head(at, end, &head)) == NULL || head.major != major ||
        head.wide || head.argument > (size_t)(end - at)) {
        return false;
    }
    value->data = at;
    value->length = head.argument;
    return true;
}

bool cbor_get_bytes(const uint8_t *data, size_t length, const char *key, cbor_bytes *value) {
    return get_string(walk(data, data + length, key), data + length, CBOR_BYTES, value);
}

bool cbor_get_text(const uint8_t *data, size_t length, const char *key, cbor_bytes *value) {
    return get_string(walk(data, data + length, key), data + length, CBOR_TEXT, value);
}

static void put(cbor_writer *writer, const void *data, uint32_t length) {
    if (writer->overflow || (size_t)(writer->end - writer->to) < length) {
        writer->overflow = true;
        return;
    }
    memcpy(writer->to, data, length);
    writer->to += length;
}

static void put_head(cbor_writer *writer, uint32_t major, uint64_t argument) {
    uint8_t bytes[9];
    uint32_t size = 0; /* of the argument, after the first byte */
    uint32_t detail = (uint32_t)argument;
    if (argument >= 24) {
        detail = 24;
        for (size = 1; size < 8 && argument >> (8 * size) != 0; size *= 2) {
            ++detail;
        }
    }
    bytes[0] = (uint8_t)(major << 5 | detail);
    for (uint32_t i = 0; i < size; ++i) {
        bytes[size - i] = (uint8_t)(argument >> (8 * i));
    }
    put(writer, bytes, size + 1);
}

void cbor_put_map(cbor_writer *writer, uint32_t pairs) {
    put_head(writer, CBOR_MAP, pairs);
}

void cbor_put_array(cbor_writer *writer, uint32_t items) {
    put_head(writer, CBOR_ARRAY, items);
}

void cbor_put_text(cbor_writer *writer, const uint8_t *text, uint32_t length) {
    put_head(writer, CBOR_TEXT, length);
    put(writer, text, length);
}

void cbor_put_key(cbor_writer *writer, const char *key) {
    cbor_put_text(writer, (const uint8_t *)key, (uint32_t)strlen(key));
}

void cbor_put_uint(cbor_writer *writer, uint64_t value) {
    put_head(writer, CBOR_UINT, value);
}

void cbor_pair_uint(cbor_writer *writer, const char *key, uint64_t value) {
    cbor_put_key(writer, key);
    cbor_put_uint(writer, value);
}

void cbor_pair_uints(cbor_writer *writer, const char *keys, const uint32_t *values) {
    for (; *keys != 0; keys += strlen(keys) + 1) {
        cbor_pair_uint(writer, keys, *values++);
    }
}

void cbor_pair_int(cbor_writer *writer, const char *key, int32_t value) {
    cbor_put_key(writer, key);
    if (value < 0) {
        put_head(writer, CBOR_NEGATIVE, ~(uint32_t)value);
    } else {
        put_head(writer, CBOR_UINT, (uint32_t)value);
    }
}

void cbor_pair_float(cbor_writer *writer, const char *key, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint8_t bytes[5] = {CBOR_FLOAT32, (uint8_t)(bits >> 24), (uint8_t)(bits >> 16),
                        (uint8_t)(bits >> 8), (uint8_t)bits};
    cbor_put_key(writer, key);
    put(writer, bytes, sizeof bytes);
}

void cbor_pair_bool(cbor_writer *writer, const char *key, bool value) {
    uint8_t byte = (uint8_t)(CBOR_FALSE + (value ? 1 : 0));
    cbor_put_key(writer, key);
    put(writer, &byte, 1);
}

void cbor_pair_text(cbor_writer *writer, const char *key, const char *text) {
    uint32_t length = (uint32_t)strlen(text);
    if (length > CBOR_MAXIMUM_NAME) {
        length = CBOR_MAXIMUM_NAME;
        while (length != 0 && ((uint8_t)text[length] & 0xc0) == 0x80) {
            --length; /* do not cut a UTF-8 character in two */
        }
    }
    cbor_put_key(writer, key);
    cbor_put_text(writer, (const uint8_t *)text, length);
}

uint8_t *cbor_pair_bytes(cbor_writer *writer, const char *key, uint32_t length) {
    cbor_put_key(writer, key);
    put_head(writer, CBOR_BYTES, length);
    if (writer->overflow || (size_t)(writer->end - writer->to) < length) {
        writer->overflow = true;
        return NULL;
    }
    uint8_t *content = writer->to;
    writer->to += length;
    return content;
}
