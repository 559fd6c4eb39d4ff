#include "Arduino.h"

extern "C" {
void board_write(const char *text);
void board_write_unsigned(unsigned value);
void board_exit(int status);
}

SemihostingSerial Serial;

void SemihostingSerial::begin(unsigned long) {}
void SemihostingSerial::print(const char *text) {
    board_write(text);
}
void SemihostingSerial::print(unsigned long value) {
    board_write_unsigned((unsigned)value);
}
void SemihostingSerial::println(const char *text) {
    board_write(text);
    board_write("\n");
}
void SemihostingSerial::println(unsigned long value) {
    print(value);
    board_write("\n");
}

/* A board would call loop() for ever. */
int main() {
    setup();
    loop();
    return 0;
}
