#include <stdarg.h>
#include <stdio.h>

#include "board.h"

/* %s and %u; no other conversion is used. */
int printf(const char *format, ...) {
    va_list values;
    va_start(values, format);
    for (; *format; ++format) {
        if (format[0] == '%' && format[1] == 's') {
            board_write(va_arg(values, const char *));
            ++format;
        } else if (format[0] == '%' && format[1] == 'u') {
            board_write_unsigned(va_arg(values, unsigned));
            ++format;
        } else {
            const char one[2] = {*format, '\0'};
            board_write(one);
        }
    }
    va_end(values);
    return 0;
}
