/* Two whole models. */
#include "first/model.h"
#include "second/model.h"
#include "switching.h"

FIRST_DEFINE_ARENA(first_arena);
SECOND_DEFINE_ARENA(second_arena);

static int8_t inputs[VARIANTS][FIRST_INPUT_0_BYTES];

void prepare(void) {
    for (uint32_t variant = 0; variant < VARIANTS; variant++)
        for (uint32_t i = 0; i < FIRST_INPUT_0_BYTES; i++)
            inputs[variant][i] = (int8_t)next_random();
    first_reset(first_arena);
    second_reset(second_arena);
}

uint32_t compute(uint32_t program, uint32_t variant) {
    int8_t *const x = program ? second_input_0(second_arena) : first_input_0(first_arena);
    for (uint32_t i = 0; i < FIRST_INPUT_0_BYTES; i++)
        x[i] = inputs[variant][i];
    if (program) {
        second_run(second_arena);
        return checksum(second_output_0(second_arena), SECOND_OUTPUT_0_BYTES);
    }
    first_run(first_arena);
    return checksum(first_output_0(first_arena), FIRST_OUTPUT_0_BYTES);
}
