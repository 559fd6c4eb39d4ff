/* Vectors and reset. The agent polls: interrupts stay masked, so every exception that comes is a
 * fault. */
#include "board_target.h"
#include "cortex_m.h"

#include "smidgen_agent.h"

void cortex_m_reset(void) __attribute__((naked, noreturn));
void cortex_m_start(void) __attribute__((noreturn));
void cortex_m_trap(void); /* faults.c */

#ifdef BOARD_BOOT_HEADER
/* What the chip's boot ROM wants to find before the vectors, word by word. */
__attribute__((section(".boot_header"), used)) static const uint32_t boot_header[] = {
    BOARD_BOOT_HEADER};
#endif

typedef union {
    uint8_t *stack;
    void (*handler)(void);
} vector;

/* clang-format off */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    {.stack = __stack_end}, {.handler = cortex_m_reset},
    {.handler = cortex_m_trap}, {.handler = cortex_m_trap}, {.handler = cortex_m_trap}, {.handler = cortex_m_trap},
    {.handler = cortex_m_trap}, {.handler = cortex_m_trap}, {.handler = cortex_m_trap}, {.handler = cortex_m_trap},
    {.handler = cortex_m_trap}, {.handler = cortex_m_trap}, {.handler = cortex_m_trap}, {.handler = cortex_m_trap},
    {.handler = cortex_m_trap}, {.handler = cortex_m_trap},
};
/* clang-format on */

/* Where a boot loader comes first, neither the stack pointer nor the mask is what a reset leaves.
 */
void cortex_m_reset(void) {
    __asm__ volatile("cpsid i\n\t"
                     "ldr r0, =__stack_end\n\t"
                     "mov sp, r0\n\t"
                     "bl cortex_m_start");
}

enum {
    MPU_REGIONS = 0xff << 8,
    MPU_ENABLE = 1 << 0,
    MPU_DEFAULT_MAP = 1 << 2, /* what no region covers is as without the unit */
    MPU_BASE_VALID = 1 << 4,
    MPU_NO_ACCESS = 1 << 28, /* neither execution nor, with all other bits zero, anything else */
    MPU_REGION_ENABLE = 1 << 0,
    MPU_SMALLEST = 1 << 5,
    GUARD_LIMIT = 1 << 20
};

/* Below the stack the RAM ends, but on some machines something answers there, and an overflow would
 * be lost in it. So where there is a memory protection unit, it forbids the largest region below
 * the stack that its alignment allows, up to 1 MiB. */
static void guard_stack(void) {
#if HAS_STACK_LIMIT
    __asm__ volatile("msr msplim, %0" ::"r"(__stack_start));
#elif HAS_MAIN_EXTENSION
    uint32_t start = (uint32_t)(uintptr_t)__stack_start;
    uint32_t size = start & -start;
    size = size < GUARD_LIMIT ? size : GUARD_LIMIT;
    if ((MPU_TYPE & MPU_REGIONS) != 0 && size >= MPU_SMALLEST) {
        MPU_REGION_BASE = (start - size) | MPU_BASE_VALID;
        MPU_REGION_SIZE =
            MPU_NO_ACCESS | (uint32_t)(__builtin_ctz(size) - 1) << 1 | MPU_REGION_ENABLE;
        MPU_CONTROL = MPU_ENABLE | MPU_DEFAULT_MAP;
        __asm__ volatile("dsb\n\tisb" ::: "memory");
    }
#endif
}

enum {
    CACHE_INSTRUCTIONS = 1 << 0, /* in SCB_CACHE_LEVELS */
    CACHE_DATA = 1 << 1,
    ENABLE_DATA_CACHE = 1 << 16, /* in SCB_CONFIGURATION */
    ENABLE_INSTRUCTION_CACHE = 1 << 17
};

/* Those of a Cortex-M7 or M55 are off after a reset and hold anything: line by line they are
 * emptied first. */
static void enable_caches(void) {
#if HAS_MAIN_EXTENSION
    uint32_t kinds = SCB_CACHE_LEVELS;
    uint32_t enabled = SCB_CONFIGURATION;
    if ((kinds & CACHE_INSTRUCTIONS) != 0 && (enabled & ENABLE_INSTRUCTION_CACHE) == 0) {
        SCB_INVALIDATE_INSTRUCTIONS = 0;
        enabled |= ENABLE_INSTRUCTION_CACHE;
    }
    if ((kinds & CACHE_DATA) != 0 && (enabled & ENABLE_DATA_CACHE) == 0) {
        SCB_CACHE_SELECT = 0;
        __asm__ volatile("dsb" ::: "memory");
        uint32_t size = SCB_CACHE_SIZE;
        uint32_t last_set = size >> 13 & 0x7fff, last_way = size >> 3 & 0x3ff;
        uint32_t set_shift = (size & 7) + 4;
        uint32_t way_shift = last_way != 0 ? (uint32_t)__builtin_clz(last_way) : 0;
        for (uint32_t set = 0; set <= last_set; ++set) {
            for (uint32_t way = 0; way <= last_way; ++way) {
                SCB_INVALIDATE_DATA_LINE = set << set_shift | way << way_shift;
            }
        }
        enabled |= ENABLE_DATA_CACHE;
    }
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    SCB_CONFIGURATION = enabled;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

void cortex_m_start(void) {
#if HAS_MAIN_EXTENSION
    SCB_VECTORS = (uint32_t)(uintptr_t)vectors;
#endif
    guard_stack();
    enable_caches();
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    SCB_COPROCESSOR_ACCESS |= 0xfu << 20; /* full access to the vector and floating-point unit */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    const uint32_t *from = __data_load;
    for (uint32_t *to = __data_start; to != __data_end; ++to) {
        *to = *from++;
    }
    for (uint32_t *to = __bss_start; to != __bss_end; ++to) {
        *to = 0;
    }
    smidgen_agent_main();
}
