#include "service.h"

#include "engine.h"
#include "inference.h"
#include "session.h"

enum {
    CAPABILITY_CYCLES = 1,
    CAPABILITY_INSTRUCTIONS = 2,
    CAPABILITY_INPUT_COPY = 4,
    CAPABILITY_ENGINE = 8
};

static service_status describe(cbor_writer *reply) {
    const smidgen_model *model = session.model;
    uint32_t capabilities = (board_has_cycles() ? CAPABILITY_CYCLES : 0) |
                            (board_has_instructions() ? CAPABILITY_INSTRUCTIONS : 0) |
                            (session.input_copy != NULL ? CAPABILITY_INPUT_COPY : 0) |
                            (ENGINE_PRESENT ? CAPABILITY_ENGINE : 0);
    uint32_t values[] = {
        SMIDGEN_PROTOCOL_VERSION, board_clock_hz(),     capabilities,       SMIDGEN_CHUNK_BYTES,
        model->input_count,       model->output_count,  model->layer_count, model->golden_count,
        session.input_bytes,      session.output_bytes,
    };
    cbor_put_map(reply, 13);
    cbor_pair_text(reply, "model", model->name);
    cbor_pair_text(reply, "rev", model->version);
    cbor_pair_text(reply, "board", BOARD_NAME);
    cbor_pair_uints(reply,
                    "proto\0clock\0caps\0chunk\0inputs\0outputs\0layers\0golden\0"
                    "in_bytes\0out_bytes\0",
                    values);
    return STATUS_OK;
}

static service_status tensor(const service_request *request, cbor_writer *reply) {
    const smidgen_model *model = session.model;
    uint32_t fields[2];
    if (!cbor_get_uints(request->data, request->length, "out\0i\0", fields)) {
        return STATUS_BAD_REQUEST;
    }
    uint32_t output = fields[0], index = fields[1];
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

static service_status memory(cbor_writer *reply) {
    board_region stack = board_stack();
    const uint8_t *arena = session.arena;
    session_note_stack();
    uint32_t values[] = {
        board_flash_bytes(),
        board_ram_bytes(),
        (uint32_t)(stack.end - stack.start),
        session.stack_used,
        session.stack_run,
        session.model->arena_bytes,
        measure_painted_depth(arena, arena + session.model->arena_bytes + ARENA_GUARD_BYTES),
    };
    cbor_put_map(reply, 7);
    cbor_pair_uints(reply, "flash\0ram\0stack\0stack_used\0stack_run\0arena\0arena_used\0", values);
    return STATUS_OK;
}

service_status service_command(bool write, uint32_t command, const service_request *request,
                               cbor_writer *reply) {
    if (write) {
        switch (command) {
        case COMMAND_INPUT:
            return inference_input(request, reply);
        case COMMAND_RUN:
            return inference_run(request, reply);
        case COMMAND_SELFTEST:
            return inference_selftest(request, reply);
        case COMMAND_RESET:
            return inference_reset(reply);
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
        return inference_output(request, reply);
    case COMMAND_ROWS:
        return inference_rows(request, reply);
    case COMMAND_MEMORY:
        return memory(reply);
    default:
        return STATUS_NO_SUCH_COMMAND;
    }
}
