#include "service.h"

#include "codec.h"
#include "measure.h"
#include "mem.h"

enum {
    ARENA_GUARD_BYTES = 16,
    STACK_GUARD_BYTES = 16,
    ROWS_PER_REPLY = 24,
    CAPABILITY_CYCLES = 1,
    CAPABILITY_INSTRUCTIONS = 2,
    CAPABILITY_INPUT_COPY = 4
};

/* Inputs and outputs travel as one byte string each: all inputs (outputs) one after the other. */
static struct {
    const smidgen_model *model;
    uint8_t *arena;      /* followed by ARENA_GUARD_BYTES of paint */
    uint8_t *input_copy; /* NULL: the inputs lie in the arena only, and a run consumes them */
    uint8_t *rows;       /* the rest of RAM: a table for the profile or the checksums */
    uint32_t rows_bytes;
    uint32_t input_bytes;
    uint32_t output_bytes;

    bool input_open; /* `transaction` names an input that is being written or has been */
    bool input_consumed;
    uint32_t transaction;
    uint32_t received; /* its first bytes that are here */

    bool output_valid; /* the outputs are those of run `run` on the input `transaction` */
    uint32_t run;
    uint32_t mode;
    uint32_t row_count;
    uint32_t output_crc;
    measure_count total;
    measure_count cost;

    uint32_t stack_used; /* since boot */
    uint32_t stack_run;  /* by the model alone, in the last plain run */
} session;

static uint32_t total_bytes(const smidgen_tensor *tensors, uint32_t count) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; ++i) {
        bytes += tensors[i].bytes;
    }
    return bytes;
}

typedef enum { TO_ARENA, FROM_ARENA } direction;

/* Moves bytes offset to offset+length-1 of the concatenated tensors between the arena and `bytes`.
 */
static void move(const smidgen_tensor *tensor, direction way, uint32_t offset, uint8_t *bytes,
                 uint32_t length) {
    for (; length != 0; ++tensor) {
        if (offset >= tensor->bytes) {
            offset -= tensor->bytes;
            continue;
        }
        uint32_t piece = tensor->bytes - offset;
        piece = piece < length ? piece : length;
        uint8_t *place = session.arena + tensor->offset + offset;
        memcpy(way == TO_ARENA ? place : bytes, way == TO_ARENA ? bytes : place, piece);
        bytes += piece;
        length -= piece;
        offset = 0;
    }
}

/* CRC-32 of the concatenated tensors as they lie in the arena. */
static uint32_t tensors_crc(const smidgen_tensor *tensors, uint32_t count) {
    uint32_t crc = 0;
    for (uint32_t i = 0; i < count; ++i) {
        crc = smidgen_crc32(crc, session.arena + tensors[i].offset, tensors[i].bytes);
    }
    return crc;
}

void service_init(const smidgen_model *model) {
    board_region ram = board_free_ram();
    uint8_t *at = ram.start + model->arena_bytes;
    session.model = model;
    session.arena = ram.start;
    session.input_bytes = total_bytes(model->inputs, model->input_count);
    session.output_bytes = total_bytes(model->outputs, model->output_count);
    measure_paint_stack();
    measure_paint(session.arena, at + ARENA_GUARD_BYTES);
    at += ARENA_GUARD_BYTES + (-(uintptr_t)at & 15);
    session.rows = at;
    if (session.input_bytes < (uint32_t)(ram.end - at)) {
        session.input_copy = at;
        session.rows = at + session.input_bytes + (-(uintptr_t)(at + session.input_bytes) & 15);
    }
    session.rows_bytes = ram.end > session.rows ? (uint32_t)(ram.end - session.rows) : 0;
    model->reset(session.arena);
}

static service_status describe(cbor_writer *reply) {
    const smidgen_model *model = session.model;
    uint32_t capabilities = (BOARD_HAS_CYCLES ? CAPABILITY_CYCLES : 0) |
                            (BOARD_HAS_INSTRUCTIONS ? CAPABILITY_INSTRUCTIONS : 0) |
                            (session.input_copy != NULL ? CAPABILITY_INPUT_COPY : 0);
    cbor_put_map(reply, 13);
    cbor_pair_uint(reply, "proto", SMIDGEN_PROTOCOL_VERSION);
    cbor_pair_text(reply, "model", model->name);
    cbor_pair_text(reply, "rev", model->version);
    cbor_pair_text(reply, "board", BOARD_NAME);
    cbor_pair_uint(reply, "clock", board_clock_hz());
    cbor_pair_uint(reply, "caps", capabilities);
    cbor_pair_uint(reply, "chunk", SMIDGEN_CHUNK_BYTES);
    cbor_pair_uint(reply, "inputs", model->input_count);
    cbor_pair_uint(reply, "outputs", model->output_count);
    cbor_pair_uint(reply, "layers", model->layer_count);
    cbor_pair_uint(reply, "golden", model->golden_count);
    cbor_pair_uint(reply, "in_bytes", session.input_bytes);
    cbor_pair_uint(reply, "out_bytes", session.output_bytes);
    return STATUS_OK;
}

static service_status tensor(const service_request *request, cbor_writer *reply) {
    const smidgen_model *model = session.model;
    uint32_t output, index;
    if (!cbor_get_uint(request->data, request->length, "out", &output) ||
        !cbor_get_uint(request->data, request->length, "i", &index)) {
        return STATUS_BAD_REQUEST;
    }
    if (output > 1 || index >= (output ? model->output_count : model->input_count)) {
        return STATUS_OUT_OF_RANGE;
    }
    const smidgen_tensor *found = output ? &model->outputs[index] : &model->inputs[index];
    cbor_put_map(reply, 6);
    cbor_pair_text(reply, "name", found->name);
    cbor_pair_uint(reply, "bytes", found->bytes);
    cbor_pair_uint(reply, "dtype", found->dtype);
    cbor_pair_float(reply, "scale", found->scale);
    cbor_pair_int(reply, "zero", found->zero_point);
    cbor_put_key(reply, "dims");
    cbor_put_array(reply, found->rank);
    for (uint32_t i = 0; i < found->rank; ++i) {
        cbor_put_uint(reply, found->dims[i]);
    }
    return STATUS_OK;
}

static service_status layer(const service_request *request, cbor_writer *reply) {
    uint32_t index;
    if (!cbor_get_uint(request->data, request->length, "i", &index)) {
        return STATUS_BAD_REQUEST;
    }
    if (index >= session.model->layer_count) {
        return STATUS_OUT_OF_RANGE;
    }
    cbor_put_map(reply, 2);
    cbor_pair_text(reply, "name", session.model->layers[index].name);
    cbor_pair_text(reply, "type", session.model->layers[index].type);
    return STATUS_OK;
}

/* Takes the next piece of the input and says how much is here. A piece that is here already, or
 * that comes too early, changes nothing: the reply tells the sender where to go on. */
static service_status input(const service_request *request, cbor_writer *reply) {
    uint32_t transaction, offset;
    cbor_bytes data;
    if (!cbor_get_uint(request->data, request->length, "t", &transaction) ||
        !cbor_get_uint(request->data, request->length, "off", &offset) ||
        !cbor_get_bytes(request->data, request->length, "data", &data)) {
        return STATUS_BAD_REQUEST;
    }
    if (offset > session.input_bytes || data.length > session.input_bytes - offset) {
        return STATUS_OUT_OF_RANGE;
    }
    if (!session.input_open || transaction != session.transaction) {
        session.input_open = true;
        session.input_consumed = false;
        session.output_valid = false;
        session.transaction = transaction;
        session.received = 0;
    }
    if (offset == session.received) {
        if (session.input_copy != NULL) {
            memcpy(session.input_copy + offset, data.data, data.length);
        } else {
            move(session.model->inputs, TO_ARENA, offset, (uint8_t *)(uintptr_t)data.data,
                 data.length);
        }
        session.received += data.length;
    }
    cbor_put_map(reply, 1);
    cbor_pair_uint(reply, "off", session.received);
    return STATUS_OK;
}

static void note_stack(void) {
    uint32_t depth = measure_stack_depth();
    session.stack_used = depth > session.stack_used ? depth : session.stack_used;
}

/* Whether the model has kept to its memory since it was painted. */
static service_status check_guards(void) {
    const uint8_t *guard = session.arena + session.model->arena_bytes;
    board_region stack = board_stack();
    if (stack.end != stack.start &&
        measure_stack_depth() > (uint32_t)(stack.end - stack.start) - STACK_GUARD_BYTES) {
        return STATUS_STACK_OVERFLOW;
    }
    return measure_painted_depth(guard, guard + ARENA_GUARD_BYTES) == 0 ? STATUS_OK
                                                                        : STATUS_ARENA_OVERRUN;
}

static service_status run_model(uint32_t mode) {
    note_stack();
    session.row_count = 0;
    session.cost = (measure_count){0, 0};
    if (mode == RUN_PLAIN) {
        session.total = measure_run(session.model, session.arena, &session.stack_run);
    } else if (mode == RUN_PROFILE) {
        session.row_count = session.model->layer_count;
        session.total = measure_profile(session.model, session.arena,
                                        (measure_count *)(void *)session.rows, &session.cost);
    } else {
        uint32_t capacity = session.rows_bytes / sizeof(measure_checksum);
        session.total = (measure_count){0, 0};
        session.row_count = measure_checksums(session.model, session.arena,
                                              (measure_checksum *)(void *)session.rows, capacity);
        if (session.row_count > capacity) {
            return STATUS_NO_MEMORY;
        }
    }
    note_stack();
    return check_guards();
}

static service_status run_reply(cbor_writer *reply) {
    cbor_put_map(reply, 6);
    cbor_pair_uint(reply, "cycles", session.total.cycles);
    cbor_pair_uint(reply, "instr", session.total.instructions);
    cbor_pair_uint(reply, "crc", session.output_crc);
    cbor_pair_uint(reply, "rows", session.row_count);
    cbor_pair_uint(reply, "cost_c", session.cost.cycles);
    cbor_pair_uint(reply, "cost_i", session.cost.instructions);
    return STATUS_OK;
}

static service_status run(const service_request *request, cbor_writer *reply) {
    const smidgen_model *model = session.model;
    uint32_t transaction, run_id, mode, crc;
    if (!cbor_get_uint(request->data, request->length, "t", &transaction) ||
        !cbor_get_uint(request->data, request->length, "r", &run_id) ||
        !cbor_get_uint(request->data, request->length, "mode", &mode) ||
        !cbor_get_uint(request->data, request->length, "crc", &crc)) {
        return STATUS_BAD_REQUEST;
    }
    if (mode > RUN_CHECKSUMS) {
        return STATUS_OUT_OF_RANGE;
    }
    if (!session.input_open || transaction != session.transaction) {
        return STATUS_NO_INPUT;
    }
    if (session.output_valid && run_id == session.run && mode == session.mode) {
        return run_reply(reply); /* asked again: the answer was lost, the run was not */
    }
    if (session.input_consumed) {
        return STATUS_INPUT_CONSUMED;
    }
    if (session.received != session.input_bytes) {
        return STATUS_INPUT_INCOMPLETE;
    }
    if (mode == RUN_PROFILE && session.rows_bytes / sizeof(measure_count) < model->layer_count) {
        return STATUS_NO_MEMORY;
    }
    if (session.input_copy != NULL) {
        move(model->inputs, TO_ARENA, 0, session.input_copy, session.input_bytes);
    }
    if (tensors_crc(model->inputs, model->input_count) != crc) {
        session.received = 0;
        return STATUS_INPUT_DAMAGED;
    }
    session.output_valid = false;
    session.input_consumed = session.input_copy == NULL;
    service_status status = run_model(mode);
    if (status != STATUS_OK) {
        return status;
    }
    session.output_valid = true;
    session.run = run_id;
    session.mode = mode;
    session.output_crc = tensors_crc(model->outputs, model->output_count);
    return run_reply(reply);
}

/* Whether the reply to be read belongs to the run that the request names. */
static service_status check_run(const service_request *request) {
    uint32_t transaction, run_id;
    if (!cbor_get_uint(request->data, request->length, "t", &transaction) ||
        !cbor_get_uint(request->data, request->length, "r", &run_id)) {
        return STATUS_BAD_REQUEST;
    }
    return session.output_valid && transaction == session.transaction && run_id == session.run
               ? STATUS_OK
               : STATUS_NO_OUTPUT;
}

static service_status output(const service_request *request, cbor_writer *reply) {
    uint32_t offset, length;
    service_status status = check_run(request);
    if (status != STATUS_OK) {
        return status;
    }
    if (!cbor_get_uint(request->data, request->length, "off", &offset) ||
        !cbor_get_uint(request->data, request->length, "len", &length)) {
        return STATUS_BAD_REQUEST;
    }
    if (length > SMIDGEN_CHUNK_BYTES || offset > session.output_bytes ||
        length > session.output_bytes - offset) {
        return STATUS_OUT_OF_RANGE;
    }
    cbor_put_map(reply, 2);
    cbor_pair_uint(reply, "off", offset);
    uint8_t *to = cbor_pair_bytes(reply, "data", length);
    if (to != NULL) {
        move(session.model->outputs, FROM_ARENA, offset, to, length);
    }
    return STATUS_OK;
}

static service_status rows(const service_request *request, cbor_writer *reply) {
    uint32_t first;
    service_status status = check_run(request);
    if (status != STATUS_OK) {
        return status;
    }
    if (!cbor_get_uint(request->data, request->length, "first", &first)) {
        return STATUS_BAD_REQUEST;
    }
    if (first > session.row_count) {
        return STATUS_OUT_OF_RANGE;
    }
    uint32_t count = session.row_count - first;
    count = count < ROWS_PER_REPLY ? count : ROWS_PER_REPLY;
    bool profile = session.mode == RUN_PROFILE;
    const measure_count *counts = (const measure_count *)(const void *)session.rows + first;
    const measure_checksum *checksums =
        (const measure_checksum *)(const void *)session.rows + first;
    cbor_put_map(reply, 3);
    cbor_pair_uint(reply, "first", first);
    cbor_put_key(reply, profile ? "cycles" : "layer");
    cbor_put_array(reply, count);
    for (uint32_t i = 0; i < count; ++i) {
        cbor_put_uint(reply, profile ? counts[i].cycles : checksums[i].layer);
    }
    cbor_put_key(reply, profile ? "instr" : "crc");
    cbor_put_array(reply, count);
    for (uint32_t i = 0; i < count; ++i) {
        cbor_put_uint(reply, profile ? counts[i].instructions : checksums[i].crc);
    }
    return STATUS_OK;
}

static service_status memory(cbor_writer *reply) {
    board_region stack = board_stack();
    const uint8_t *arena = session.arena;
    note_stack();
    cbor_put_map(reply, 7);
    cbor_pair_uint(reply, "flash", board_flash_bytes());
    cbor_pair_uint(reply, "ram", board_ram_bytes());
    cbor_pair_uint(reply, "stack", (uint32_t)(stack.end - stack.start));
    cbor_pair_uint(reply, "stack_used", session.stack_used);
    cbor_pair_uint(reply, "stack_run", session.stack_run);
    cbor_pair_uint(reply, "arena", session.model->arena_bytes);
    cbor_pair_uint(
        reply, "arena_used",
        measure_painted_depth(arena, arena + session.model->arena_bytes + ARENA_GUARD_BYTES));
    return STATUS_OK;
}

static service_status selftest(const service_request *request, cbor_writer *reply) {
    uint32_t index;
    if (!cbor_get_uint(request->data, request->length, "i", &index)) {
        return STATUS_BAD_REQUEST;
    }
    if (index >= session.model->golden_count) {
        return STATUS_OUT_OF_RANGE;
    }
    /* The test needs the arena: the outputs are lost, and the input too unless there is a copy. */
    session.output_valid = false;
    session.input_open = session.input_open && session.input_copy != NULL;
    measure_selftest result =
        measure_golden(session.model, session.arena, &session.model->golden[index]);
    session.model->reset(session.arena);
    note_stack();
    service_status status = check_guards();
    if (status != STATUS_OK) {
        return status;
    }
    cbor_put_map(reply, 5);
    cbor_pair_bool(reply, "ok", result.passed);
    cbor_pair_uint(reply, "checked", result.checked);
    cbor_pair_uint(reply, "layer", result.layer);
    cbor_pair_uint(reply, "expected", result.expected);
    cbor_pair_uint(reply, "actual", result.actual);
    return STATUS_OK;
}

static service_status reset(cbor_writer *reply) {
    session.model->reset(session.arena);
    cbor_put_map(reply, 0);
    return STATUS_OK;
}

service_status service_command(bool write, uint32_t command, const service_request *request,
                               cbor_writer *reply) {
    if (write) {
        switch (command) {
        case COMMAND_INPUT:
            return input(request, reply);
        case COMMAND_RUN:
            return run(request, reply);
        case COMMAND_SELFTEST:
            return selftest(request, reply);
        case COMMAND_RESET:
            return reset(reply);
        default:
            return STATUS_NO_SUCH_COMMAND;
        }
    }
    switch (command) {
    case COMMAND_DESCRIBE:
        return describe(reply);
    case COMMAND_TENSOR:
        return tensor(request, reply);
    case COMMAND_LAYER:
        return layer(request, reply);
    case COMMAND_OUTPUT:
        return output(request, reply);
    case COMMAND_ROWS:
        return rows(request, reply);
    case COMMAND_MEMORY:
        return memory(reply);
    default:
        return STATUS_NO_SUCH_COMMAND;
    }
}
