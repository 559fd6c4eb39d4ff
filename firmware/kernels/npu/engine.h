/* The neural engine: runs a list of descriptors while the core waits. hw/npu/registers.toml says
 * what the registers are, hw/npu/descriptor.toml what a descriptor is. */
#ifndef SMIDGEN_KERNELS_NPU_ENGINE_H
#define SMIDGEN_KERNELS_NPU_ENGINE_H

#include "../portable/common.h"

/* Of a list; engine: the value of the register CAPABILITY that it was made for. */
struct smidgen_npu_shape {
    int32_t descriptors;
    int32_t engine;
};

/* The bases are those that the compiler's descriptors name, in this order. */
enum {
    SMIDGEN_NPU_FIRST_INPUT,
    SMIDGEN_NPU_SECOND_INPUT,
    SMIDGEN_NPU_WEIGHTS,
    SMIDGEN_NPU_OUTPUT,
    SMIDGEN_NPU_BASES
};

#ifdef __riscv

#define SMIDGEN_NPU_REGISTER(offset) (*(volatile uint32_t *)(0x30000000u + (offset)))

enum {
    SMIDGEN_NPU_CAPABILITY = 0x04,
    SMIDGEN_NPU_CONTROL = 0x08,
    SMIDGEN_NPU_STATUS = 0x0c,
    SMIDGEN_NPU_INTERRUPT_ENABLE = 0x10,
    SMIDGEN_NPU_ERROR = 0x14,
    SMIDGEN_NPU_LIST = 0x18,
    SMIDGEN_NPU_COUNT = 0x1c,
    SMIDGEN_NPU_BASE0 = 0x20,
    SMIDGEN_NPU_START = 1,
    SMIDGEN_NPU_DONE = 2,
    SMIDGEN_NPU_FAILED = 4
};

/* Ends the program with a trap, whose handler finds the engine's error (code, descriptor << 16), or
 * its capability where that is the reason, in a0. */
SMIDGEN_INLINE void smidgen_npu_fault(uint32_t error) {
    register uint32_t a0 __asm__("a0") = error;
    for (;;)
        __asm__ volatile("ecall" : "+r"(a0) : : "memory");
}

/* What the core does while the engine works, called again and again until it is done. This one
 * sleeps until the engine's interrupt, which need not be taken. A program with better things to do
 * has a function of this name that does a little of them and returns soon. */
__attribute__((weak)) void smidgen_npu_idle(void) {
    __asm__ volatile("wfi" ::: "memory");
}

SMIDGEN_INLINE void smidgen_npu_start(const uint32_t *list, uint32_t descriptors,
                                      const void *const *bases) {
    for (uint32_t i = 0; i < SMIDGEN_NPU_BASES; i++)
        SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_BASE0 + 4 * i) = (uint32_t)(uintptr_t)bases[i];
    SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_LIST) = (uint32_t)(uintptr_t)list;
    SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_COUNT) = descriptors;
    SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_INTERRUPT_ENABLE) = 1;
    __asm__ volatile("" ::: "memory");
    SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_CONTROL) = SMIDGEN_NPU_START;
}

SMIDGEN_INLINE void smidgen_npu_wait(void) {
    uint32_t status;
    while (((status = SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_STATUS)) &
            (SMIDGEN_NPU_DONE | SMIDGEN_NPU_FAILED)) == 0)
        smidgen_npu_idle();
    if ((status & SMIDGEN_NPU_FAILED) != 0)
        smidgen_npu_fault(SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_ERROR));
    SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_STATUS) = SMIDGEN_NPU_DONE; /* ends the interrupt */
    __asm__ volatile("" ::: "memory");
}

/* Called while the engine works, when it costs no time: a list for another one may leave anything
 * in the arena, but nothing is told of that after the trap. */
SMIDGEN_INLINE void smidgen_npu_check(uint32_t engine) {
    uint32_t found = SMIDGEN_NPU_REGISTER(SMIDGEN_NPU_CAPABILITY);
    if (found != engine)
        smidgen_npu_fault(found);
}

#else

/* The program that holds the model runs lists: on a Zynq its driver. */
void smidgen_npu_execute(const uint32_t *list, uint32_t descriptors, const void *const *bases);

#endif

SMIDGEN_INLINE void smidgen_npu_run(const struct smidgen_npu_shape *shape, const uint32_t *list,
                                    const void *first_input, const void *second_input,
                                    const void *weights, void *output) {
    const void *const bases[] = {
        [SMIDGEN_NPU_FIRST_INPUT] = first_input,
        [SMIDGEN_NPU_SECOND_INPUT] = second_input,
        [SMIDGEN_NPU_WEIGHTS] = weights,
        [SMIDGEN_NPU_OUTPUT] = output,
    };
#ifdef __riscv
    smidgen_npu_start(list, (uint32_t)shape->descriptors, bases);
    smidgen_npu_check((uint32_t)shape->engine);
    smidgen_npu_wait();
#else
    smidgen_npu_execute(list, (uint32_t)shape->descriptors, bases);
#endif
}

#endif
