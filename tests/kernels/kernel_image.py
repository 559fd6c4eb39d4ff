"""Kernel calls and their vectors as one bare-metal image, for whatever machine runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kernel_harness import Call, program, vectors_of

_RUN_CALLS = r"""
extern const uint8_t vectors[];
static uint8_t memory[200 * 1024] __attribute__((aligned(16)));

/* By itself, since there may be labels around the call, which must not be doubled with it. */
static __attribute__((noinline, noclone)) void run_call(uint32_t index, void **pointers) {
    BEFORE_CALL
    calls[index](pointers);
    AFTER_CALL
}

/* 1 when the memory is too small for a call. */
static int run_calls(void) {
    const uint32_t *next = (const uint32_t *)vectors;
    for (uint32_t index = 0; index < CASES; index++) {
        void *pointers[16];
        const uint8_t *expected[16];
        uint32_t kinds[16], sizes[16], free_at = 0, wrong = 0;
        const uint32_t count = *next++;
        for (uint32_t i = 0; i < count; i++) {
            kinds[i] = *next++;
            sizes[i] = *next++;
            const uint32_t offset = *next++, more = *next++;
            uint8_t *const place = memory + free_at + offset;
            free_at = (free_at + offset + sizes[i] + more + 15) & ~15u;
            if (free_at > sizeof memory)
                return 1;
            pointers[i] = place;
            expected[i] = (const uint8_t *)next;
            for (uint32_t at = 0; at < sizes[i]; at++)
                place[at] = kinds[i] == 0 ? expected[i][at] : 0xA5;
            next += (sizes[i] + 3) / 4;
        }
        run_call(index, pointers);
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t at = 0; kinds[i] != 2 && at < sizes[i]; at++)
                wrong += ((const uint8_t *)pointers[i])[at] != expected[i][at];
        REPORT(wrong)
    }
    return 0;
}
"""
_VECTORS = """
    .section .rodata
    .balign 16
    .globl vectors
vectors:
    .incbin "{path}"
"""

Batch = Sequence[tuple[Call, bytes]]


def batches(calls: Sequence[Call], misalign: bool, limit: int) -> Iterator[Batch]:
    """Calls with their vectors, at most `limit` bytes of these together. misalign: whether int8 tensors begin
    at any address."""
    batch: list[tuple[Call, bytes]] = []
    for index, call in enumerate(calls):
        vectors = vectors_of(call, index if misalign else 0, 4)
        if sum(len(data) for _, data in batch) + len(vectors) > limit:
            yield batch
            batch = []
        batch.append((call, vectors))
    yield batch


def sources(batch: Batch, before: str, after: str, folder: Path) -> list[Path]:
    """The files to compile. before: C that run_calls needs, with the macros BEFORE_CALL, AFTER_CALL and
    REPORT(wrong); after: C that calls run_calls."""
    source, assembly, binary = folder / "calls.c", folder / "vectors.S", folder / "vectors.bin"
    source.write_text(program([call for call, _ in batch]) + before + _RUN_CALLS + after, encoding="utf-8")
    binary.write_bytes(b"".join(data for _, data in batch))
    assembly.write_text(_VECTORS.format(path=binary))
    return [source, assembly]
