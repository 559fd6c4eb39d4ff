/* Checksums and base64 of the serial line. */
#ifndef SMIDGEN_CODEC_H
#define SMIDGEN_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-16/XMODEM (polynomial 0x1021, start 0), as SMP over serial uses it. */
uint16_t smidgen_crc16(const uint8_t *data, size_t length);

/* CRC-32 of zlib. Pass 0 for the first piece and the result so far for the next. */
uint32_t smidgen_crc32(uint32_t crc, const void *data, size_t length);

/* Base64: digits of the values 0 to 63, and values of all bytes, 64 for the padding character and
 * -1 for what is neither. */
extern const char smidgen_base64_digit[65];
extern const int8_t smidgen_base64_value[256];

#endif
