#include "session.h"

#include "codec.h"
#include "mem.h"

session_state session;

static uint32_t total_bytes(const smidgen_tensor *tensors, uint32_t count) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; ++i) {
        bytes += tensors[i].bytes;
    }
    return bytes;
}

/* Moves bytes offset to offset+length-1 of the concatenated tensors between the arena and `bytes`.
 */
void session_move(const smidgen_tensor *tensor, session_direction way, uint32_t offset,
                  uint8_t *bytes, uint32_t length) {
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

uint32_t session_crc(const smidgen_tensor *tensors, uint32_t count) {
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
    if (ram.end > at && session.input_bytes < (uint32_t)(ram.end - at)) {
        session.input_copy = at;
        session.rows = at + session.input_bytes + (-(uintptr_t)(at + session.input_bytes) & 15);
    }
    session.rows_bytes = ram.end > session.rows ? (uint32_t)(ram.end - session.rows) : 0;
    model->reset(session.arena);
}

void session_note_stack(void) {
    uint32_t depth = measure_stack_depth();
    session.stack_used = depth > session.stack_used ? depth : session.stack_used;
}

service_status session_check_guards(void) {
    const uint8_t *guard = session.arena + session.model->arena_bytes;
    board_region stack = board_stack();
    if (stack.end != stack.start &&
        measure_stack_depth() > (uint32_t)(stack.end - stack.start) - STACK_GUARD_BYTES) {
        return STATUS_STACK_OVERFLOW;
    }
    return measure_painted_depth(guard, guard + ARENA_GUARD_BYTES) == 0 ? STATUS_OK
                                                                        : STATUS_ARENA_OVERRUN;
}
