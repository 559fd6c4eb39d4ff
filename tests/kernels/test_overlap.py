"""Kernels whose output lies in their input's memory, as far in as they declare, still equal the reference.

Each case runs several times, with the output at places that the declaration allows: the furthest, one below
it and, where it says in place, exactly at the input. All memory is checked by the sanitizers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from kernel_cases import FAMILIES, cases_of
from kernel_harness import OVER_READ, WRONG, Call, Case, calls_of, program, run_sanitized
from narrow_cases import FAMILIES as NARROW_FAMILIES
from narrow_cases import NARROW
from narrow_cases import cases_of as narrow_cases_of

from smidgen.graph import DType
from smidgen.graph.reference import run

FILL = 0xA5
WORD = 4
EVERY = 3  # of the families with weights, one case in so many
SHARE_NOTHING = ("resize", "products", "recurrent")
OPERATORS = [family for family in FAMILIES if family not in SHARE_NOTHING]

_MAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t number(FILE *file) {
    uint32_t value = 0;
    if (fread(&value, sizeof value, 1, file) != 1)
        exit(3);
    return value;
}

static unsigned char *bytes(FILE *file, uint32_t size) {
    unsigned char *data = malloc(size ? size : 1);
    if (fread(data, 1, size, file) != size)
        exit(3);
    return data;
}

int main(int argc, char **argv) {
    FILE *file = fopen(argv[1], "rb");
    const long only = argc > 2 ? atol(argv[2]) : -1;
    int failures = 0;
    for (long index = 0; index < CASES; index++) {
        unsigned char *blocks[64];
        void *pointers[64];
        const uint32_t block_count = number(file);
        for (uint32_t i = 0; i < block_count; i++)
            blocks[i] = bytes(file, number(file));
        const uint32_t count = number(file);
        for (uint32_t i = 0; i < count; i++) {
            unsigned char *block = blocks[number(file)];
            pointers[i] = block + number(file);
        }
        if (only < 0 || only == index) {
            fprintf(stderr, "case %ld\n", index);
            calls[index](pointers);
        }
        const uint32_t output = number(file), size = number(file);
        unsigned char *expected = bytes(file, size);
        if ((only < 0 || only == index) && memcmp(pointers[output], expected, size) != 0) {
            printf("%ld\n", index);
            failures++;
        }
        free(expected);
        for (uint32_t i = 0; i < block_count; i++)
            free(blocks[i]);
    }
    fclose(file);
    return failures ? WRONG : 0;
}
"""


@dataclass(frozen=True)
class Shared:
    """A call whose output starts `distance` bytes beyond the start of its read number `read`."""

    call: Call
    read: int
    distance: int

    @property
    def name(self) -> str:
        return f"{self.call.name}, output {self.distance:+} from the start of input {self.read}"


def shared_of(call: Call, kernel_set: str) -> Iterator[Shared]:
    """The call with its output at the places that its declaration allows, where memory is really shared."""
    lowered = call.lowered
    output = call.case.graph.tensor(call.case.node.outputs[0])
    size = output.elements * output.dtype.bits // 8
    for read, name in enumerate(lowered.reads):
        if name in lowered.constants:
            continue
        tensor = call.case.graph.tensor(name)
        bytes_only = kernel_set == "portable" and {tensor.dtype, output.dtype} == {DType.I8}
        unit = 1 if bytes_only else WORD
        distances = {0} if lowered.in_place else set()
        if lowered.overlap is not None:
            furthest = min(lowered.overlap, tensor.elements * tensor.dtype.bits // 8 - 1)
            distances |= {furthest // unit * unit, furthest // unit * unit - unit}
        yield from (Shared(call, read, distance) for distance in sorted(distances) if distance > -size)


def vectors_of(shared: Shared) -> bytes:
    """Blocks of memory, pointers into them, and what the output must be."""
    case, lowered = shared.call.case, shared.call.lowered
    values = dict(zip(case.graph.inputs, case.inputs, strict=True))
    (output,) = run(case.graph, case.inputs).outputs
    blocks: list[bytearray] = []
    pointers: list[tuple[int, int]] = []

    def add(data: bytes, before: int = 0, after: int = 0) -> None:
        pointers.append((len(blocks), before))
        blocks.append(bytearray([FILL]) * before + data + bytearray([FILL]) * after)

    over_read = OVER_READ.get(shared.call.spec.kernel_set, 0)
    for number, name in enumerate(lowered.reads):
        data = lowered.constants[name].data if name in lowered.constants else values[name]
        raw = np.ascontiguousarray(data).tobytes()
        if number == shared.read:
            end = max(len(raw) + over_read, shared.distance + output.nbytes)
            add(raw, max(-shared.distance, 0), end - len(raw))
        else:
            add(raw, 0, over_read)
    for blob in lowered.blobs:
        add(np.ascontiguousarray(blob.data).tobytes())
    block, start = pointers[shared.read]
    pointers.append((block, start + shared.distance))
    if lowered.scratch_bytes:
        add(bytes([FILL]) * lowered.scratch_bytes)
    parts = [struct.pack("<I", len(blocks))]
    parts += [struct.pack("<I", len(block)) + block for block in blocks]
    parts += [struct.pack("<I", len(pointers)), *(struct.pack("<II", *pointer) for pointer in pointers)]
    where = len(lowered.reads) + len(lowered.blobs)
    return b"".join([*parts, struct.pack("<II", where, output.nbytes), output.tobytes()])


def failures(calls: Sequence[Call], optimize: str, folder: Path, kernel_set: str = "portable") -> str:
    """Which cases give a wrong output, one line each; an empty text when none does."""
    cases = [shared for call in calls for shared in shared_of(call, kernel_set)]
    assert cases, "no kernel lets its output share memory with an input"
    source = program([shared.call for shared in cases]) + _MAIN
    ran = run_sanitized(source, b"".join(map(vectors_of, cases)), optimize, folder)
    lines = [f"case {line}: {cases[int(line)].name}" for line in ran.stdout.splitlines()]
    if ran.returncode not in (0, WRONG):
        lines.append(f"stopped with status {ran.returncode}\n{ran.stderr[-4000:]}")
    return "\n".join(lines)


def cases_for(family: str) -> list[Case]:
    """The family's cases, some of them for families with weights, which come in three widths."""
    if family not in NARROW_FAMILIES:
        return cases_of(family)
    widths = [cases_of(family), *(narrow_cases_of(family, dtype) for dtype in NARROW)]
    return [one for made in widths for one in made[::EVERY]]


@pytest.mark.parametrize("family", OPERATORS)
def test_outputs_in_their_inputs_memory(family: str, tmp_path: Path) -> None:
    wrong = failures(calls_of(cases_for(family), "speed", "portable"), "speed", tmp_path)
    again = f"KERNEL_CASE=<case number> python -m pytest '{__file__}' -k {family}"
    assert not wrong, f"{wrong}\nrun one case again: {again}"


@pytest.mark.slow
@pytest.mark.parametrize("kernel_set", ["dsp", "mve", "thumb", "midge"])
def test_outputs_in_their_inputs_memory_with_other_kernels(kernel_set: str, tmp_path: Path) -> None:
    """Their instructions emulated in C."""
    calls = [call for family in OPERATORS for call in calls_of(cases_for(family), "speed", kernel_set)]
    wrong = failures(calls, "speed", tmp_path, kernel_set)
    again = f"KERNEL_CASE=<case number> python -m pytest -m slow '{__file__}' -k {kernel_set}"
    assert not wrong, f"{wrong}\nrun one case again: {again}"
