/* @{title}: does it compute here what it computed where it was made? Prints PASS or FAIL. */
#include <stdio.h>

#include "golden.h"

@{NAME}_DEFINE_ARENA(arena);

@{entry} {
    uint32_t wrong = golden_test(arena);
    printf("%s: %u output bytes are wrong\n", wrong ? "FAIL" : "PASS", (unsigned)wrong);
@{end}}
