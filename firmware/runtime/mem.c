/* The functions that GCC may call on its own: what a freestanding firmware needs of a C library.
 * Compiled with -fno-builtin and -fno-tree-loop-distribute-patterns, so that no loop here becomes a
 * call to itself. */
#include "mem.h"

#include <stdint.h>

/* May alias anything: words are moved without regard to what was stored there. */
typedef uint32_t __attribute__((may_alias)) word;

enum { WORD = sizeof(word), WORD_MASK = WORD - 1 };

/* Ascending, so it also serves overlapping moves to a lower address. */
static void copy_up(uint8_t *d, const uint8_t *s, size_t count) {
    if ((((uintptr_t)d ^ (uintptr_t)s) & WORD_MASK) == 0) {
        while (count != 0 && ((uintptr_t)d & WORD_MASK) != 0) {
            *d++ = *s++;
            --count;
        }
        for (; count >= 4 * WORD; count -= 4 * WORD, d += 4 * WORD, s += 4 * WORD) {
            const word *from_word = (const word *)(const void *)s;
            word *to_word = (word *)(void *)d;
            word w0 = from_word[0], w1 = from_word[1], w2 = from_word[2], w3 = from_word[3];
            to_word[0] = w0;
            to_word[1] = w1;
            to_word[2] = w2;
            to_word[3] = w3;
        }
    }
    for (; count >= 4; count -= 4, d += 4, s += 4) {
        uint8_t b0 = s[0], b1 = s[1], b2 = s[2], b3 = s[3];
        d[0] = b0;
        d[1] = b1;
        d[2] = b2;
        d[3] = b3;
    }
    while (count-- != 0) {
        *d++ = *s++;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    copy_up(to, from, count);
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= count) {
        copy_up(to, from, count);
        return to;
    }
    d += count; /* the source starts below and overlaps: from the end downwards */
    s += count;
    if ((((uintptr_t)d ^ (uintptr_t)s) & WORD_MASK) == 0) {
        while (count != 0 && ((uintptr_t)d & WORD_MASK) != 0) {
            *--d = *--s;
            --count;
        }
        for (; count >= WORD; count -= WORD) {
            d -= WORD;
            s -= WORD;
            *(word *)(void *)d = *(const word *)(const void *)s;
        }
    }
    while (count-- != 0) {
        *--d = *--s;
    }
    return to;
}

void *memset(void *to, int value, size_t count) {
    uint8_t *d = to;
    uint8_t byte = (uint8_t)value;
    word filler = byte * 0x01010101u;
    while (count != 0 && ((uintptr_t)d & WORD_MASK) != 0) {
        *d++ = byte;
        --count;
    }
    for (; count >= 4 * WORD; count -= 4 * WORD, d += 4 * WORD) {
        word *to_word = (word *)(void *)d;
        to_word[0] = filler;
        to_word[1] = filler;
        to_word[2] = filler;
        to_word[3] = filler;
    }
    for (; count >= WORD; count -= WORD, d += WORD) {
        *(word *)(void *)d = filler;
    }
    while (count-- != 0) {
        *d++ = byte;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t count) {
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (; count != 0; --count, ++x, ++y) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end != 0) {
        ++end;
    }
    return (size_t)(end - text);
}
