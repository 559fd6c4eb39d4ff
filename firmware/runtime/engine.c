#include "engine.h"

#include "board.h"

#define REGISTER(offset) (*(volatile uint32_t *)(BOARD_NPU_ADDRESS + (offset)))

enum {
    SMIDGEN_NPU_COUNT = 0x1c,
    SMIDGEN_NPU_CYCLES = 0x30,
    SMIDGEN_NPU_BYTES_READ = 0x34,
    SMIDGEN_NPU_BYTES_WRITTEN = 0x38,
    SMIDGEN_NPU_RECORD_SELECT = 0x40,
    SMIDGEN_NPU_RECORD_CYCLES = 0x44, /* and the others behind it */
    KEPT_RECORDS = 256
};

typedef struct {
    engine_row *rows;
    uint32_t capacity;
    uint32_t skip;
    uint32_t count;
} engine_context;

static void put(engine_context *context, const engine_row *row) {
    uint32_t place = context->count++ - context->skip; /* wraps where it is before */
    if (place < context->capacity) {
        context->rows[place] = *row;
    }
}

static void engine_hook(void *context, uint32_t layer, uint32_t event, const void *output,
                        uint32_t bytes) {
    (void)output;
    (void)bytes;
    if (event == SMIDGEN_LAYER_BEGIN) {
        REGISTER(SMIDGEN_NPU_COUNT) = 0; /* no list has so few: a layer that runs one writes more */
    }
    uint32_t count = REGISTER(SMIDGEN_NPU_COUNT);
    if (event != SMIDGEN_LAYER_END || count == 0) {
        return;
    }
    uint32_t kept = count < KEPT_RECORDS ? count : KEPT_RECORDS;
    engine_row row = {{layer, count, REGISTER(SMIDGEN_NPU_CYCLES), REGISTER(SMIDGEN_NPU_BYTES_READ),
                       REGISTER(SMIDGEN_NPU_BYTES_WRITTEN), kept}};
    put(context, &row);
    for (uint32_t index = count - kept; index < count; ++index) {
        REGISTER(SMIDGEN_NPU_RECORD_SELECT) = index;
        for (uint32_t i = 0; i < ENGINE_ROW_VALUES; ++i) {
            row.values[i] = REGISTER(SMIDGEN_NPU_RECORD_CYCLES + 4 * i);
        }
        put(context, &row);
    }
}

uint32_t engine_records(const smidgen_model *model, void *arena, engine_row *rows,
                        uint32_t capacity, uint32_t skip) {
    engine_context context = {rows, capacity, skip, 0};
    model->run_hooked(arena, engine_hook, &context);
    return context.count;
}
