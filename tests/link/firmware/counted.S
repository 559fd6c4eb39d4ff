/* Executes BODY three times between the marks of a run, each time after a layer that does nothing, and then
 * ends QEMU by semihosting. Nothing but BODY lies between the marks. */
    .syntax unified
    .thumb

    .section .vectors, "a"
    .word 0x20001000
    .word start + 1

    .text
    .thumb_func
    .global start
start:
#ifdef __ARM_FEATURE_MVE
    ldr r0, =0xe000ed88 /* CPACR: the vector unit on */
    mov r1, #0xf00000
    str r1, [r0]
    dsb
    isb
#endif
    movs r7, #3
again:
    .global smidgen_mark_layer_begin, smidgen_mark_layer_end
smidgen_mark_layer_begin:
    nop
smidgen_mark_layer_end:
    nop
    .global smidgen_mark_run_begin, smidgen_mark_run_end
smidgen_mark_run_begin:
    nop
    BODY
smidgen_mark_run_end:
    nop
    subs r7, #1
    beq end
    b again
end:
    movs r0, #0x18 /* exit */
    ldr r1, =0x20026 /* the application has ended */
    bkpt #0xab

    .thumb_func
function:
    adds r0, #1
    bx lr

    .pool
    .align 4
data:
    .space 64
