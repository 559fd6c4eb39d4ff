/* A Cortex-M whose only device is its debugger: output and the end of the program go through
 * semihosting. */
#ifndef BOARD_H
#define BOARD_H

#ifdef __cplusplus
extern "C" {
#endif

void board_write(const char *text);
void board_write_unsigned(unsigned value);

/* Ends the program; status 0 is success. */
void board_exit(int status) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
