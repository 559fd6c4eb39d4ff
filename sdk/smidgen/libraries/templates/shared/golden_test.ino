/* @{title}: does it compute here what it computed where it was made? Prints PASS or FAIL. */
#include <@{name}.h>

#include "golden.h"

@{NAME}_DEFINE_ARENA(arena);

void setup() {
    Serial.begin(115200);
    while (!Serial) {
    }
    unsigned long wrong = golden_test(arena);
    Serial.print(wrong ? "FAIL: " : "PASS: ");
    Serial.print(wrong);
    Serial.println(" output bytes are wrong");
}

void loop() {
}
