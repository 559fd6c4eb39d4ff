/* What the examples use of it, for a machine without a C library. */
#ifndef BOARD_STDIO_H
#define BOARD_STDIO_H

#ifdef __cplusplus
extern "C" {
#endif

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif
