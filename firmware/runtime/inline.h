#ifndef SMIDGEN_INLINE_H
#define SMIDGEN_INLINE_H

/* For what runs on every byte: the agent is optimized for size, and there GCC would not inline it.
 */
#define ALWAYS_INLINE inline __attribute__((always_inline))

#endif
