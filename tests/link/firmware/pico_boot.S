/* The second stage of the RP2040's boot, in targets/pico.toml as words: the boot ROM copies the first 256 bytes
 * of the flash to RAM and runs them there. Sets the flash interface up for reading in place with the command 03h,
 * which every chip understands, and starts the firmware behind it by its vector table. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
boot:
    ldr r0, interface
    movs r1, #0
    str r1, [r0, #0x08] /* off while it is set up */
    movs r2, #4
    str r2, [r0, #0x14] /* a quarter of the system's clock: 31.25 MHz at most, and 03h is good for 33 */
    ldr r2, frame
    str r2, [r0, #0x00]
    str r1, [r0, #0x04] /* one word at a time */
    ldr r2, command
    ldr r3, command_register
    str r2, [r3]
    movs r1, #1
    str r1, [r0, #0x08]
    ldr r0, vectors
    ldr r1, vector_register
    str r0, [r1]
    ldmia r0!, {r1, r2}
    mov sp, r1
    bx r2

    .align 2
interface:
    .word 0x18000000
frame:
    .word 0x001f0300 /* 32 bits each, send the command and the address, then receive */
command:
    .word 0x03000218 /* the command 03h of 8 bits, an address of 24 */
command_register:
    .word 0x180000f4
vectors:
    .word 0x10000100
vector_register:
    .word 0xe000ed08
