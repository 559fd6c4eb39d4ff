/* LSTM and GRU, int8 with int16 gates. */
#ifndef SMIDGEN_KERNELS_RECURRENT_H
#define SMIDGEN_KERNELS_RECURRENT_H

#include "int16_values.h"

/* One kind of products, of x or of h: rows of weights, gate after gate. Scaled, a sum is Q.12. Zero
 * points are part of the bias. */
struct smidgen_rows {
    const int8_t *weights;
    const int32_t *bias;
    const uint32_t *multiplier;
    const int8_t *shift;
    int32_t count; /* of values in a row */
};

/* Sums of products with 8-bit or, for what the reset gate has multiplied, 16-bit values. */
#define SMIDGEN_ROW_SUM(name, type)                                                                \
    SMIDGEN_SHARED uint32_t name(const struct smidgen_rows *rows, int32_t row, const type *x) {    \
        const int8_t *weights = rows->weights + (ptrdiff_t)row * rows->count;                      \
        uint32_t sum = 0;                                                                          \
        for (int32_t i = 0; i < rows->count; i++)                                                  \
            sum += (uint32_t)(x[i] * weights[i]);                                                  \
        return sum;                                                                                \
    }

SMIDGEN_ROW_SUM(smidgen_row_sum, int8_t)
SMIDGEN_ROW_SUM(smidgen_row_sum_int16, int16_t)

SMIDGEN_SHARED int32_t smidgen_row_scaled(const struct smidgen_rows *rows, int32_t row,
                                          uint32_t sum) {
    return smidgen_scale(sum + (uint32_t)rows->bias[row], rows->multiplier[row], rows->shift[row]);
}

SMIDGEN_INLINE int32_t smidgen_row(const struct smidgen_rows *rows, int32_t row, const int8_t *x) {
    return smidgen_row_scaled(rows, row, smidgen_row_sum(rows, row, x));
}

SMIDGEN_INLINE int32_t smidgen_clamp_int16(int32_t x) {
    return smidgen_clamp(x, INT16_MIN, INT16_MAX);
}

/* The functions of int16_values.h of one value; what does not fit int16 saturates. */
SMIDGEN_SHARED int32_t smidgen_gate_logistic(int32_t x, const uint16_t *table) {
    const struct smidgen_sigmoid_int16_shape one = {1, 3, 0};
    const int16_t value = (int16_t)smidgen_clamp_int16(x);
    int16_t y;
    smidgen_logistic_int16(&one, &value, table, &y);
    return y;
}

SMIDGEN_SHARED int32_t smidgen_gate_tanh(int32_t x, int32_t multiplier, int32_t shift,
                                         const uint16_t *table) {
    const struct smidgen_sigmoid_int16_shape one = {1, multiplier, shift};
    const int16_t value = (int16_t)smidgen_clamp_int16(x);
    int16_t y;
    smidgen_tanh_int16(&one, &value, table, &y);
    return y;
}

/* x (batches, time, inputs), h and c (batches, units), y (batches, time, units); h and y have one
 * quantization. forget, update, hidden: of the products f c, i g and o tanh(c). cell_clip: 0 for
 * none. cell_multiplier, cell_shift: as in smidgen_sigmoid_int16_shape. */
struct smidgen_lstm_shape {
    int32_t batches, time, inputs, units, hidden_zero_point;
    uint32_t forget_multiplier, update_multiplier, hidden_multiplier;
    int32_t forget_shift, update_shift, hidden_shift;
    int32_t cell_clip, cell_multiplier, cell_shift;
};

/* One value of c and h. unit: gates i, f, g, o of it lie shape->units rows apart. */
SMIDGEN_INLINE int8_t smidgen_lstm_unit(const struct smidgen_lstm_shape *shape,
                                        const struct smidgen_rows *of_x,
                                        const struct smidgen_rows *of_h, int32_t unit,
                                        const int8_t *x, const int8_t *h, const uint16_t *table,
                                        int16_t *c) {
    int32_t gate[4];
    for (int32_t i = 0, row = unit; i < 4; i++, row += shape->units)
        gate[i] = smidgen_clamp_int16(smidgen_row(of_x, row, x)) +
                  smidgen_clamp_int16(smidgen_row(of_h, row, h));
    const int32_t forget = smidgen_gate_logistic(gate[1], table) * *c;
    const int32_t update =
        smidgen_gate_logistic(gate[0], table) * smidgen_gate_tanh(gate[2], 3, 0, table);
    const int32_t kept = smidgen_clamp_int16(
        smidgen_scale((uint32_t)forget, shape->forget_multiplier, shape->forget_shift));
    const int32_t added = smidgen_clamp_int16(
        smidgen_scale((uint32_t)update, shape->update_multiplier, shape->update_shift));
    int32_t cell = smidgen_clamp_int16(kept + added);
    if (shape->cell_clip > 0)
        cell = smidgen_clamp(cell, -shape->cell_clip, shape->cell_clip);
    *c = (int16_t)cell;
    const int32_t hidden =
        smidgen_gate_logistic(gate[3], table) *
        smidgen_gate_tanh(cell, shape->cell_multiplier, shape->cell_shift, table);
    const struct smidgen_output output = {shape->hidden_zero_point, INT8_MIN, INT8_MAX};
    return smidgen_requantize((uint32_t)hidden, shape->hidden_multiplier, shape->hidden_shift,
                              &output);
}

static inline void smidgen_lstm(const struct smidgen_lstm_shape *shape, const int8_t *x,
                                const int8_t *h, const int16_t *c, const int8_t *weights,
                                const int32_t *bias, const uint32_t *multiplier,
                                const int8_t *shift, const int8_t *recurrent_weights,
                                const int32_t *recurrent_bias, const uint32_t *recurrent_multiplier,
                                const int8_t *recurrent_shift, const uint16_t *table, int8_t *y,
                                int8_t *last_h, int16_t *last_c) {
    const struct smidgen_rows of_x = {weights, bias, multiplier, shift, shape->inputs};
    const struct smidgen_rows of_h = {recurrent_weights, recurrent_bias, recurrent_multiplier,
                                      recurrent_shift, shape->units};
    const ptrdiff_t units = shape->units;
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        const int8_t *before = h + batch * units;
        int16_t *cells = last_c + batch * units;
        for (ptrdiff_t unit = 0; unit < units; unit++)
            cells[unit] = c[batch * units + unit];
        for (int32_t step = 0; step < shape->time; step++) {
            for (int32_t unit = 0; unit < shape->units; unit++)
                y[unit] =
                    smidgen_lstm_unit(shape, &of_x, &of_h, unit, x, before, table, cells + unit);
            before = y;
            x += shape->inputs;
            y += units;
        }
        for (ptrdiff_t unit = 0; unit < units; unit++)
            last_h[batch * units + unit] = before[unit];
    }
}

/* As smidgen_lstm_shape. multiplier, shift: from Q1.30 to steps of h with 15 bits of fraction. */
struct smidgen_gru_shape {
    int32_t batches, time, inputs, units, hidden_zero_point;
    uint32_t multiplier;
    int32_t shift;
};

/* A product for a gate, so that two of them can be added. */
SMIDGEN_INLINE int32_t smidgen_gru_product(int32_t x) {
    return smidgen_clamp(x, -((int32_t)1 << 29), (int32_t)1 << 29);
}

/* Gate z or r: row is the unit's, or that plus shape->units. */
SMIDGEN_INLINE int32_t smidgen_gru_gate(const struct smidgen_rows *of_x,
                                        const struct smidgen_rows *of_h, int32_t row,
                                        const int8_t *x, const int8_t *h, const uint16_t *table) {
    return smidgen_gate_logistic(smidgen_gru_product(smidgen_row(of_x, row, x)) +
                                     smidgen_gru_product(smidgen_row(of_h, row, h)),
                                 table);
}

/* (1 - z) n + z h of one unit. h: less its zero point; product: what goes into tanh. */
SMIDGEN_INLINE int8_t smidgen_gru_unit(const struct smidgen_gru_shape *shape, int32_t z,
                                       int32_t product, int32_t h, const uint16_t *table) {
    const int32_t new = ((1 << 15) - z) * smidgen_gate_tanh(product, 3, 0, table);
    const int32_t sum = smidgen_scale((uint32_t) new, shape->multiplier, shape->shift) + z * h;
    return (int8_t)smidgen_clamp(smidgen_rounding_shift(sum, 15) + shape->hidden_zero_point,
                                 INT8_MIN, INT8_MAX);
}

/* reset: what the reset gate makes of h, with 7 bits of fraction, or NULL where the gate multiplies
 * the product of h instead. */
SMIDGEN_INLINE void smidgen_gru_step(const struct smidgen_gru_shape *shape,
                                     const struct smidgen_rows *of_x,
                                     const struct smidgen_rows *of_h, const int8_t *x,
                                     const int8_t *h, const uint16_t *table, int8_t *y,
                                     int16_t *reset) {
    const int32_t units = shape->units;
    for (int32_t unit = 0; reset != NULL && unit < units; unit++) {
        const int32_t gate = smidgen_gru_gate(of_x, of_h, units + unit, x, h, table);
        reset[unit] =
            (int16_t)smidgen_rounding_shift(gate * (h[unit] - shape->hidden_zero_point), 8);
    }
    for (int32_t unit = 0; unit < units; unit++) {
        const int32_t z = smidgen_gru_gate(of_x, of_h, unit, x, h, table);
        const int32_t row = 2 * units + unit;
        int32_t product;
        if (reset != NULL) {
            const int32_t sum = (int32_t)smidgen_row_sum_int16(of_h, row, reset);
            const uint32_t whole = (uint32_t)smidgen_rounding_shift(sum, 7);
            product = smidgen_gru_product(smidgen_row_scaled(of_h, row, whole));
        } else {
            const int32_t gate = smidgen_gru_gate(of_x, of_h, units + unit, x, h, table);
            const int32_t all = smidgen_gru_product(smidgen_row(of_h, row, h));
            product = (int32_t)(((int64_t)gate * all + (1 << 14)) >> 15);
        }
        product += smidgen_gru_product(smidgen_row(of_x, row, x));
        y[unit] = smidgen_gru_unit(shape, z, product, h[unit] - shape->hidden_zero_point, table);
    }
}

SMIDGEN_INLINE void smidgen_gru_body(const struct smidgen_gru_shape *shape,
                                     const struct smidgen_rows *of_x,
                                     const struct smidgen_rows *of_h, const int8_t *x,
                                     const int8_t *h, const uint16_t *table, int8_t *y,
                                     int8_t *last_h, int16_t *reset) {
    const ptrdiff_t units = shape->units;
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        const int8_t *before = h + batch * units;
        for (int32_t step = 0; step < shape->time; step++) {
            smidgen_gru_step(shape, of_x, of_h, x, before, table, y, reset);
            before = y;
            x += shape->inputs;
            y += units;
        }
        for (ptrdiff_t unit = 0; unit < units; unit++)
            last_h[batch * units + unit] = before[unit];
    }
}

/* The reset gate multiplies the product of h. */
static inline void smidgen_gru(const struct smidgen_gru_shape *shape, const int8_t *x,
                               const int8_t *h, const int8_t *weights, const int32_t *bias,
                               const uint32_t *multiplier, const int8_t *shift,
                               const int8_t *recurrent_weights, const int32_t *recurrent_bias,
                               const uint32_t *recurrent_multiplier, const int8_t *recurrent_shift,
                               const uint16_t *table, int8_t *y, int8_t *last_h) {
    const struct smidgen_rows of_x = {weights, bias, multiplier, shift, shape->inputs};
    const struct smidgen_rows of_h = {recurrent_weights, recurrent_bias, recurrent_multiplier,
                                      recurrent_shift, shape->units};
    smidgen_gru_body(shape, &of_x, &of_h, x, h, table, y, last_h, NULL);
}

/* The reset gate multiplies h; in the bias of the last rows there is no zero point. */
static inline void smidgen_gru_reset_before(const struct smidgen_gru_shape *shape, const int8_t *x,
                                            const int8_t *h, const int8_t *weights,
                                            const int32_t *bias, const uint32_t *multiplier,
                                            const int8_t *shift, const int8_t *recurrent_weights,
                                            const int32_t *recurrent_bias,
                                            const uint32_t *recurrent_multiplier,
                                            const int8_t *recurrent_shift, const uint16_t *table,
                                            int8_t *y, int8_t *last_h, void *scratch) {
    const struct smidgen_rows of_x = {weights, bias, multiplier, shift, shape->inputs};
    const struct smidgen_rows of_h = {recurrent_weights, recurrent_bias, recurrent_multiplier,
                                      recurrent_shift, shape->units};
    smidgen_gru_body(shape, &of_x, &of_h, x, h, table, y, last_h, scratch);
}

#endif
