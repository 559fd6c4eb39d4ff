#include "decimal.h"

enum {
    SIGNIFICAND_BITS = 23,
    HIDDEN_BIT = 1 << SIGNIFICAND_BITS,
    EXPONENT_MASK = 255,
    EXPONENT_BIAS = 127 + SIGNIFICAND_BITS, /* of the significand as an integer */
    RATIO_BITS = 4,                         /* behind the point: enough to round right */
    RATIO_LIMIT_BITS = 16,
    LAST_BIT = 63
};

uint32_t decimal_divide(uint64_t *value, uint32_t by) {
    uint64_t quotient = *value;
    uint64_t remainder = 0;
    for (int i = 0; i <= LAST_BIT; ++i) {
        remainder = remainder << 1 | quotient >> LAST_BIT;
        quotient <<= 1;
        if (remainder >= by) {
            remainder -= by;
            quotient |= 1;
        }
    }
    *value = quotient;
    return (uint32_t)remainder;
}

/* |number| is significand * 2^exponent. */
static int32_t exponent(uint32_t number) {
    return (int32_t)(number >> SIGNIFICAND_BITS & EXPONENT_MASK) - EXPONENT_BIAS;
}

static uint32_t significand(uint32_t number) {
    return exponent(number) == -EXPONENT_BIAS ? 0 : (number & (HIDDEN_BIT - 1)) | HIDDEN_BIT;
}

uint64_t decimal_thousandths(uint32_t magnitude, uint32_t number) {
    uint64_t value = (uint64_t)(magnitude * UINT64_C(1000)) * significand(number);
    int32_t left = exponent(number);
    if (value == 0 || left < -LAST_BIT) {
        return 0;
    }
    if (left < 0) {
        return ((value >> (-left - 1)) + 1) >> 1;
    }
    for (; left != 0 && value >> LAST_BIT == 0; --left) {
        value <<= 1;
    }
    return value;
}

uint32_t decimal_ratio(uint32_t dividend, uint32_t divisor) {
    int32_t left = exponent(dividend) - exponent(divisor) + RATIO_BITS;
    uint64_t quotient = significand(dividend);
    uint32_t by = significand(divisor);
    if (left < 0) {
        return 0;
    }
    if (by == 0 || left > RATIO_LIMIT_BITS + RATIO_BITS) {
        return quotient == 0 ? 0 : 1u << RATIO_LIMIT_BITS;
    }
    quotient <<= left;
    decimal_divide(&quotient, by);
    return ((uint32_t)quotient + (1u << (RATIO_BITS - 1))) >> RATIO_BITS;
}
