/* Exceptions are reported with a cause of their own for each bit of the fault status registers, so
 * that the host can explain them; sdk/smidgen/device/protocol.py has the same numbers. */
#include "board.h"
#include "cortex_m.h"

#include "smidgen_agent.h"

enum {
    CAUSE_FAULT_STATUS = 32, /* plus the number of the highest bit that is set in CFSR */
    CAUSE_STACK_OVERFLOW = 64,
    CAUSE_HARD_FAULT = 65, /* and nothing more is known, as on ARMv6-M */
    CAUSE_VECTOR = 66,
    CAUSE_SECURE_FAULT = 67,
    CAUSE_UNEXPECTED = 68, /* an exception that is no fault: address is its number */

    FIRST_FAULT = 3,
    LAST_FAULT = 7,

    MEMORY_ADDRESS_VALID = 1 << 7,
    BUS_ADDRESS_VALID = 1 << 15,
    STACK_LIMIT_VIOLATION = 1 << 20,
    VECTOR_FAULT = 1 << 1
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

void cortex_m_report(uint32_t frame, uint32_t pc) {
    uint32_t exception;
    __asm__("mrs %0, ipsr" : "=r"(exception));
    if (exception < FIRST_FAULT || exception > LAST_FAULT) {
        smidgen_agent_fault(CAUSE_UNEXPECTED, pc, exception);
    }
    if (frame < (uint32_t)(uintptr_t)__stack_start) {
        smidgen_agent_fault(CAUSE_STACK_OVERFLOW, 0, frame);
    }
#if HAS_MAIN_EXTENSION
    uint32_t status = SCB_FAULT_STATUS;
#if HAS_STACK_LIMIT
    if ((status & STACK_LIMIT_VIOLATION) != 0) {
        smidgen_agent_fault(CAUSE_STACK_OVERFLOW, 0, frame);
    }
    if ((SAU_FAULT_STATUS & 0xffu) != 0) {
        smidgen_agent_fault(CAUSE_SECURE_FAULT, pc, SAU_FAULT_ADDRESS);
    }
#endif
    if ((SCB_HARD_FAULT_STATUS & VECTOR_FAULT) != 0) {
        smidgen_agent_fault(CAUSE_VECTOR, pc, 0);
    }
    uint32_t address = (status & BUS_ADDRESS_VALID) != 0      ? SCB_BUS_FAULT_ADDRESS
                       : (status & MEMORY_ADDRESS_VALID) != 0 ? SCB_MEMORY_FAULT_ADDRESS
                                                              : 0;
    status &= ~(uint32_t)(BUS_ADDRESS_VALID | MEMORY_ADDRESS_VALID);
    if (status != 0) {
        smidgen_agent_fault(CAUSE_FAULT_STATUS + 31u - (uint32_t)__builtin_clz(status), pc,
                            address);
    }
#endif
    smidgen_agent_fault(CAUSE_HARD_FAULT, pc, 0);
}
