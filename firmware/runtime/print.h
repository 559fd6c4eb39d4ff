/* Text to the serial line. A line feed goes out as carriage return and line feed. */
#ifndef SMIDGEN_PRINT_H
#define SMIDGEN_PRINT_H

#include <stdint.h>

void print(const char *text);
/* A number with at least one digit before a point, where point_digits come behind one, and no point
 * for 0. */
void print_number(uint64_t value, uint32_t point_digits);
/* Two hexadecimal digits. */
void print_byte(uint32_t byte);

#endif
