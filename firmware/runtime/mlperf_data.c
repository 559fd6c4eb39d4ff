#include "mlperf_data.h"

#include "decimal.h"
#include "mem.h"
#include "print.h"
#include "session.h"

enum {
    PIXEL_OFFSET = 0x80,
    FLOAT_BYTES = 4,
    THOUSANDTHS_LIMIT = 1 << 25, /* squares of differences then add up to less than 2^64 */
    POINT_DIGITS = 3,
    ONE = 0x3f800000 /* as a float */
};

mlperf_input mlperf_present;

static bool is_called(const char *name) {
    const char *at = session.model->name;
    while (*at != 0 && *at == *name) {
        ++at;
        ++name;
    }
    return *at == *name;
}

static bool takes_floats(void) {
    return is_called("ad01") && session.input_bytes == session.output_bytes;
}

static uint8_t pixel_offset(void) {
    return is_called("ic01") || is_called("vww01") ? PIXEL_OFFSET : 0;
}

/* Floats are kept behind the quantized input. */
static uint8_t *kept(void) {
    return takes_floats() ? session.rows : session.input_copy;
}

uint32_t mlperf_input_bytes(void) {
    uint32_t bytes = session.input_bytes;
    if (takes_floats()) {
        bytes *= FLOAT_BYTES;
        return bytes <= session.rows_bytes ? bytes : 0;
    }
    return session.input_copy != NULL ? bytes : 0;
}

void mlperf_input_open(void) {
    session.input_open = false;
    session.output_valid = false;
    mlperf_present = (mlperf_input){mlperf_input_bytes(), 0};
}

uint8_t mlperf_input_byte(uint32_t offset) {
    return kept()[offset] ^ pixel_offset();
}

static uint32_t bits_at(const void *at) {
    uint32_t bits;
    memcpy(&bits, at, sizeof bits);
    return bits;
}

static uint32_t float_at(uint32_t index) {
    return bits_at(session.rows + FLOAT_BYTES * index);
}

static uint8_t quantized(uint32_t number) {
    const smidgen_tensor *tensor = session.model->inputs;
    int32_t steps = (int32_t)decimal_ratio(number, bits_at(&tensor->scale));
    int32_t value = tensor->zero_point + (number >> 31 != 0 ? -steps : steps);
    return (uint8_t)(value < INT8_MIN ? INT8_MIN : value > INT8_MAX ? INT8_MAX : value);
}

void mlperf_input_add(const uint8_t *bytes, uint32_t count) {
    for (; count != 0; --count) {
        kept()[mlperf_present.received++] = *bytes++ ^ pixel_offset();
        if (takes_floats() && mlperf_present.received % FLOAT_BYTES == 0) {
            uint32_t index = mlperf_present.received / FLOAT_BYTES - 1;
            session.input_copy[index] = quantized(float_at(index));
        }
    }
}

void mlperf_infer(uint32_t times) {
    for (; times != 0; --times) {
        session_move(session.model->inputs, TO_ARENA, 0, session.input_copy, session.input_bytes);
        session.model->run(session.arena);
    }
}

/* |element| of an output in thousandths, and whether it is negative. */
static uint64_t thousandths(const smidgen_tensor *tensor, uint32_t at, uint32_t bytes,
                            bool *negative) {
    uint32_t unit = bits_at(&tensor->scale);
    uint32_t raw = 0;
    memcpy(&raw, session.arena + tensor->offset + at, bytes);
    if (tensor->dtype == SMIDGEN_F32) {
        *negative = raw >> 31 != 0;
        return decimal_thousandths(1, raw);
    }
    uint32_t unused = 32 - 8 * bytes;
    int32_t steps = ((int32_t)(raw << unused) >> unused) - tensor->zero_point;
    *negative = steps < 0;
    return decimal_thousandths((uint32_t)(steps < 0 ? -steps : steps), unit != 0 ? unit : ONE);
}

static int32_t limited(uint64_t magnitude, bool negative) {
    int32_t value = magnitude < THOUSANDTHS_LIMIT ? (int32_t)magnitude : THOUSANDTHS_LIMIT;
    return negative ? -value : value;
}

/* How far the outputs are from the floats that were the input. */
static uint64_t mean_square_error(void) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < session.output_bytes; ++i) {
        bool negative;
        uint64_t magnitude = thousandths(session.model->outputs, i, 1, &negative);
        uint32_t number = float_at(i);
        int32_t error = limited(magnitude, negative) -
                        limited(decimal_thousandths(1, number), number >> 31 != 0);
        sum += (uint64_t)((int64_t)error * error);
    }
    decimal_divide(&sum, session.output_bytes * 1000);
    return sum;
}

void mlperf_print_outputs(void) {
    static const uint8_t element_bytes[] = {4, 1, 2, 4, 1, 1, 1}; /* by type */
    const smidgen_tensor *tensor = session.model->outputs;
    const char *between = "";
    if (takes_floats()) {
        print_number(mean_square_error(), POINT_DIGITS);
        return;
    }
    for (uint32_t i = session.model->output_count; i != 0; --i, ++tensor) {
        uint32_t bytes = element_bytes[tensor->dtype];
        for (uint32_t at = 0; at < tensor->bytes; at += bytes) {
            bool negative;
            uint64_t magnitude = thousandths(tensor, at, bytes, &negative);
            print(between);
            print(negative && magnitude != 0 ? "-" : "");
            print_number(magnitude, POINT_DIGITS);
            between = ",";
        }
    }
}
