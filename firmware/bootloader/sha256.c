#include "sha256.h"

#include "mem.h"

enum { BLOCK_BYTES = 64, ROUNDS = 64, LENGTH_BYTES = 8 };

static const uint32_t round_constant[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, uint32_t count) {
    return value >> count | value << (32 - count);
}

static void add_block(uint32_t state[8], const uint8_t *block) {
    uint32_t word[16];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (uint32_t i = 0; i < ROUNDS; ++i) {
        uint32_t *scheduled = &word[i & 15];
        if (i < 16) {
            *scheduled = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                         (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
        } else {
            uint32_t early = word[(i + 1) & 15], late = word[(i + 14) & 15];
            *scheduled += (rotate(early, 7) ^ rotate(early, 18) ^ early >> 3) + word[(i + 9) & 15] +
                          (rotate(late, 17) ^ rotate(late, 19) ^ late >> 10);
        }
        h += (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
             round_constant[i] + *scheduled;
        uint32_t next =
            h + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        uint32_t carried = d + h;
        h = g, g = f, f = e, e = carried, d = c, c = b, b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256(const uint8_t *data, uint32_t length, uint8_t digest[SHA256_BYTES]) {
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t last[2 * BLOCK_BYTES] = {0};
    uint32_t rest = length % BLOCK_BYTES;
    uint32_t last_bytes = rest + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    for (const uint8_t *end = data + (length - rest); data < end; data += BLOCK_BYTES) {
        add_block(state, data);
    }
    memcpy(last, data, rest);
    last[rest] = 0x80;
    for (uint32_t i = 0; i < 5; ++i) { /* the length in bits, of which there are at most 35 */
        last[last_bytes - 1 - i] = (uint8_t)(((uint64_t)length << 3) >> (8 * i));
    }
    for (uint32_t i = 0; i < last_bytes; i += BLOCK_BYTES) {
        add_block(state, last + i);
    }
    for (uint32_t i = 0; i < SHA256_BYTES; ++i) {
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
