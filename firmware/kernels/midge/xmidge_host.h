/* Xmidge in plain C, for machines without it: what each instruction of xmidge.toml does, on a
 * static state. xmidge.h includes this file where the kernels are tested on the host.
 *
 * An illegal instruction ends the program. Steps between addresses are as wide as the host's
 * pointers. There is no hardware loop: its registers only keep what is set. */
#ifndef SMIDGEN_KERNELS_XMIDGE_HOST_H
#define SMIDGEN_KERNELS_XMIDGE_HOST_H

#include <string.h>

#include "../portable/common.h"

#define XMIDGE_HOST static inline __attribute__((unused))

struct xmidge_machine {
    uint32_t shape, output, window, position, loop_count, loop_start, loop_end;
    uintptr_t pixel_step, column_step, output_step;
    int8_t activations[4][4][4]; /* [pixel or lane][plane][byte] */
    uint32_t accumulator[64], column[4], weight[64], bias[64], multiplier[64], shift[16];
    uint32_t table_a[256], table_b[256];
};

static struct xmidge_machine xmidge_machine;

XMIDGE_HOST void xmidge_require(int legal) {
    if (!legal)
        __builtin_trap();
}

XMIDGE_HOST uint32_t xmidge_bits(uint32_t word, unsigned lowest, unsigned count) {
    return (word >> lowest) & ((1u << count) - 1u);
}

/* Field number `index` of a word of signed fields. */
XMIDGE_HOST int32_t xmidge_signed(uint32_t word, unsigned index, unsigned bits) {
    const uint32_t sign = 1u << (bits - 1);
    return (int32_t)(xmidge_bits(word, index * bits, bits) ^ sign) - (int32_t)sign;
}

/* Steps may be negative: they wrap. */
XMIDGE_HOST void *xmidge_at(const void *base, uintptr_t offset) {
    return (void *)((uintptr_t)base + offset);
}

XMIDGE_HOST uint32_t xmidge_load(const void *address) {
    uint32_t word;
    memcpy(&word, address, sizeof word);
    return word;
}

XMIDGE_HOST uint32_t xmidge_load_aligned(const void *address) {
    xmidge_require(((uintptr_t)address & 3u) == 0);
    return xmidge_load(address);
}

XMIDGE_HOST uint32_t xmidge_width(void) {
    return xmidge_bits(xmidge_machine.shape, 0, 2);
}
XMIDGE_HOST uint32_t xmidge_vector(void) {
    return xmidge_bits(xmidge_machine.shape, 2, 1);
}
XMIDGE_HOST uint32_t xmidge_shared(void) {
    return xmidge_bits(xmidge_machine.shape, 3, 1);
}
XMIDGE_HOST uint32_t xmidge_pixels(void) {
    return xmidge_bits(xmidge_machine.shape, 4, 2) + 1;
}
XMIDGE_HOST uint32_t xmidge_words(void) {
    return xmidge_bits(xmidge_machine.shape, 6, 2) + 1;
}
XMIDGE_HOST uint32_t xmidge_channels(void) {
    return xmidge_bits(xmidge_machine.shape, 8, 6) + 1;
}

/* ------------------------------------------------------------------------------------ registers */

XMIDGE_HOST uint32_t xmidge_length(uint32_t code) {
    switch (code) {
    case XMIDGE_TABLE_A:
    case XMIDGE_TABLE_B:
        return 256;
    case XMIDGE_SHIFT:
        return 16;
    case XMIDGE_COLUMN:
        return 4;
    default:
        return code >= XMIDGE_ACCUMULATOR ? 64 : 1;
    }
}

/* The register's elements; NULL when it holds a step, or does not exist. */
XMIDGE_HOST uint32_t *xmidge_elements(uint32_t code) {
    struct xmidge_machine *const s = &xmidge_machine;
    switch (code) {
    case XMIDGE_SHAPE:
        return &s->shape;
    case XMIDGE_OUTPUT:
        return &s->output;
    case XMIDGE_WINDOW:
        return &s->window;
    case XMIDGE_POSITION:
        return &s->position;
    case XMIDGE_LOOP_COUNT:
        return &s->loop_count;
    case XMIDGE_LOOP_START:
        return &s->loop_start;
    case XMIDGE_LOOP_END:
        return &s->loop_end;
    case XMIDGE_ACCUMULATOR:
        return s->accumulator;
    case XMIDGE_COLUMN:
        return s->column;
    case XMIDGE_WEIGHT:
        return s->weight;
    case XMIDGE_BIAS:
        return s->bias;
    case XMIDGE_MULTIPLIER:
        return s->multiplier;
    case XMIDGE_SHIFT:
        return s->shift;
    case XMIDGE_TABLE_A:
        return s->table_a;
    case XMIDGE_TABLE_B:
        return s->table_b;
    default:
        return NULL;
    }
}

XMIDGE_HOST uintptr_t *xmidge_step(uint32_t code) {
    return code == XMIDGE_PIXEL_STEP    ? &xmidge_machine.pixel_step
           : code == XMIDGE_COLUMN_STEP ? &xmidge_machine.column_step
           : code == XMIDGE_OUTPUT_STEP ? &xmidge_machine.output_step
                                        : NULL;
}

/* Whether the fields of a value, and the bits beside them, may be so. */
XMIDGE_HOST int xmidge_allowed(uint32_t code, uint32_t value) {
    const uint32_t width = xmidge_bits(value, 0, 2), words = xmidge_bits(value, 6, 2) + 1;
    const uint32_t channels = xmidge_bits(value, 8, 6) + 1;
    const int vector = (int)xmidge_bits(value, 2, 1);
    switch (code) {
    case XMIDGE_SHAPE:
        return value >> 14 == 0 && width < 3 && words <= (1u << width) && words != 3 &&
               (vector ? xmidge_bits(value, 4, 2) == 0 : channels <= 16);
    case XMIDGE_OUTPUT:
        return value >> 29 == 0;
    case XMIDGE_WINDOW:
        return (value & ~0x33f1fu) == 0 && xmidge_bits(value, 0, 2) + xmidge_bits(value, 2, 3) <= 4;
    case XMIDGE_POSITION:
        return value >> 6 == 0;
    case XMIDGE_LOOP_START:
    case XMIDGE_LOOP_END:
        return (value & 3u) == 0;
    default:
        return 1;
    }
}

XMIDGE_HOST void xmidge_set(uint32_t code, uintptr_t value, uint32_t element) {
    uint32_t *const elements = xmidge_elements(code);
    uintptr_t *const step = xmidge_step(code);
    xmidge_require((elements || step) && element < xmidge_length(code));
    if (step) {
        *step = value;
    } else {
        xmidge_require(xmidge_allowed(code, (uint32_t)value));
        elements[element] = (uint32_t)value;
    }
}

XMIDGE_HOST uintptr_t xmidge_get(uint32_t code, uint32_t element) {
    const uint32_t *const elements = xmidge_elements(code);
    const uintptr_t *const step = xmidge_step(code);
    xmidge_require((elements || step) && element < xmidge_length(code));
    return step ? *step : elements[element];
}

XMIDGE_HOST const void *xmidge_ldm(uint32_t code, const void *source, uint32_t first,
                                   uint32_t count) {
    const char *next = source;
    xmidge_require(code >= XMIDGE_ACCUMULATOR && count > 0);
    for (uint32_t i = 0; i < count; i++, next += 4)
        xmidge_set(code, xmidge_load_aligned(next), first + i);
    return next;
}

/* ---------------------------------------------------------------- activations and dot products */

XMIDGE_HOST const void *xmidge_lda(const void *source) {
    struct xmidge_machine *const s = &xmidge_machine;
    const uint32_t planes = 4u >> xmidge_width(); /* that a word goes to */
    for (uint32_t p = 0; p < xmidge_pixels(); p++)
        for (uint32_t j = 0; j < xmidge_words() * planes; j++)
            memcpy(s->activations[p][j], xmidge_at(source, p * s->pixel_step + j / planes * 4), 4);
    for (uint32_t p = 1; xmidge_vector() && p < 4; p++)
        memcpy(s->activations[p], s->activations[0], xmidge_words() * planes * 4);
    return xmidge_at(source, 4 * xmidge_words());
}

/* The sum over a weight word's fields, each times its byte of its plane of activations. */
XMIDGE_HOST uint32_t xmidge_dot(uint32_t word, int8_t activations[4][4]) {
    const uint32_t fields = 1u << xmidge_width(), bits = 8 / fields;
    int32_t sum = 0;
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < fields; j++)
            sum += xmidge_signed(word, i * fields + j, bits) * activations[j * 4 / fields][i];
    return (uint32_t)sum;
}

XMIDGE_HOST const void *xmidge_multiply_accumulate(const void *weights, int overwrite) {
    struct xmidge_machine *const s = &xmidge_machine;
    const char *next = weights;
    for (uint32_t c = 0; c < xmidge_channels(); c++, next += 4) {
        const uint32_t word = xmidge_load_aligned(next);
        for (uint32_t p = 0; p < 4; p++) {
            if (xmidge_vector() && p != c / 16)
                continue;
            uint32_t *const accumulator = &s->accumulator[16 * p + c % 16];
            *accumulator = (overwrite ? 0 : *accumulator) + xmidge_dot(word, s->activations[p]);
        }
    }
    return next;
}

XMIDGE_HOST const void *xmidge_mac(const void *weights) {
    return xmidge_multiply_accumulate(weights, 0);
}

XMIDGE_HOST const void *xmidge_macf(const void *weights) {
    return xmidge_multiply_accumulate(weights, 1);
}

/* ------------------------------------------------------------------------------------- depthwise
 */

/* What col does once the column is loaded; on: whether it then moves on to the next column. */
XMIDGE_HOST void xmidge_column(uint32_t group, int on) {
    struct xmidge_machine *const s = &xmidge_machine;
    const uint32_t taps = xmidge_bits(s->window, 8, 4) + 1;
    const uint32_t stride = xmidge_bits(s->window, 12, 2) + 1;
    const uint32_t slot = xmidge_bits(s->position, 0, 4), phase = xmidge_bits(s->position, 4, 2);
    xmidge_require((group + 1) * taps <= 16);
    for (uint32_t k = phase; k < taps; k += stride) {
        for (uint32_t l = 0; l < 4; l++) {
            uint32_t *const accumulator =
                &s->accumulator[16 * l + ((slot - (k - phase) / stride) & 15u)];
            uint32_t sum = group == 0 && k == 0 ? 0 : *accumulator;
            for (uint32_t r = 0; r < 4; r++)
                sum += (uint32_t)(xmidge_signed(s->column[r], l, 8) *
                                  xmidge_signed(s->weight[16 * l + group * taps + k], r, 8));
            *accumulator = sum;
        }
    }
    for (uint32_t l = 0; l < 4; l++)
        for (uint32_t j = 0; j < 4; j++)
            for (uint32_t r = 0; r < 4; r++)
                s->activations[l][j][r] = (int8_t)xmidge_signed(s->column[r], l, 8);
    if (on)
        s->position = phase + 1 < stride ? slot | (phase + 1) << 4 : (slot + 1) & 15u;
}

XMIDGE_HOST const void *xmidge_column_load(uint32_t group, const void *source, int on) {
    struct xmidge_machine *const s = &xmidge_machine;
    const uint32_t first = xmidge_bits(s->window, 0, 2), rows = xmidge_bits(s->window, 2, 3);
    for (uint32_t n = 0; n < rows; n++)
        s->column[first + n] = xmidge_load(xmidge_at(source, n * s->pixel_step));
    xmidge_column(group, on);
    return xmidge_at(source, s->column_step);
}

XMIDGE_HOST void xmidge_column_value(uint32_t group, uint32_t value, int on) {
    for (uint32_t r = 0; r < 4; r++)
        xmidge_machine.column[r] = value;
    xmidge_column(group, on);
}

XMIDGE_HOST const void *xmidge_col(uint32_t group, const void *source) {
    return xmidge_column_load(group, source, 0);
}

XMIDGE_HOST const void *xmidge_cola(uint32_t group, const void *source) {
    return xmidge_column_load(group, source, 1);
}

XMIDGE_HOST void xmidge_colv(uint32_t group, uint32_t value) {
    xmidge_column_value(group, value, 0);
}

XMIDGE_HOST void xmidge_colva(uint32_t group, uint32_t value) {
    xmidge_column_value(group, value, 1);
}

/* ---------------------------------------------------------------------------------- requantizing
 */

XMIDGE_HOST uint32_t xmidge_scale(uint32_t x, uint32_t parameter) {
    const uint32_t f = xmidge_shared() ? 0 : parameter;
    xmidge_require(parameter < 64);
    return (uint32_t)smidgen_scale(x, xmidge_machine.multiplier[f],
                                   xmidge_signed(xmidge_machine.shift[f / 4], f % 4, 8));
}

XMIDGE_HOST int8_t xmidge_requantize(uint32_t x, uint32_t parameter) {
    xmidge_require(parameter < 64);
    const uint32_t output = xmidge_machine.output;
    const uint32_t scaled = xmidge_scale(x + xmidge_machine.bias[parameter], parameter);
    return (int8_t)smidgen_clamp((int32_t)(scaled + (uint32_t)xmidge_signed(output, 0, 8)),
                                 xmidge_signed(output, 1, 8), xmidge_signed(output, 2, 8));
}

XMIDGE_HOST void xmidge_rqc(void *out, uint32_t first) {
    struct xmidge_machine *const s = &xmidge_machine;
    const uint32_t channels = xmidge_channels();
    xmidge_require(first < 64 && first + channels <= 64);
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t p = 0; p < xmidge_pixels(); p++) {
            const uint32_t accumulator = xmidge_vector() ? c : 16 * p + c;
            ((int8_t *)xmidge_at(out, p * s->output_step))[c] =
                xmidge_requantize(s->accumulator[accumulator], first + c);
        }
}

XMIDGE_HOST void xmidge_rqw(void *out, uint32_t slot_count_first) {
    struct xmidge_machine *const s = &xmidge_machine;
    const uint32_t slot = slot_count_first & 0xffu, windows = (slot_count_first >> 8) & 0xffu;
    const uint32_t first = slot_count_first >> 16, lanes = xmidge_bits(s->window, 16, 2) + 1;
    xmidge_require(slot < 16 && windows > 0 && windows <= 16 && first + lanes <= 64);
    for (uint32_t w = 0; w < windows; w++)
        for (uint32_t l = 0; l < lanes; l++)
            ((int8_t *)xmidge_at(out, w * s->output_step))[l] =
                xmidge_requantize(s->accumulator[16 * l + ((slot + w) & 15u)], first + l);
}

XMIDGE_HOST int32_t xmidge_rqv(uint32_t value, uint32_t parameter) {
    return xmidge_requantize(value, parameter);
}

/* ----------------------------------------------------------------- tables, sums, packed compares
 */

XMIDGE_HOST void xmidge_table(uint32_t *table, int32_t zero_point, uint32_t parameter) {
    xmidge_require(zero_point >= -128 && zero_point <= 127);
    for (int32_t x = -128; x < 128; x++)
        table[(uint8_t)x] = xmidge_scale(
            (uint32_t)(x - zero_point) << xmidge_bits(xmidge_machine.output, 24, 5), parameter);
}

XMIDGE_HOST void xmidge_taba(int32_t zero_point, uint32_t parameter) {
    xmidge_table(xmidge_machine.table_a, zero_point, parameter);
}

XMIDGE_HOST void xmidge_tabb(int32_t zero_point, uint32_t parameter) {
    xmidge_table(xmidge_machine.table_b, zero_point, parameter);
}

XMIDGE_HOST const void *xmidge_combine(const void *operands, uint32_t parameter, int subtract) {
    struct xmidge_machine *const s = &xmidge_machine;
    const uint8_t *const a = operands, *const b = xmidge_at(a, s->pixel_step);
    int8_t *const result = xmidge_at(a, s->output_step);
    const uint32_t channels = xmidge_channels();
    uint32_t sums[4];
    xmidge_require(channels <= 4 && (((uintptr_t)a | (uintptr_t)b) & 3u) == 0);
    for (uint32_t i = 0; i < channels; i++) {
        const uint32_t operand = s->table_b[b[i]];
        sums[i] = s->table_a[a[i]] + (subtract ? 0u - operand : operand);
    }
    for (uint32_t i = 0; i < channels; i++)
        result[i] = xmidge_requantize(sums[i], parameter);
    return xmidge_at(a, 4);
}

XMIDGE_HOST const void *xmidge_add(const void *operands, uint32_t parameter) {
    return xmidge_combine(operands, parameter, 0);
}

XMIDGE_HOST const void *xmidge_sub(const void *operands, uint32_t parameter) {
    return xmidge_combine(operands, parameter, 1);
}

/* Of each byte the larger, or the smaller. */
XMIDGE_HOST uint32_t xmidge_select(uint32_t a, uint32_t b, int larger) {
    uint32_t result = 0;
    for (unsigned i = 0; i < 4; i++) {
        const int a_is_larger = xmidge_signed(a, i, 8) > xmidge_signed(b, i, 8);
        result |= ((a_is_larger == larger ? a : b) >> 8 * i & 0xffu) << 8 * i;
    }
    return result;
}

XMIDGE_HOST uint32_t xmidge_max4(uint32_t a, uint32_t b) {
    return xmidge_select(a, b, 1);
}
XMIDGE_HOST uint32_t xmidge_min4(uint32_t a, uint32_t b) {
    return xmidge_select(a, b, 0);
}

#endif
