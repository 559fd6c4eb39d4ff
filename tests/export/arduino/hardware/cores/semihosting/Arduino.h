/* What the examples use of Arduino, on a machine whose only device is its debugger. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stdint.h>
#include <string.h>

class SemihostingSerial {
  public:
    void begin(unsigned long baud);
    operator bool() { return true; }
    void print(const char *text);
    void print(unsigned long value);
    void println(const char *text);
    void println(unsigned long value);
};

extern SemihostingSerial Serial;

void setup();
void loop();

#endif
