/* A model by hand, for testing the link: two inputs, an integer running sum as state, three layers,
 * two outputs.
 *
 *   sum[i]    = a[i] + b[i]            (layer 0, wraps)
 *   state[i] += sum[i]                 (layer 1)
 *   hi, lo    = state >> 4, state ^ a  (layer 2, two outputs; lo overwrites the input a)
 */
#include "smidgen_agent.h"

#ifndef TOY_BYTES
#define TOY_BYTES 1000
#endif

enum {
    A = 0,
    B = A + TOY_BYTES,
    SUM = B + 8,
    STATE = SUM + TOY_BYTES,
    HI = STATE + TOY_BYTES,
    ARENA = HI + TOY_BYTES
};

static void toy_reset(void *arena) {
    int8_t *state = (int8_t *)arena + STATE;
    for (int i = 0; i < TOY_BYTES; ++i) {
        state[i] = (int8_t)i;
    }
}

/* Ways to go wrong, for the tests that want them. */
#ifdef TOY_DEEP
static int deep(volatile int *from) {
    volatile int here[64] = {*from + 1};
    return deep(here) + here[0];
}
#endif

#ifdef __riscv
#define SCRATCH_REGISTER "t0"
#else
#define SCRATCH_REGISTER "r0"
#endif

/* The layer that runs, counted from 1. */
static volatile uint32_t toy_layer;

static void misbehave(void *arena) {
    (void)arena;
#ifdef TOY_OVERRUN
    ((volatile int8_t *)arena)[ARENA + 3] = 1;
#endif
#ifdef TOY_DEEP
    volatile int from = 0;
    (void)deep(&from);
#endif
#ifdef TOY_TRAP
    (void)*(volatile int *)TOY_TRAP; /* nothing is there */
#endif
#ifdef TOY_HANG
    for (;;) {
    }
#endif
}

static void toy_run_hooked(void *arena, smidgen_hook hook, void *context) {
    int8_t *at = arena;
    toy_layer = 1;
    misbehave(arena);
    if (hook) {
        hook(context, 0, SMIDGEN_LAYER_BEGIN, 0, 0);
    }
    for (int i = 0; i < TOY_BYTES; ++i) {
        at[SUM + i] = (int8_t)(at[A + i] + at[B + i % 8]);
    }
    if (hook) {
        hook(context, 0, SMIDGEN_LAYER_END, at + SUM, TOY_BYTES);
        hook(context, 1, SMIDGEN_LAYER_BEGIN, 0, 0);
    }
    toy_layer = 2;
#ifdef TOY_INSTRUCTION
    __asm__ volatile(TOY_INSTRUCTION ::: SCRATCH_REGISTER, "memory");
#endif
    for (int i = 0; i < TOY_BYTES; ++i) {
        at[STATE + i] = (int8_t)(at[STATE + i] + at[SUM + i]);
    }
    if (hook) {
        hook(context, 1, SMIDGEN_LAYER_END, at + STATE, TOY_BYTES);
        hook(context, 2, SMIDGEN_LAYER_BEGIN, 0, 0);
    }
    toy_layer = 3;
    for (int i = 0; i < TOY_BYTES; ++i) {
        at[HI + i] = (int8_t)(at[STATE + i] >> 4);
        at[A + i] = (int8_t)(at[STATE + i] ^ at[A + i]);
    }
    if (hook) {
        hook(context, 2, SMIDGEN_LAYER_END, at + HI, TOY_BYTES);
        hook(context, 2, SMIDGEN_LAYER_OUTPUT, at + A, TOY_BYTES);
    }
    toy_layer = 0;
}

static void toy_run(void *arena) {
    toy_run_hooked(arena, 0, 0);
}

static const uint32_t wide[] = {1, TOY_BYTES};
static const uint32_t narrow[] = {8};
static const smidgen_tensor inputs[] = {
    {"a", A, TOY_BYTES, SMIDGEN_I8, 2, wide, 0.5f, -3},
    {"b", B, 8, SMIDGEN_I8, 1, narrow, 0.0f, 0},
};
static const smidgen_tensor outputs[] = {
    {"hi", HI, TOY_BYTES, SMIDGEN_I8, 2, wide, 0.25f, 7},
    {"lo", A, TOY_BYTES, SMIDGEN_I8, 2, wide, 0.0f, 0},
};
static const smidgen_layer layers[] = {{"sum", "ADD"}, {"accumulate", "ADD"}, {"split", "SPLIT"}};

#include "toy_golden.h" /* checksums[], computed by the test from its own model of the model */
static const smidgen_golden golden[] = {{TOY_SEED, 4, checksums}, {TOY_SEED, 4, wrong_checksums}};

static const smidgen_model toy = {
    "toy",     "1.0",   ARENA,          2,          2, 3, 2, inputs, outputs, layers, golden,
    toy_reset, toy_run, toy_run_hooked, &toy_layer,
};
const smidgen_model *const smidgen_agent_model = &toy;
