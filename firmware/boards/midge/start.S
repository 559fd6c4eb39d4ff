/* Reset and traps. The agent polls: interrupts stay masked, so whatever comes here is a fault. */
    .option arch, +zicsr
    .equ MIE_EXTERNAL, 1 << 11

    .section .text.start, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, __stack_end
    la      t0, trap
    csrw    mtvec, t0
    li      t0, MIE_EXTERNAL
    csrw    mie, t0

    la      a0, __data_start
    la      a1, __data_load
    la      a2, __data_end
    jal     copy
    la      a0, __weights_start /* none, unless there is external memory */
    la      a1, __weights_load
    la      a2, __weights_end
    jal     copy
    la      a0, __bss_start
    la      a2, __bss_end
1:  beq     a0, a2, 2f
    sw      zero, 0(a0)
    addi    a0, a0, 4
    j       1b
2:  call    smidgen_agent_main

/* Words from a1 on to a0 up to a2. */
copy:
1:  beq     a0, a2, 2f
    lw      t0, 0(a1)
    sw      t0, 0(a0)
    addi    a0, a0, 4
    addi    a1, a1, 4
    j       1b
2:  ret

/* The stack may be the cause, so the report starts on a fresh one; a trap in the report ends at once.
 * Kernels of the neural engine make an environment call when it stops, with its error in a0. */
    .equ CAUSE_ENVIRONMENT_CALL, 11
    .balign 4
trap:
    mv      s0, a0
    la      sp, __stack_end
    la      t0, trap_in_report
    csrw    mtvec, t0
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    li      t0, CAUSE_ENVIRONMENT_CALL
    bne     a0, t0, 1f
    mv      a2, s0
1:
    call    smidgen_agent_fault

    .balign 4
trap_in_report:
    li      a0, 0xff
    call    board_exit
