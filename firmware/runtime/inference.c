#include "inference.h"

#include "engine.h"
#include "mem.h"
#include "session.h"

enum { ROWS_PER_REPLY = 24, ENGINE_ROWS_PER_REPLY = 16 };

/* Takes the next piece of the input and says how much is here. A piece that is here already, or
 * that comes too early, changes nothing: the reply tells the sender where to go on. */
service_status inference_input(const service_request *request, cbor_writer *reply) {
    uint32_t fields[2];
    cbor_bytes data;
    if (!cbor_get_uints(request->data, request->length, "t\0off\0", fields) ||
        !cbor_get_bytes(request->data, request->length, "data", &data)) {
        return STATUS_BAD_REQUEST;
    }
    uint32_t transaction = fields[0], offset = fields[1];
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
            session_move(session.model->inputs, TO_ARENA, offset, (uint8_t *)(uintptr_t)data.data,
                         data.length);
        }
        session.received += data.length;
    }
    cbor_put_map(reply, 1);
    cbor_pair_uint(reply, "off", session.received);
    return STATUS_OK;
}

/* The rows from `skip` on: as many as there is RAM for. */
static service_status run_for_records(uint32_t skip) {
    uint32_t capacity = session.rows_bytes / sizeof(engine_row);
    session.total = (measure_count){0, 0};
    session.rows_in_all = engine_records(session.model, session.arena,
                                         (engine_row *)(void *)session.rows, capacity, skip);
    uint32_t left = session.rows_in_all > skip ? session.rows_in_all - skip : 0;
    session.row_count = left < capacity ? left : capacity;
    return left != 0 && capacity == 0 ? STATUS_NO_MEMORY : STATUS_OK;
}

/* skip: for RUN_ENGINE. */
static service_status run_model(uint32_t mode, uint32_t skip) {
    session_note_stack();
    session.row_count = 0;
    session.cost = (measure_count){0, 0};
    if (mode == RUN_PLAIN) {
        session.total = measure_run(session.model, session.arena, &session.stack_run);
    } else if (mode == RUN_PROFILE) {
        session.row_count = session.model->layer_count;
        session.total = measure_profile(session.model, session.arena,
                                        (measure_count *)(void *)session.rows, &session.cost);
    } else if (ENGINE_PRESENT && mode == RUN_ENGINE) {
        service_status status = run_for_records(skip);
        if (status != STATUS_OK) {
            return status;
        }
    } else {
        uint32_t capacity = session.rows_bytes / sizeof(measure_checksum);
        session.total = (measure_count){0, 0};
        session.row_count = measure_checksums(session.model, session.arena,
                                              (measure_checksum *)(void *)session.rows, capacity);
        if (session.row_count > capacity) {
            return STATUS_NO_MEMORY;
        }
    }
    session_note_stack();
    return session_check_guards();
}

static service_status run_reply(cbor_writer *reply) {
    bool records = ENGINE_PRESENT && session.mode == RUN_ENGINE;
    cbor_put_map(reply, records ? 7 : 6);
    if (records) {
        cbor_pair_uint(reply, "all", session.rows_in_all);
    }
    cbor_pair_uint(reply, "cycles", session.total.cycles);
    cbor_pair_uint(reply, "instr", session.total.instructions);
    cbor_pair_uint(reply, "crc", session.output_crc);
    cbor_pair_uint(reply, "rows", session.row_count);
    cbor_pair_uint(reply, "cost_c", session.cost.cycles);
    cbor_pair_uint(reply, "cost_i", session.cost.instructions);
    return STATUS_OK;
}

service_status inference_run(const service_request *request, cbor_writer *reply) {
    const smidgen_model *model = session.model;
    uint32_t fields[4], skip = 0;
    if (!cbor_get_uints(request->data, request->length, "t\0r\0mode\0crc\0", fields)) {
        return STATUS_BAD_REQUEST;
    }
    uint32_t transaction = fields[0], run_id = fields[1], mode = fields[2], crc = fields[3];
    if (mode > (ENGINE_PRESENT ? RUN_ENGINE : RUN_CHECKSUMS)) {
        return STATUS_OUT_OF_RANGE;
    }
    if (ENGINE_PRESENT && mode == RUN_ENGINE &&
        !cbor_get_uint(request->data, request->length, "skip", &skip)) {
        return STATUS_BAD_REQUEST;
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
        session_move(model->inputs, TO_ARENA, 0, session.input_copy, session.input_bytes);
    }
    if (session_crc(model->inputs, model->input_count) != crc) {
        session.received = 0;
        return STATUS_INPUT_DAMAGED;
    }
    session.output_valid = false;
    session.input_consumed = session.input_copy == NULL;
    service_status status = run_model(mode, skip);
    if (status != STATUS_OK) {
        return status;
    }
    session.output_valid = true;
    session.run = run_id;
    session.mode = mode;
    session.output_crc = session_crc(model->outputs, model->output_count);
    return run_reply(reply);
}

/* Whether the reply to be read belongs to the run that the request names. */
static service_status check_run(const service_request *request) {
    uint32_t fields[2];
    if (!cbor_get_uints(request->data, request->length, "t\0r\0", fields)) {
        return STATUS_BAD_REQUEST;
    }
    return session.output_valid && fields[0] == session.transaction && fields[1] == session.run
               ? STATUS_OK
               : STATUS_NO_OUTPUT;
}

service_status inference_output(const service_request *request, cbor_writer *reply) {
    uint32_t fields[2];
    service_status status = check_run(request);
    if (status != STATUS_OK) {
        return status;
    }
    if (!cbor_get_uints(request->data, request->length, "off\0len\0", fields)) {
        return STATUS_BAD_REQUEST;
    }
    uint32_t offset = fields[0], length = fields[1];
    if (length > SMIDGEN_CHUNK_BYTES || offset > session.output_bytes ||
        length > session.output_bytes - offset) {
        return STATUS_OUT_OF_RANGE;
    }
    cbor_put_map(reply, 2);
    cbor_pair_uint(reply, "off", offset);
    uint8_t *to = cbor_pair_bytes(reply, "data", length);
    if (to != NULL) {
        session_move(session.model->outputs, FROM_ARENA, offset, to, length);
    }
    return STATUS_OK;
}

static void put_engine_rows(cbor_writer *reply, uint32_t first, uint32_t count) {
    const engine_row *rows = (const engine_row *)(const void *)session.rows + first;
    cbor_put_map(reply, 2);
    cbor_pair_uint(reply, "first", first);
    cbor_put_key(reply, "engine");
    cbor_put_array(reply, count * ENGINE_ROW_VALUES);
    for (uint32_t i = 0; i < count * ENGINE_ROW_VALUES; ++i) {
        cbor_put_uint(reply, rows[i / ENGINE_ROW_VALUES].values[i % ENGINE_ROW_VALUES]);
    }
}

service_status inference_rows(const service_request *request, cbor_writer *reply) {
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
    bool records = ENGINE_PRESENT && session.mode == RUN_ENGINE;
    uint32_t count = session.row_count - first;
    uint32_t most = records ? ENGINE_ROWS_PER_REPLY : ROWS_PER_REPLY;
    count = count < most ? count : most;
    if (records) {
        put_engine_rows(reply, first, count);
        return STATUS_OK;
    }
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

service_status inference_selftest(const service_request *request, cbor_writer *reply) {
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
    session_note_stack();
    service_status status = session_check_guards();
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t values[] = {result.checked, result.layer, result.expected, result.actual};
    cbor_put_map(reply, 5);
    cbor_pair_bool(reply, "ok", result.passed);
    cbor_pair_uints(reply, "checked\0layer\0expected\0actual\0", values);
    return STATUS_OK;
}

service_status inference_reset(cbor_writer *reply) {
    session.model->reset(session.arena);
    cbor_put_map(reply, 0);
    return STATUS_OK;
}
