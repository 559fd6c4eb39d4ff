#include "measure.h"

#include "codec.h"
#include "golden.h"
#include "mem.h"

enum { PAINT = 0xa5 };

/* Names this place for a simulator that counts instructions from outside, as QEMU's boards do. The
 * no-operation belongs to the place alone: what follows may be reached by other ways too. */
#ifdef __arm__
#define MARK(name)                                                                                 \
    __asm__ volatile(".global smidgen_mark_" name "\nsmidgen_mark_" name ": nop" ::: "memory")
#else
#define MARK(name)
#endif

static measure_count counters(void) {
    return (measure_count){board_cycles(), board_instructions()};
}

measure_count measure_run(const smidgen_model *model, void *arena, uint32_t *stack) {
    void (*run)(void *) = model->run;
    measure_paint_stack();
    uint64_t instructions = board_instructions();
    uint64_t cycles = board_cycles();
    MARK("run_begin");
    run(arena);
    MARK("run_end");
    measure_count after = counters();
    uint32_t here = (uint32_t)(board_stack().end - board_stack_pointer());
    uint32_t depth = measure_stack_depth();
    *stack = depth > here ? depth - here : 0;
    return (measure_count){after.cycles - cycles, after.instructions - instructions};
}

typedef struct {
    measure_count begin;
    measure_count *rows;
    uint32_t capacity;
} profile_context;

static void profile_hook(void *context, uint32_t layer, uint32_t event, const void *output,
                         uint32_t bytes) {
    profile_context *profile = context;
    (void)output;
    (void)bytes;
    if (event == SMIDGEN_LAYER_BEGIN) {
        profile->begin = counters();
        MARK("layer_begin");
    } else if (event == SMIDGEN_LAYER_END && layer < profile->capacity) {
        MARK("layer_end");
        measure_count end = counters();
        profile->rows[layer].cycles += end.cycles - profile->begin.cycles;
        profile->rows[layer].instructions += end.instructions - profile->begin.instructions;
    }
}

/* What the hooks report for a layer that does nothing. */
static measure_count profile_cost(void) {
    smidgen_hook volatile hook = profile_hook; /* called as the model calls it, not inlined */
    measure_count nothing = {0, 0};
    profile_context context = {{0, 0}, &nothing, 1};
    hook(&context, 0, SMIDGEN_LAYER_BEGIN, NULL, 0);
    hook(&context, 0, SMIDGEN_LAYER_END, NULL, 0);
    return nothing;
}

static uint64_t less(uint64_t value, uint64_t cost) {
    return value > cost ? value - cost : 0;
}

measure_count measure_profile(const smidgen_model *model, void *arena, measure_count *rows,
                              measure_count *cost) {
    profile_context context = {{0, 0}, rows, model->layer_count};
    for (uint32_t i = 0; i < model->layer_count; ++i) {
        rows[i] = (measure_count){0, 0};
    }
    *cost = profile_cost();
    measure_count before = counters();
    MARK("profile_begin");
    model->run_hooked(arena, profile_hook, &context);
    MARK("profile_end");
    measure_count after = counters();
    for (uint32_t i = 0; i < model->layer_count; ++i) {
        rows[i].cycles = less(rows[i].cycles, cost->cycles);
        rows[i].instructions = less(rows[i].instructions, cost->instructions);
    }
    return (measure_count){after.cycles - before.cycles, after.instructions - before.instructions};
}

typedef struct {
    measure_checksum *rows;
    uint32_t capacity;
    uint32_t count;
} checksum_context;

static void checksum_hook(void *context, uint32_t layer, uint32_t event, const void *output,
                          uint32_t bytes) {
    checksum_context *checksums = context;
    if (event == SMIDGEN_LAYER_BEGIN) {
        return;
    }
    if (checksums->count < checksums->capacity) {
        checksums->rows[checksums->count] =
            (measure_checksum){layer, smidgen_crc32(0, output, bytes)};
    }
    ++checksums->count;
}

uint32_t measure_checksums(const smidgen_model *model, void *arena, measure_checksum *rows,
                           uint32_t capacity) {
    checksum_context context = {rows, capacity, 0};
    model->run_hooked(arena, checksum_hook, &context);
    return context.count;
}

typedef struct {
    const smidgen_golden *golden;
    measure_selftest result;
} golden_context;

static void golden_hook(void *context, uint32_t layer, uint32_t event, const void *output,
                        uint32_t bytes) {
    golden_context *test = context;
    if (event == SMIDGEN_LAYER_BEGIN || !test->result.passed) {
        return;
    }
    uint32_t index = test->result.checked++;
    uint32_t expected = index < test->golden->checksum_count ? test->golden->checksums[index] : 0;
    uint32_t actual = smidgen_crc32(0, output, bytes);
    if (actual != expected || index >= test->golden->checksum_count) {
        test->result.passed = false;
        test->result.layer = layer;
        test->result.expected = expected;
        test->result.actual = actual;
    }
}

measure_selftest measure_golden(const smidgen_model *model, void *arena,
                                const smidgen_golden *golden) {
    golden_context context = {golden, {0, true, 0, 0, 0}};
    model->reset(arena);
    smidgen_golden_fill(model, arena, golden->seed);
    model->run_hooked(arena, golden_hook, &context);
    if (context.result.passed && context.result.checked != golden->checksum_count) {
        context.result.passed = false; /* fewer tensors than the answer knows */
        context.result.layer = model->layer_count;
    }
    return context.result;
}

void measure_paint(uint8_t *start, uint8_t *end) {
    if (start < end) {
        memset(start, PAINT, (size_t)(end - start));
    }
}

uint32_t measure_painted_depth(const uint8_t *start, const uint8_t *end) {
    while (start < end && end[-1] == PAINT) {
        --end;
    }
    return (uint32_t)(end - start);
}

/* Calls nothing once it has the stack pointer, so that nothing lies below while it is painted. */
void measure_paint_stack(void) {
    board_region stack = board_stack();
    const uint8_t *end = board_stack_pointer();
    for (volatile uint8_t *at = stack.start; at < end; ++at) {
        *at = PAINT;
    }
}

uint32_t measure_stack_depth(void) {
    board_region stack = board_stack();
    const uint8_t *lowest = stack.start;
    while (lowest < stack.end && *lowest == PAINT) {
        ++lowest;
    }
    return (uint32_t)(stack.end - lowest);
}
