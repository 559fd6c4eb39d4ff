# Smoke test of the simulator: start-up code, and a trap handler that ends the simulation with 64 + mcause.
    .option arch, +zicsr
    .section .text.start
    .globl _start
_start:
    la      sp, _stack_top
    la      t0, trap
    csrw    mtvec, t0
    call    main
exit:
    li      t0, 0x20020000
    sw      a0, 0(t0)
1:  j       1b
    .balign 4
trap:
    csrr    a0, mcause
    addi    a0, a0, 64
    j       exit
