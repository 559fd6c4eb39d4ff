/* Arm semihosting: services of the debugger or emulator ("Semihosting for AArch32 and AArch64",
 * Arm). A call takes a number and the address of its arguments. */
#ifndef SMIDGEN_SEMIHOSTING_H
#define SMIDGEN_SEMIHOSTING_H

#include <stdint.h>

enum {
    SEMIHOSTING_OPEN = 0x01,
    SEMIHOSTING_WRITE = 0x05,
    SEMIHOSTING_READ = 0x06,
    SEMIHOSTING_SEEK = 0x0a,
    SEMIHOSTING_COMMAND_LINE = 0x15,
    SEMIHOSTING_EXIT = 0x18,

    SEMIHOSTING_UPDATE = 3, /* a mode of OPEN: read and write a binary file that exists */
    SEMIHOSTING_APPLICATION = 0x20026, /* a reason of EXIT: the program has ended, with code 0 */
    SEMIHOSTING_ERROR = 0x20023        /* the program cannot go on, code 1 */
};

static inline int32_t semihosting_call(uint32_t number, uintptr_t arguments) {
    register uint32_t r0 __asm__("r0") = number;
    register uintptr_t r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

#endif
