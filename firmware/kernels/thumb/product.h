/* Products of blocks for plain Thumb: 4 output channels with 2 patches, or with 1 vector.
 *
 * Weights lie in blocks of 4 output channels, [block][depth][4]; where the channels are no multiple
 * of 4, the last block begins early. Each is stored as 128 more than it is, since ARMv6-M loads
 * bytes at a constant offset without a sign only; 128 times the sum of the inputs is taken off
 * again. Inputs are widened to words, [pair of patches][depth][patch]. */
#ifndef SMIDGEN_KERNELS_THUMB_PRODUCT_H
#define SMIDGEN_KERNELS_THUMB_PRODUCT_H

#include "thumb.h"

#define SMIDGEN_THUMB_ROW 4 /* sums of a channel, one for each patch */

/* Of a block of 4 channels. */
struct smidgen_thumb_parameters {
    int32_t bias[4];
    uint32_t multiplier[4];
    int8_t shift[4];
};

/* One matrix product. depth: inputs per output; channels: at least 4; pixel_stride: bytes from one
 * patch's outputs to the next's. */
struct smidgen_thumb_block {
    const uint8_t *weights;
    const struct smidgen_thumb_parameters *parameters;
    int32_t depth, channels, pixel_stride;
    struct smidgen_output output;
};

/* Widens n inputs to every step-th word, and adds them to sum. */
SMIDGEN_SHARED uint32_t smidgen_thumb_widen(const int8_t *x, int32_t n, uint32_t *target,
                                            ptrdiff_t step, uint32_t sum) {
    for (; SMIDGEN_UNROLL && n >= 4; n -= 4, x += 4) {
        const uint32_t x0 = (uint32_t)x[0], x1 = (uint32_t)x[1];
        const uint32_t x2 = (uint32_t)x[2], x3 = (uint32_t)x[3];
        *target = x0;
        target += step;
        *target = x1;
        target += step;
        *target = x2;
        target += step;
        *target = x3;
        target += step;
        sum += x0 + x1 + x2 + x3;
    }
    for (; n > 0; n--, target += step) {
        *target = (uint32_t)*x++;
        sum += *target;
    }
    return sum;
}

#ifdef __thumb__
/* r0: inputs, r1: weights, r2 and r3: the inputs of one depth. */
#ifdef SMIDGEN_THUMB_2
#define SMIDGEN_THUMB_BOTH_INPUTS "ldrd r2, r3, [r0], #8\n\t"
#define SMIDGEN_THUMB_ONE_INPUT "ldr r2, [r0], #4\n\t"
#define SMIDGEN_THUMB_BOTH(offset, first, second)                                                  \
    "ldrb r4, [r1, #" offset "]\n\t"                                                               \
    "mla " first ", r2, r4, " first "\n\t"                                                         \
    "mla " second ", r3, r4, " second "\n\t"
#define SMIDGEN_THUMB_ONE(offset, sum)                                                             \
    "ldrb r4, [r1, #" offset "]\n\t"                                                               \
    "mla " sum ", r2, r4, " sum "\n\t"
#else
#define SMIDGEN_THUMB_BOTH_INPUTS "ldmia r0!, {r2, r3}\n\t"
#define SMIDGEN_THUMB_ONE_INPUT "ldmia r0!, {r2}\n\t"
#define SMIDGEN_THUMB_BOTH(offset, first, second)                                                  \
    "ldrb r4, [r1, #" offset "]\n\t"                                                               \
    "movs r5, r2\n\t"                                                                              \
    "muls r5, r4, r5\n\t"                                                                          \
    "add " first ", r5\n\t"                                                                        \
    "muls r4, r3, r4\n\t"                                                                          \
    "add " second ", r4\n\t"
#define SMIDGEN_THUMB_ONE(offset, sum)                                                             \
    "ldrb r4, [r1, #" offset "]\n\t"                                                               \
    "muls r4, r2, r4\n\t"                                                                          \
    "add " sum ", r4\n\t"
#endif

#define SMIDGEN_THUMB_DEPTH_2(a, b, c, d)                                                          \
    SMIDGEN_THUMB_BOTH_INPUTS SMIDGEN_THUMB_BOTH(a, "r6", "r7") SMIDGEN_THUMB_BOTH(b, "r8", "r9")  \
        SMIDGEN_THUMB_BOTH(c, "r10", "r11") SMIDGEN_THUMB_BOTH(d, "r12", "lr")
#define SMIDGEN_THUMB_DEPTH_1(a, b, c, d)                                                          \
    SMIDGEN_THUMB_ONE_INPUT SMIDGEN_THUMB_ONE(a, "r6") SMIDGEN_THUMB_ONE(b, "r7")                  \
        SMIDGEN_THUMB_ONE(c, "r8") SMIDGEN_THUMB_ONE(d, "r9")
#if SMIDGEN_UNROLL
#define SMIDGEN_THUMB_DEPTHS(depth)                                                                \
    depth("0", "1", "2", "3") depth("4", "5", "6", "7") depth("8", "9", "10", "11")                \
        depth("12", "13", "14", "15") "adds r1, #16\n\t"
#else
#define SMIDGEN_THUMB_DEPTHS(depth) depth("0", "1", "2", "3") "adds r1, #4\n\t"
#endif

/* Sums begin with the bias (r2) less 128 times the inputs (r3, r4), and end in rows (r0). */
#define SMIDGEN_THUMB_START(bias, first, second)                                                   \
    "ldr r5, [r2, #" bias "]\n\t"                                                                  \
    "subs r6, r5, r3\n\t"                                                                          \
    "mov " first ", r6\n\t" second
#define SMIDGEN_THUMB_START_SECOND(second)                                                         \
    "subs r6, r5, r4\n\t"                                                                          \
    "mov " second ", r6\n\t"
#define SMIDGEN_THUMB_START_2                                                                      \
    SMIDGEN_THUMB_START("4", "r8", SMIDGEN_THUMB_START_SECOND("r9"))                               \
    SMIDGEN_THUMB_START("8", "r10", SMIDGEN_THUMB_START_SECOND("r11"))                             \
    SMIDGEN_THUMB_START("12", "r12", SMIDGEN_THUMB_START_SECOND("lr"))                             \
    "ldr r5, [r2]\n\t"                                                                             \
    "subs r6, r5, r3\n\t"                                                                          \
    "subs r7, r5, r4\n\t"
#define SMIDGEN_THUMB_START_1                                                                      \
    SMIDGEN_THUMB_START("8", "r8", "")                                                             \
    SMIDGEN_THUMB_START("12", "r9", "")                                                            \
    SMIDGEN_THUMB_START("4", "r7", "")                                                             \
    "ldr r5, [r2]\n\t"                                                                             \
    "subs r6, r5, r3\n\t"
#define SMIDGEN_THUMB_STORE_2                                                                      \
    "str r6, [r0]\n\t"                                                                             \
    "str r7, [r0, #4]\n\t"                                                                         \
    "mov r2, r8\n\t"                                                                               \
    "mov r3, r9\n\t"                                                                               \
    "mov r4, r10\n\t"                                                                              \
    "mov r5, r11\n\t"                                                                              \
    "mov r6, r12\n\t"                                                                              \
    "mov r7, lr\n\t"                                                                               \
    "str r2, [r0, #16]\n\t"                                                                        \
    "str r3, [r0, #20]\n\t"                                                                        \
    "str r4, [r0, #32]\n\t"                                                                        \
    "str r5, [r0, #36]\n\t"                                                                        \
    "str r6, [r0, #48]\n\t"                                                                        \
    "str r7, [r0, #52]"
#define SMIDGEN_THUMB_STORE_1                                                                      \
    "mov r2, r8\n\t"                                                                               \
    "mov r3, r9\n\t"                                                                               \
    "str r6, [r0]\n\t"                                                                             \
    "str r7, [r0, #16]\n\t"                                                                        \
    "str r2, [r0, #32]\n\t"                                                                        \
    "str r3, [r0, #48]"

/* Whole turns of the unrolled loop, then depth by depth. Every register is taken, so ends are
 * compared from memory. */
#define SMIDGEN_THUMB_MULTIPLY(start, depth, store)                                                \
    __asm__ volatile(".syntax unified\n\t" start "b 2f\n\t"                                        \
                     "1:\n\t" SMIDGEN_THUMB_DEPTHS(depth) "2:\n\t"                                 \
                                                          "ldr r2, %[turns]\n\t"                   \
                                                          "cmp r0, r2\n\t"                         \
                                                          "bne 1b\n\t"                             \
                                                          "b 4f\n\t"                               \
                                                          "3:\n\t" depth("0", "1", "2",            \
                                                                         "3") "adds r1, #4\n\t"    \
                                                                              "4:\n\t"             \
                                                                              "ldr r2, "           \
                                                                              "%[end]\n\t"         \
                                                                              "cmp r0, r2\n\t"     \
                                                                              "bne 3b\n\t"         \
                                                                              "ldr r0, "           \
                                                                              "%[sums]\n\t" store  \
                     : "+r"(at), "+r"(w), "+r"(bias), "+r"(less_0), "+r"(less_1)                   \
                     : [turns] "m"(turns), [end] "m"(end), [sums] "m"(sums)                        \
                     : "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory")
#endif

/* The sums of 4 channels, in the first columns of rows. less: 128 times the sum of a patch's
 * inputs. */
SMIDGEN_INLINE void smidgen_thumb_multiply(const uint8_t *weights, const int32_t *biases,
                                           const uint32_t *less, const uint32_t *x, int32_t depth,
                                           uint32_t *sums, const int pixels) {
#ifdef __thumb__
    const uint32_t *const end = x + pixels * depth;
    const uint32_t *const turns = x + pixels * (SMIDGEN_UNROLL ? depth & ~3 : depth);
    register const uint32_t *at __asm__("r0") = x;
    register const uint8_t *w __asm__("r1") = weights;
    register const int32_t *bias __asm__("r2") = biases;
    register uint32_t less_0 __asm__("r3") = less[0];
    register uint32_t less_1 __asm__("r4") = less[pixels - 1];
    if (pixels == 2)
        SMIDGEN_THUMB_MULTIPLY(SMIDGEN_THUMB_START_2, SMIDGEN_THUMB_DEPTH_2, SMIDGEN_THUMB_STORE_2);
    else
        SMIDGEN_THUMB_MULTIPLY(SMIDGEN_THUMB_START_1, SMIDGEN_THUMB_DEPTH_1, SMIDGEN_THUMB_STORE_1);
#else
    for (int32_t c = 0; c < 4; c++) {
        for (int32_t i = 0; i < pixels; i++) {
            uint32_t sum = (uint32_t)biases[c] - less[i];
            for (int32_t k = 0; k < depth; k++)
                sum += x[k * pixels + i] * weights[4 * k + c];
            sums[c * SMIDGEN_THUMB_ROW + i] = sum;
        }
    }
#endif
}

/* All channels of `pairs` pairs of patches (pixels 2), or of one vector (pixels 1). less: for each
 * patch 128 times the sum of its inputs. */
SMIDGEN_INLINE void smidgen_thumb_block_body(const struct smidgen_thumb_block *block,
                                             const uint32_t *x, const uint32_t *less, int8_t *out,
                                             const int32_t pairs, const int pixels,
                                             const int variant) {
    const uint8_t *weights = block->weights;
    const struct smidgen_thumb_parameters *parameters = block->parameters;
    /* Copies, since any store of an output might change what pointers lead to. */
    const struct smidgen_output output = block->output;
    const ptrdiff_t pixel_stride = block->pixel_stride;
    int8_t *const last = out + block->channels - 4;
    for (;;) {
        uint32_t sums[4 * SMIDGEN_THUMB_ROW];
        SMIDGEN_KEEP_LOOP
        for (int32_t pair = 0; pair < pairs; pair++)
            smidgen_thumb_multiply(weights, parameters->bias, less + 2 * pair,
                                   x + 2 * pair * block->depth, block->depth, sums + 2 * pair,
                                   pixels);
        SMIDGEN_KEEP_LOOP
        for (int32_t c = 0; c < 4; c++) {
            const struct smidgen_thumb_scaling scaling = smidgen_thumb_scaling(
                parameters->multiplier[c], parameters->shift[c], output.zero_point, variant);
            smidgen_thumb_finish_run(sums + c * SMIDGEN_THUMB_ROW, pairs * pixels, &scaling,
                                     &output, out + c, pixel_stride, variant);
        }
        if (out == last)
            break;
        out += 4;
        if (out > last)
            out = last;
        weights += 4 * block->depth;
        parameters++;
    }
}

#define SMIDGEN_THUMB_BLOCKS(suffix, variant)                                                      \
    SMIDGEN_SHARED void smidgen_thumb_block_2##suffix(const struct smidgen_thumb_block *block,     \
                                                      const uint32_t *x, const uint32_t *less,     \
                                                      int32_t pairs, int8_t *out) {                \
        smidgen_thumb_block_body(block, x, less, out, pairs, 2, variant);                          \
    }                                                                                              \
    SMIDGEN_SHARED void smidgen_thumb_block_1##suffix(const struct smidgen_thumb_block *block,     \
                                                      const uint32_t *x, const uint32_t *less,     \
                                                      int8_t *out) {                               \
        smidgen_thumb_block_body(block, x, less, out, 1, 1, variant);                              \
    }

SMIDGEN_THUMB_FOR_ALL(SMIDGEN_THUMB_BLOCKS)

#endif
