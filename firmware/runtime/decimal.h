/* The little arithmetic on 64 bits and on floats that the text front end needs. The compiler's
 * libraries for it are larger than all of that. A float is given by its bits; what is below the
 * smallest normal number counts as 0. */
#ifndef SMIDGEN_DECIMAL_H
#define SMIDGEN_DECIMAL_H

#include <stdint.h>

/* Divides `*value` in place; returns the remainder. */
uint32_t decimal_divide(uint64_t *value, uint32_t by);

/* magnitude * |number| * 1000 rounded to nearest, halves up; magnitude is below 2^30. Saturates at
 * 2^63. */
uint64_t decimal_thousandths(uint32_t magnitude, uint32_t number);

/* |dividend / divisor| rounded to nearest, halves up. Saturates at 2^16 or above. */
uint32_t decimal_ratio(uint32_t dividend, uint32_t divisor);

#endif
