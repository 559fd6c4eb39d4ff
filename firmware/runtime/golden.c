#include "golden.h"

/* lowbias32 (Chris Wellons, "Prospecting for hash functions", 2018) of a counter. */
static uint32_t golden_word(uint32_t seed, uint32_t index) {
    uint32_t word = index * 0x9e3779b9u + seed;
    word ^= word >> 16;
    word *= 0x7feb352du;
    word ^= word >> 15;
    word *= 0x846ca68bu;
    return word ^ (word >> 16);
}

void smidgen_golden_fill(const smidgen_model *model, uint8_t *arena, uint32_t seed) {
    uint32_t index = 0;
    for (uint32_t i = 0; i < model->input_count; ++i) {
        const smidgen_tensor *input = &model->inputs[i];
        uint8_t *to = arena + input->offset;
        for (uint32_t byte = 0; byte < input->bytes; ++index) {
            uint32_t word = golden_word(seed, index);
            if (input->dtype == SMIDGEN_F32) {
                word = 0x3f800000u | (word & 0x007fffffu); /* a float in [1, 2) */
            } else if (input->dtype == SMIDGEN_BOOL) {
                word &= 0x01010101u;
            }
            for (uint32_t k = 0; k < 4 && byte < input->bytes; ++k, ++byte) {
                to[byte] = (uint8_t)(word >> (8 * k));
            }
        }
    }
}
