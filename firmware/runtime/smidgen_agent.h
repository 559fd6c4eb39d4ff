/* The agent: serves one model over the board's serial line. docs/protocol.md has the bytes on the
 * wire. */
#ifndef SMIDGEN_AGENT_H
#define SMIDGEN_AGENT_H

#include "smidgen_model.h"

/* What the agent itself needs of the stack, beside the model's bound. */
#define SMIDGEN_AGENT_STACK_BYTES 1024

/* The model to serve; model_agent.c defines it. */
extern const smidgen_model *const smidgen_agent_model;

/* Serves for ever. The board's start-up code calls it when RAM is initialized. */
void smidgen_agent_main(void) __attribute__((noreturn));

/* For trap handlers: reports the trap over the line, then stops the board with exit code 0x80 +
 * cause. */
void smidgen_agent_fault(uint32_t cause, uint32_t pc, uint32_t address) __attribute__((noreturn));

#endif
