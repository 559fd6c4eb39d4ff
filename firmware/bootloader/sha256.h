/* SHA-256 (FIPS 180-4). */
#ifndef SMIDGEN_SHA256_H
#define SMIDGEN_SHA256_H

#include <stdint.h>

enum { SHA256_BYTES = 32 };

/* The digest of `length` bytes at `data`. */
void sha256(const uint8_t *data, uint32_t length, uint8_t digest[SHA256_BYTES]);

#endif
