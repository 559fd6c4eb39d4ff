/* The part of CBOR (RFC 8949) that SMP needs: a map with text keys, flat but for what is skipped.
 * The reader trusts nothing: every length is checked against the bytes that are there. */
#ifndef SMIDGEN_CBOR_H
#define SMIDGEN_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of bytes or text inside the message. */
typedef struct {
    const uint8_t *data;
    uint32_t length;
} cbor_bytes;

/* Whether the bytes are exactly one well-formed map with text keys. Only the map itself may be of
 * indefinite length. */
bool cbor_is_map(const uint8_t *data, size_t length);

/* Read the value of a key from a map that cbor_is_map has accepted. False when the key is missing,
 * or its value has another type or (integers) does not fit 32 bits. */
bool cbor_get_uint(const uint8_t *data, size_t length, const char *key, uint32_t *value);
/* Several: the keys one after the other, each with its end, and an empty one behind the last. */
bool cbor_get_uints(const uint8_t *data, size_t length, const char *keys, uint32_t *values);
bool cbor_get_bytes(const uint8_t *data, size_t length, const char *key, cbor_bytes *value);
bool cbor_get_text(const uint8_t *data, size_t length, const char *key, cbor_bytes *value);
/* Whether the key is there and its value true. */
bool cbor_is_true(const uint8_t *data, size_t length, const char *key);

/* Writes into a buffer; once something did not fit, `overflow` stays set and nothing more is
 * written. */
typedef struct {
    uint8_t *to;
    uint8_t *end;
    bool overflow;
} cbor_writer;

void cbor_put_map(cbor_writer *writer, uint32_t pairs);
void cbor_put_array(cbor_writer *writer, uint32_t items);
void cbor_put_text(cbor_writer *writer, const uint8_t *text, uint32_t length);
void cbor_put_key(cbor_writer *writer, const char *key);
void cbor_put_uint(cbor_writer *writer, uint64_t value);

/* A key and its value. Names longer than CBOR_MAXIMUM_NAME bytes are cut. */
enum { CBOR_MAXIMUM_NAME = 96 };
void cbor_pair_uint(cbor_writer *writer, const char *key, uint64_t value);
void cbor_pair_uints(cbor_writer *writer, const char *keys, const uint32_t *values);
void cbor_pair_int(cbor_writer *writer, const char *key, int32_t value);
void cbor_pair_float(cbor_writer *writer, const char *key, float value);
void cbor_pair_bool(cbor_writer *writer, const char *key, bool value);
void cbor_pair_text(cbor_writer *writer, const char *key, const char *text);
/* Returns where the length bytes go, or NULL on overflow. */
uint8_t *cbor_pair_bytes(cbor_writer *writer, const char *key, uint32_t length);

#endif
