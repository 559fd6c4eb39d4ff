/* Exceptions are reported with a cause of their own for each bit of the fault status registers, so
 * that the host can explain them; sdk/smidgen/device/protocol.py has the same numbers. */
#include "board.h"
#include "cortex_m.h"

#include "smidgen_agent.h"

enum {
    CAUSE_FAULT_STATUS = 64, /* plus the number of the lowest bit that is set in CFSR */
    CAUSE_HARD_FAULT = 96,   /* and nothing more is known, as on ARMv6-M */
    CAUSE_STACK_OVERFLOW = 97,
    CAUSE_VECTORS = 98,
    CAUSE_SECURE_FAULT = 99,
    CAUSE_UNEXPECTED = 100, /* an exception that is no fault: address is its number */

    FIRST_FAULT = 3,
    LAST_FAULT = 7,

    MEMORY_ADDRESS_VALID = 1 << 7,
    BUS_ADDRESS_VALID = 1 << 15,
    STACK_LIMIT_VIOLATION = 1 << 20,
    UNDEFINED_INSTRUCTION = 1 << 16,
    VECTOR_FAULT = 1 << 1,
    SECURE_FAULTS = 0xff
};

void cortex_m_trap(void) __attribute__((naked));
void cortex_m_report(uint32_t frame, uint32_t pc) __attribute__((noreturn));

/* The stack may be the cause, so the report starts on a fresh one. The exception's frame holds the
 * address of the instruction in its seventh word, unless it lies outside of the stack. */
void cortex_m_trap(void) {
    __asm__ volatile("mov r0, sp\n\t"
                     "movs r1, #0\n\t"
                     "ldr r2, =__stack_start\n\t"
                     "cmp r0, r2\n\t"
                     "blo 1f\n\t"
                     "ldr r1, [r0, #24]\n"
                     "1: ldr r2, =__stack_end\n\t"
                     "mov sp, r2\n\t"
                     "bl cortex_m_report");
}

#if HAS_MAIN_EXTENSION
/* What the fault was about: the address, or the instruction where that is the fault. */
static uint32_t fault_address(uint32_t status, uint32_t pc) {
    if ((status & BUS_ADDRESS_VALID) != 0) {
        return SCB_BUS_FAULT_ADDRESS;
    }
    if ((status & MEMORY_ADDRESS_VALID) != 0) {
        return SCB_MEMORY_FAULT_ADDRESS;
    }
    if ((status & UNDEFINED_INSTRUCTION) != 0) {
        const volatile uint16_t *instruction = (const volatile uint16_t *)(uintptr_t)pc;
        return (uint32_t)instruction[0] << 16 | instruction[1];
    }
    return 0;
}
#endif

static bool stack_overflowed(uint32_t frame) {
#if HAS_STACK_LIMIT
    if ((SCB_FAULT_STATUS & STACK_LIMIT_VIOLATION) != 0) {
        return true;
    }
#endif
    return frame < (uint32_t)(uintptr_t)__stack_start;
}

void cortex_m_report(uint32_t frame, uint32_t pc) {
    uint32_t exception;
    __asm__("mrs %0, ipsr" : "=r"(exception));
    if (exception < FIRST_FAULT || exception > LAST_FAULT) {
        smidgen_agent_fault(CAUSE_UNEXPECTED, pc, exception);
    }
    if (stack_overflowed(frame)) {
        smidgen_agent_fault(CAUSE_STACK_OVERFLOW, 0, frame);
    }
#if HAS_STACK_LIMIT
    if ((SAU_FAULT_STATUS & SECURE_FAULTS) != 0) {
        smidgen_agent_fault(CAUSE_SECURE_FAULT, pc, SAU_FAULT_ADDRESS);
    }
#endif
#if HAS_MAIN_EXTENSION
    if ((SCB_HARD_FAULT_STATUS & VECTOR_FAULT) != 0) {
        smidgen_agent_fault(CAUSE_VECTORS, pc, 0);
    }
    uint32_t status = SCB_FAULT_STATUS;
    if (status != 0) {
        smidgen_agent_fault(CAUSE_FAULT_STATUS + (uint32_t)__builtin_ctz(status), pc,
                            fault_address(status, pc));
    }
#endif
    smidgen_agent_fault(CAUSE_HARD_FAULT, pc, 0);
}
