# Two programs that take turns: each has a stack; the timer's handler keeps a program's registers there.
    .option arch, +zicsr
    .section .text.start
    .globl _start
_start:
    la      sp, _stack_top
    la      t0, handler
    csrw    mtvec, t0
    call    main
exit:
    li      t0, 0x20020000
    sw      a0, 0(t0)
1:  j       1b

    .macro each_register instruction
    .irp number, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \instruction x\number, 4 * \number(sp)
    .endr
    .endm

    .balign 4
handler:
    addi    sp, sp, -128
    each_register sw
    csrr    a1, mcause
    bgez    a1, failed
    csrr    t0, mepc
    sw      t0, 0(sp)
    mv      a0, sp
    call    switch_program
    mv      sp, a0
    lw      t0, 0(sp)
    csrw    mepc, t0
    each_register lw
    addi    sp, sp, 128
    mret
failed:
    addi    a0, a1, 64
    j       exit
