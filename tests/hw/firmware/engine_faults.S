# Accesses to the engine's registers and external memory that must fault, and a few that must not: sends mcause of each, 0
# where there is no fault.
    .option arch, +zicsr
    .section .text.start
    .globl _start
_start:
    la      t0, trap
    csrw    mtvec, t0
    li      s0, 0x20000000
    li      a0, 0x30000000

.macro try instruction:vararg
    li      s1, 0
    \instruction
    nop
1:  lw      t1, 4(s0)
    andi    t1, t1, 2
    beqz    t1, 1b
    sw      s1, 0(s0)
.endm
    .option norvc
    try lw t1, 0(a0)            # ID
    try sw zero, 0x10(a0)       # INTERRUPT_ENABLE
    try sb zero, 0x10(a0)       # the engine has whole registers
    try sh zero, 0x12(a0)
    li      a0, 0x30001000
    try lw t1, 0(a0)            # behind the engine
    try sw zero, 0(a0)
    li      a0, 0x80000000
    try lw t1, 0(a0)
    try sb zero, 3(a0)
    li      a0, 0x80000000 + EXTERNAL_BYTES - 4
    try lw t1, 0(a0)
    try lw t1, 4(a0)            # behind external memory
    try sw zero, 4(a0)
    li      t0, 0x20020000
    sw      zero, 0(t0)
2:  j       2b

    .balign 4
trap:
    csrr    s1, mcause
    csrr    t1, mepc
    addi    t1, t1, 4
    csrw    mepc, t1
    mret
