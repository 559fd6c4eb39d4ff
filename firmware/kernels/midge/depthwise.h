/* Depthwise convolutions on Xmidge, int8, NHWC. Multiplier and shift per output channel.
 *
 * Four channels (lanes) at a time. The image is walked along lines; a window's rows lie across the
 * line, its columns (taps) along it. Padding holds the input's zero point, which is part of the
 * bias. */
#ifndef SMIDGEN_KERNELS_MIDGE_DEPTHWISE_H
#define SMIDGEN_KERNELS_MIDGE_DEPTHWISE_H

#include "columns.h"
#include "product.h"

/* Output channel c * copies + m is of input channel c. weight_bits: 8, 4 or 2. Steps are in bytes.
 *
 * A window has kernel_rows rows, dilation positions apart, in groups of group_rows; the last group
 * overlaps the one before where they do not fit evenly (weights are 0 there). The first line's
 * first row is pad_rows positions before the first of the image's image_rows rows; `first` leads
 * from the image to that row's first column inside.
 *
 * Windows that slide (smidgen_midge_depthwise_<groups>): a line has pad_columns columns of padding,
 * then `columns` inside the image, then padding; each column is loaded once and goes into every
 * window that it belongs to. batch: windows that are finished together.
 *
 * Windows tap by tap (smidgen_midge_depthwise_taps_<groups>), any kernel, stride and dilation: up
 * to 16 windows at a time go through one tap and one pass of `groups` groups after the other.
 *
 * Weights: words of four rows, [block of 4 channels][copy][lane][group][tap], or
 * [block][copy][tap][pass][lane][group]; parameters as in product.h, of [block][copy][lane]. */
struct smidgen_midge_depthwise_shape {
    int32_t batches, channels, copies, weight_bits;
    int32_t lines, line_stride, kernel_rows, group_rows, dilation, pad_rows, image_rows;
    int32_t outputs, taps, stride, batch, pad_columns, columns, tap_step, passes;
    int32_t input_batch_step, first, line_step, row_step, column_step;
    int32_t output_batch_step, output_line_step, output_step;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

/* A word of weights from the lowest fields of a word's bytes, which hold weights plus
 * 2^(bits - 1). */
SMIDGEN_INLINE uint32_t smidgen_midge_widened(uint32_t packed, uint32_t bits) {
    const uint32_t ones = 0x01010101u, field = packed & ones * ((1u << bits) - 1u);
    return ((field | ones << 7) - (ones << (bits - 1))) ^ ones << 7;
}

/* Puts `count` words for each lane into weights `first` and the following; the word after. */
SMIDGEN_SHARED const uint32_t *smidgen_midge_load_weights(const uint32_t *weights, uint32_t first,
                                                          uint32_t count, uint32_t bits) {
    if (bits == 8) {
        for (uint32_t lane = 0; lane < 64; lane += 16)
            weights = xmidge_ldm(XMIDGE_WEIGHT, weights, first + lane, count);
        return weights;
    }
    uint32_t packed = 0, left = 0; /* bits of each of its bytes */
    for (uint32_t lane = first; lane < first + 64; lane += 16) {
        for (uint32_t i = 0; i < count; i++) {
            if (left == 0) {
                packed = *weights++;
                left = 8;
            }
            xmidge_set(XMIDGE_WEIGHT, smidgen_midge_widened(packed, bits), lane + i);
            packed >>= bits;
            left -= bits;
        }
    }
    return weights;
}

/* Writes `count` windows' outputs from a slot on. Outputs of copies do not lie side by side. */
SMIDGEN_INLINE void smidgen_midge_write_windows(int8_t *out, uint32_t windows, int32_t count,
                                                int32_t lanes, int32_t copies,
                                                int32_t output_step) {
    if (copies == 1) {
        xmidge_rqw(out, windows);
        return;
    }
    int8_t staged[64];
    xmidge_rqw(staged, windows);
    for (int32_t i = 0; i < count; i++, out += output_step)
        for (int32_t lane = 0; lane < lanes; lane++)
            out[lane * copies] = staged[4 * i + lane];
}

/* One block of channels of one image: x and y at its first channel; parameters: its first. */
struct smidgen_midge_block {
    const int8_t *x;
    int8_t *y;
    int32_t lanes;
    uint32_t parameters;
};

SMIDGEN_INLINE uint32_t smidgen_midge_window(int32_t taps, int32_t stride, int32_t lanes) {
    return XMIDGE_WINDOW_TAPS((uint32_t)taps - 1u) | XMIDGE_WINDOW_STRIDE((uint32_t)stride - 1u) |
           XMIDGE_WINDOW_LANES((uint32_t)lanes - 1u);
}

/* The rows of all groups; the last group ends with the window. */
SMIDGEN_INLINE void smidgen_midge_groups(struct smidgen_midge_rows *rows,
                                         const struct smidgen_midge_depthwise_shape *shape,
                                         struct smidgen_midge_span inside, int32_t pass,
                                         const int8_t *in, uint32_t window, const uint32_t groups) {
    const int32_t last = shape->kernel_rows - shape->group_rows;
    int32_t start = pass * (int32_t)groups * shape->group_rows;
    for (uint32_t group = 0; group < groups; group++, start += shape->group_rows)
        rows[group] = smidgen_midge_group(inside, start < last ? start : last, shape->group_rows,
                                          shape->row_step, in, window);
}

SMIDGEN_INLINE void smidgen_midge_slide(const struct smidgen_midge_depthwise_shape *shape,
                                        const struct smidgen_midge_block *block,
                                        const uint32_t groups) {
    const int32_t kernel_rows = shape->kernel_rows, dilation = shape->dilation;
    const int32_t image_rows = shape->image_rows, line_stride = shape->line_stride;
    const int32_t last_inside = image_rows - (kernel_rows - 1) * dilation - 1;
    const int32_t batch = shape->batch, stride = shape->stride, columns = shape->columns;
    const int32_t output_step = shape->output_step, copies = shape->copies, lanes = block->lanes;
    const uint32_t padding = 0x01010101u * (uint8_t)shape->input_zero_point;
    const uint32_t window = smidgen_midge_window(shape->taps, stride, lanes);
    const uint32_t whole = window | XMIDGE_WINDOW_ROWS((uint32_t)shape->group_rows);
    /* Columns that the first batch needs beyond its stride, and has not had as padding. */
    const int32_t ahead = shape->taps - stride - shape->pad_columns;
    int32_t position = -shape->pad_rows;
    const int8_t *in = block->x + shape->first;
    int8_t *line = block->y;
    for (int32_t lines = shape->lines; lines > 0; lines--) {
        struct smidgen_midge_rows rows[4] = {{in, whole}};
        const int is_edge = position < 0 || position > last_inside;
        if (is_edge || groups > 1)
            smidgen_midge_groups(
                rows, shape, smidgen_midge_rows_inside(position, kernel_rows, dilation, image_rows),
                0, in, window, groups);
        if (is_edge)
            smidgen_midge_select_rows(rows[0].window, padding);
        else
            xmidge_set(XMIDGE_WINDOW, whole, 0);
        xmidge_set(XMIDGE_POSITION, 0, 0);
        smidgen_midge_paddings(padding, shape->pad_columns, 0, groups);
        int32_t inside = columns, left = shape->outputs, extra = ahead;
        uint32_t slot = 0;
        int8_t *out = line;
        do {
            const int32_t count = left < batch ? left : batch;
            const int32_t need = count * stride + extra, run = need < inside ? need : inside;
            if (groups == 1 || !is_edge)
                smidgen_midge_columns(rows, run, 0, groups);
            else
                smidgen_midge_edge_columns(rows, run, padding, 0, groups);
            smidgen_midge_paddings(padding, need - run, 0, groups);
            smidgen_midge_write_windows(out, XMIDGE_WINDOWS(slot, count, block->parameters), count,
                                        lanes, copies, output_step);
            inside -= run;
            out += count * output_step;
            slot = (slot + (uint32_t)count) & 15u;
            left -= count;
            extra = 0;
        } while (left > 0);
        line += shape->output_line_step;
        in += shape->line_step;
        position += line_stride;
    }
}

/* Weight 0 of each lane is 0: group 0 starts the windows, the others add to them. inside: for each
 * tap, the first window that has it inside the image and the one after the last. The word after the
 * block's weights. */
SMIDGEN_INLINE const uint32_t *smidgen_midge_taps(const struct smidgen_midge_depthwise_shape *shape,
                                                  const struct smidgen_midge_block *block,
                                                  const uint32_t *weights, const int32_t *inside,
                                                  const uint32_t groups) {
    const uint32_t padding = 0x01010101u * (uint8_t)shape->input_zero_point;
    const uint32_t window = smidgen_midge_window(1, 1, block->lanes);
    const uint32_t *next = weights;
    int32_t position = -shape->pad_rows;
    const int8_t *in = block->x + shape->first;
    int8_t *line = block->y;
    for (int32_t lines = shape->lines; lines > 0; lines--) {
        const struct smidgen_midge_span rows_inside = smidgen_midge_rows_inside(
            position, shape->kernel_rows, shape->dilation, shape->image_rows);
        const int is_edge = rows_inside.first > 0 || rows_inside.end < shape->kernel_rows;
        for (int32_t begin = 0; begin < shape->outputs; begin += 16) {
            const int32_t left = shape->outputs - begin, count = left < 16 ? left : 16;
            next = weights;
            xmidge_set(XMIDGE_WINDOW, window, 0);
            xmidge_set(XMIDGE_POSITION, 0, 0);
            smidgen_midge_paddings(0, count, 0, 1);
            for (int32_t tap = 0; tap < shape->taps; tap++) {
                const int32_t low = smidgen_clamp(inside[2 * tap] - begin, 0, count);
                const int32_t high = smidgen_clamp(inside[2 * tap + 1] - begin, low, count);
                const int8_t *column = in + (ptrdiff_t)tap * shape->tap_step +
                                       (ptrdiff_t)(begin + low) * shape->column_step;
                for (int32_t pass = 0; pass < shape->passes; pass++) {
                    struct smidgen_midge_rows rows[3];
                    next =
                        smidgen_midge_load_weights(next, 1, groups, (uint32_t)shape->weight_bits);
                    smidgen_midge_groups(rows, shape, rows_inside, pass, column, window, groups);
                    xmidge_set(XMIDGE_POSITION, 0, 0);
                    smidgen_midge_paddings(padding, low, 1, groups);
                    smidgen_midge_select_rows(rows[0].window, padding);
                    if (groups == 1 || !is_edge)
                        smidgen_midge_columns(rows, high - low, 1, groups);
                    else
                        smidgen_midge_edge_columns(rows, high - low, padding, 1, groups);
                    smidgen_midge_paddings(padding, count - high, 1, groups);
                }
            }
            smidgen_midge_write_windows(line + (ptrdiff_t)begin * shape->output_step,
                                        XMIDGE_WINDOWS(0, count, block->parameters), count,
                                        block->lanes, shape->copies, shape->output_step);
        }
        line += shape->output_line_step;
        in += shape->line_step;
        position += shape->line_stride;
    }
    return next;
}

/* inside: NULL for windows that slide. */
SMIDGEN_INLINE void smidgen_midge_depthwise(const struct smidgen_midge_depthwise_shape *shape,
                                            const int8_t *x, const uint32_t *weights,
                                            const uint32_t *parameters, const int32_t *inside,
                                            int8_t *y, const int slides, const uint32_t groups) {
    const int32_t channels = shape->channels, copies = shape->copies, batches = shape->batches;
    int32_t left = (channels + 3) / 4 * 4 * copies;
    uint32_t first = SMIDGEN_MIDGE_CHANNELS;
    xmidge_set(XMIDGE_SHAPE, 0, 0);
    xmidge_set(XMIDGE_PIXEL_STEP, (uintptr_t)shape->row_step, 0);
    xmidge_set(XMIDGE_COLUMN_STEP, (uintptr_t)shape->column_step, 0);
    xmidge_set(XMIDGE_OUTPUT_STEP, copies == 1 ? (uintptr_t)shape->output_step : 4, 0);
    xmidge_set(XMIDGE_OUTPUT,
               smidgen_midge_output(shape->output_zero_point, shape->activation_min,
                                    shape->activation_max),
               0);
    if (!slides)
        for (uint32_t lane = 0; lane < 64; lane += 16)
            xmidge_set(XMIDGE_WEIGHT, 0, lane);
    for (int32_t channel = 0; channel < channels; channel += 4) {
        const int32_t rest = channels - channel;
        for (int32_t copy = 0; copy < copies; copy++, first += 4, left -= 4) {
            if (first == SMIDGEN_MIDGE_CHANNELS) {
                parameters = smidgen_midge_parameters(
                    parameters, left < SMIDGEN_MIDGE_CHANNELS ? left : SMIDGEN_MIDGE_CHANNELS, 0);
                first = 0;
            }
            const uint32_t *next = weights;
            if (slides)
                next = smidgen_midge_load_weights(weights, 0, groups * (uint32_t)shape->taps,
                                                  (uint32_t)shape->weight_bits);
            struct smidgen_midge_block block = {x + channel, y + channel * copies + copy,
                                                rest < 4 ? rest : 4, first};
            for (int32_t image = batches; image > 0; image--) {
                if (slides)
                    smidgen_midge_slide(shape, &block, groups);
                else
                    next = smidgen_midge_taps(shape, &block, weights, inside, groups);
                block.x += shape->input_batch_step;
                block.y += shape->output_batch_step;
            }
            weights = next;
        }
    }
}

/* By the number of groups of rows, in all or in a pass. */
#define SMIDGEN_MIDGE_DEPTHWISE(groups)                                                            \
    static inline void smidgen_midge_depthwise_##groups(                                           \
        const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,                        \
        const uint32_t *weights, const uint32_t *parameters, int8_t *y) {                          \
        smidgen_midge_depthwise(shape, x, weights, parameters, NULL, y, 1, groups);                \
    }

#define SMIDGEN_MIDGE_DEPTHWISE_TAPS(groups)                                                       \
    static inline void smidgen_midge_depthwise_taps_##groups(                                      \
        const struct smidgen_midge_depthwise_shape *shape, const int8_t *x,                        \
        const uint32_t *weights, const uint32_t *parameters, const int32_t *inside, int8_t *y) {   \
        smidgen_midge_depthwise(shape, x, weights, parameters, inside, y, 0, groups);              \
    }

SMIDGEN_MIDGE_DEPTHWISE(1)
SMIDGEN_MIDGE_DEPTHWISE(2)
SMIDGEN_MIDGE_DEPTHWISE(3)
SMIDGEN_MIDGE_DEPTHWISE(4)
SMIDGEN_MIDGE_DEPTHWISE_TAPS(1)
SMIDGEN_MIDGE_DEPTHWISE_TAPS(2)
SMIDGEN_MIDGE_DEPTHWISE_TAPS(3)

#endif
