/* What the agent remembers between requests: how RAM is divided, the input, the last run. */
#ifndef SMIDGEN_SESSION_H
#define SMIDGEN_SESSION_H

#include "measure.h"
#include "service.h"

enum { ARENA_GUARD_BYTES = 16, STACK_GUARD_BYTES = 16 };

/* Inputs and outputs travel as one byte string each: all inputs (outputs) one after the other. */
typedef struct {
    const smidgen_model *model;
    uint8_t *arena;      /* followed by ARENA_GUARD_BYTES of paint */
    uint8_t *input_copy; /* NULL: the inputs lie in the arena only, and a run consumes them */
    uint8_t *rows;       /* the rest of RAM: a table for what a run has counted */
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
    uint32_t rows_in_all; /* of RUN_ENGINE, stored or not */
    uint32_t output_crc;
    measure_count total;
    measure_count cost;

    uint32_t stack_used; /* since boot */
    uint32_t stack_run;  /* by the model alone, in the last plain run */
} session_state;

extern session_state session;

typedef enum { TO_ARENA, FROM_ARENA } session_direction;

/* Moves bytes offset to offset+length-1 of the concatenated tensors between the arena and `bytes`.
 */
void session_move(const smidgen_tensor *tensor, session_direction way, uint32_t offset,
                  uint8_t *bytes, uint32_t length);

/* CRC-32 of the concatenated tensors as they lie in the arena. */
uint32_t session_crc(const smidgen_tensor *tensors, uint32_t count);

/* Takes the stack's present high-water mark into account, before it is painted anew. */
void session_note_stack(void);

/* Whether the model has kept to its memory since it was painted. */
service_status session_check_guards(void);

#endif
