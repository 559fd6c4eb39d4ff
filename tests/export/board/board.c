#include "board.h"

#include <stdint.h>

/* Semihosting for AArch32 and AArch64, Release 3.0 (Arm), chapter 6. */
enum { SYS_WRITE0 = 0x04, SYS_EXIT = 0x18 };
enum { STOPPED_RUN_TIME_ERROR = 0x20023, STOPPED_APPLICATION_EXIT = 0x20026 };

#define CPACR (*(volatile uint32_t *)0xe000ed88u)

extern uint32_t __data[], __data_end[], __data_load[], __bss[], __bss_end[], __stack_top[];

int main(void);

static void semihosting(uintptr_t operation, uintptr_t parameter) {
    register uintptr_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = parameter;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_write(const char *text) {
    semihosting(SYS_WRITE0, (uintptr_t)text);
}

void board_write_unsigned(unsigned value) {
    char digits[12];
    char *digit = digits + sizeof digits - 1;
    *digit = '\0';
    do {
        *--digit = (char)('0' + value % 10u);
        value /= 10u;
    } while (value);
    board_write(digit);
}

void board_exit(int status) {
    semihosting(SYS_EXIT, status ? STOPPED_RUN_TIME_ERROR : STOPPED_APPLICATION_EXIT);
    for (;;) {
    }
}

void board_start(void) {
    uint32_t *from = __data_load;
    CPACR |= 0x00f00000u; /* the floating-point and vector unit, where there is one */
    __asm__ volatile("dsb\n isb" ::: "memory");
    for (uint32_t *to = __data; to < __data_end; ++to, ++from) {
        *to = *from;
    }
    for (uint32_t *to = __bss; to < __bss_end; ++to) {
        *to = 0;
    }
    board_exit(main());
}

static void board_fault(void) {
    board_exit(1);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    (void *)__stack_top,  (void *)&board_start, (void *)&board_fault, (void *)&board_fault,
    (void *)&board_fault, (void *)&board_fault, (void *)&board_fault, (void *)&board_fault,
};
