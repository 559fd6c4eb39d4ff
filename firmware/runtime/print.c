#include "print.h"

#include "board.h"
#include "decimal.h"

enum { DIGITS = 22 };

static void put(char character) {
    board_write((uint8_t)character);
}

void print(const char *text) {
    for (; *text != 0; ++text) {
        if (*text == '\n') {
            put('\r');
        }
        put(*text);
    }
}

void print_number(uint64_t value, uint32_t point_digits) {
    char digits[DIGITS + 1];
    char *at = digits + DIGITS;
    *at = 0;
    for (uint32_t i = 0; i <= point_digits || value != 0; ++i) {
        if (i == point_digits && i != 0) {
            *--at = '.';
        }
        *--at = (char)('0' + decimal_divide(&value, 10));
    }
    print(at);
}

void print_byte(uint32_t byte) {
    for (int shift = 4; shift >= 0; shift -= 4) {
        put("0123456789abcdef"[byte >> shift & 15]);
    }
}
