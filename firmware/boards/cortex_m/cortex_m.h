/* The system registers of a Cortex-M (ARMv6-M, ARMv7-M and ARMv8-M Architecture Reference Manuals),
 * and the symbols of the linker script. */
#ifndef SMIDGEN_CORTEX_M_H
#define SMIDGEN_CORTEX_M_H

#include "linked_memory.h"
#include "registers.h"

#define NVIC_ENABLE(interrupt) REGISTER(0xe000e100u + (interrupt) / 32u * 4u)
#define NVIC_CLEAR_PENDING(interrupt) REGISTER(0xe000e280u + (interrupt) / 32u * 4u)
#define NVIC_BIT(interrupt) (1u << (interrupt) % 32u)

#define SCB_VECTORS REGISTER(0xe000ed08u)
#define SCB_RESET REGISTER(0xe000ed0cu)
#define SCB_FAULT_STATUS REGISTER(0xe000ed28u)
#define SCB_HARD_FAULT_STATUS REGISTER(0xe000ed2cu)
#define SCB_MEMORY_FAULT_ADDRESS REGISTER(0xe000ed34u)
#define SCB_BUS_FAULT_ADDRESS REGISTER(0xe000ed38u)
#define SCB_COPROCESSOR_ACCESS REGISTER(0xe000ed88u)
#define SAU_FAULT_STATUS REGISTER(0xe000ede4u)
#define SAU_FAULT_ADDRESS REGISTER(0xe000ede8u)

#define SCB_CONFIGURATION REGISTER(0xe000ed14u)
#define SCB_CACHE_LEVELS REGISTER(0xe000ed78u)
#define SCB_CACHE_SIZE REGISTER(0xe000ed80u)
#define SCB_CACHE_SELECT REGISTER(0xe000ed84u)
#define SCB_INVALIDATE_INSTRUCTIONS REGISTER(0xe000ef50u)
#define SCB_INVALIDATE_DATA_LINE REGISTER(0xe000ef60u)

#define MPU_TYPE REGISTER(0xe000ed90u)
#define MPU_CONTROL REGISTER(0xe000ed94u)
#define MPU_REGION_BASE REGISTER(0xe000ed9cu)
#define MPU_REGION_SIZE REGISTER(0xe000eda0u)

#define DEBUG_CONTROL REGISTER(0xe000edfcu)
#define DWT_CONTROL REGISTER(0xe0001000u)
#define DWT_CYCLES REGISTER(0xe0001004u)
#define DWT_LOCK REGISTER(0xe0001fb0u)

/* Where this file is compiled for ARMv6-M, there are no fault status registers and no DWT cycle
 * counter. */
#if __ARM_ARCH >= 7
#define HAS_MAIN_EXTENSION 1
#else
#define HAS_MAIN_EXTENSION 0
#endif
/* A limit that the hardware compares the stack pointer with: ARMv8-M with the main extension. */
#if __ARM_ARCH >= 8 && !defined(__ARM_ARCH_8M_BASE__)
#define HAS_STACK_LIMIT 1
#else
#define HAS_STACK_LIMIT 0
#endif

/* From the linker script. */
extern uint32_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

#endif
