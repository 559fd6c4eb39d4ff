"""Runs many kernel calls in one C program under ASan and UBSan and compares outputs with the reference.

A case is a graph of one node and its inputs. Its kernel, shape and blobs come from the declarations that the
compiler uses. All cases of a batch share one executable: it takes every pointer's bytes from a file, gives
each its own allocation (so that the sanitizer sees one byte too far), off by one byte where the alignment of
the element type allows, and checks that nothing but the outputs changes.

Kernels of Xmidge run on its emulation in C. They may load a few bytes beyond an input; it has room for that.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smidgen.compile.kernels import KernelSpec, Lowered, kernels_for, willing
from smidgen.graph import Graph, Node
from smidgen.graph.reference import run
from smidgen.paths import data_folder

FLAGS = {"speed": ["-O1"], "size": ["-Os"]}  # -Os switches the kernels to their small variants
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
READ, WRITE, SCRATCH = 0, 1, 2
# Bytes beyond an input that a kernel may load.
OVER_READ = {"portable": 0, "midge": 15, "dsp": 0, "mve": 0, "thumb": 0}
WRONG = 2  # exit status when outputs differ; the sanitizers stop the program with another

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

int main(int argc, char **argv) {
    FILE *file = fopen(argv[1], "rb");
    const long only = argc > 2 ? atol(argv[2]) : -1;
    int failures = 0;
    for (long index = 0; index < CASES; index++) {
        void *blocks[64], *pointers[64];
        unsigned char *expected[64];
        uint32_t kinds[64], sizes[64];
        const uint32_t count = number(file);
        for (uint32_t i = 0; i < count; i++) {
            kinds[i] = number(file);
            sizes[i] = number(file);
            const uint32_t offset = number(file), more = number(file);
            blocks[i] = malloc(sizes[i] + offset + more);
            pointers[i] = (char *)blocks[i] + offset;
            expected[i] = malloc(sizes[i] + 1);
            if (fread(expected[i], 1, sizes[i], file) != sizes[i])
                exit(3);
            if (kinds[i] == 0)
                memcpy(pointers[i], expected[i], sizes[i]);
            else
                memset(pointers[i], 0xA5, sizes[i]);
        }
        if (only < 0 || only == index) {
            fprintf(stderr, "case %ld\n", index);
            calls[index](pointers);
            for (uint32_t i = 0; i < count; i++) {
                const unsigned char *actual = pointers[i];
                for (uint32_t at = 0; kinds[i] != 2 && at < sizes[i]; at++) {
                    if (actual[at] != expected[i][at]) {
                        printf("%ld pointer %u byte %u of %u: expected %d, not %d\n", index, i, at, sizes[i],
                               (signed char)expected[i][at], (signed char)actual[at]);
                        failures++;
                        break;
                    }
                }
            }
        }
        for (uint32_t i = 0; i < count; i++) {
            free(blocks[i]);
            free(expected[i]);
        }
    }
    fclose(file);
    return failures ? WRONG : 0;
}
"""


@dataclass(frozen=True)
class Case:
    """A graph of one node, arrays for its inputs, and the seed that made them."""

    name: str
    graph: Graph
    inputs: Sequence[np.ndarray]

    @property
    def node(self) -> Node:
        return self.graph.nodes[0]


def lowered(case: Case, optimize: str) -> tuple[KernelSpec, Lowered]:
    """What the compiler would call for the case's node on a target with the portable kernels."""
    (spec, *_), _ = willing(case.graph, case.node, kernels_for(["portable"]))
    return spec, spec.lower(case.graph, case.node, optimize)


@dataclass(frozen=True)
class Call:
    """A case on one of the kernels that take it."""

    case: Case
    spec: KernelSpec
    lowered: Lowered

    @property
    def name(self) -> str:
        return f"{self.case.name} on {self.spec.name}"


def calls_of(cases: Sequence[Case], optimize: str, kernel_set: str) -> list[Call]:
    """Every case on every kernel of the set that takes it."""
    return [
        Call(case, spec, spec.lower(case.graph, case.node, optimize))
        for case in cases
        for spec in willing(case.graph, case.node, kernels_for([kernel_set]))[0]
    ]


def half_of(cases: Sequence[Case], optimize: str) -> Sequence[Case]:
    """For slow devices: one half of the cases for speed, the other for size; the host runs all of both."""
    return list(cases)[("speed", "size").index(optimize) :: 2]


def failures(
    cases: Sequence[Case], optimize: str, folder: Path, kernel_set: str = "portable", misalign: bool = True
) -> str:
    """What is wrong with the outputs, one line each; an empty text when nothing is.

    misalign: whether int8 tensors begin at any address, as they do not in an arena.
    """
    calls = calls_of(cases, optimize, kernel_set)
    assert calls, f"no {kernel_set} kernel takes any of these cases"
    vectors = b"".join(vectors_of(call, i if misalign else 0) for i, call in enumerate(calls))
    ran = run_sanitized(program(calls) + _MAIN, vectors, optimize, folder)
    lines = [f"{calls[int(line.split()[0])].name}: case {line}" for line in ran.stdout.splitlines()]
    if ran.returncode not in (0, WRONG):
        begun = [line for line in ran.stderr.splitlines() if line.startswith("case ")]
        last = calls[int(begun[-1].split()[1])].name if begun else "no case begun"
        lines.append(f"{last}: stopped with status {ran.returncode}\n{ran.stderr[-4000:]}")
    assert lines or ran.returncode == 0
    return "\n".join(lines)


def run_sanitized(
    program: str, vectors: bytes, optimize: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Compile a program of kernel calls with the sanitizers and run it on its vectors, or on the one case of
    $KERNEL_CASE."""
    source, executable, data = folder / "cases.c", folder / "cases", folder / "vectors.bin"
    source.write_text(program, encoding="utf-8")
    data.write_bytes(vectors)
    include = f"-I{data_folder('firmware') / 'kernels'}"
    command = ["gcc", *WARNINGS, *FLAGS[optimize], *SANITIZE, include, str(source), "-o", str(executable)]
    compiled = subprocess.run(command, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    only = [os.environ["KERNEL_CASE"]] if "KERNEL_CASE" in os.environ else []
    return subprocess.run([str(executable), str(data), *only], capture_output=True, text=True)


def program(calls: Sequence[Call]) -> str:
    """One function per kernel and number of pointers, so that many shapes compile quickly."""
    headers = sorted({f"{call.spec.kernel_set}/{call.spec.family}.h" for call in calls})
    lines = [f'#include "{header}"' for header in headers]
    functions: dict[tuple[str, int], str] = {}
    bodies, table = [], []
    for index, call in enumerate(calls):
        kernel, count = call.lowered, _pointer_count(call)
        key = (kernel.symbol, count)
        if key not in functions:
            functions[key] = f"run_{kernel.symbol}_{count}"
            arguments = ", ".join(f"p[{i}]" for i in range(count))
            lines.append(
                f"static __attribute__((noinline)) void {functions[key]}(const void *shape, void **p) {{"
            )
            lines.append(f"    {kernel.symbol}((const {kernel.shape_type} *)shape, {arguments});\n}}")
        fields = ", ".join(f".{name} = {_literal(value)}" for name, value in kernel.shape.items())
        bodies.append(f"/* {call.name} */")
        bodies.append(f"static const {kernel.shape_type} shape_{index} = {{{fields}}};")
        bodies.append(f"static void call_{index}(void **p) {{ {functions[key]}(&shape_{index}, p); }}")
        table.append(f"call_{index}")
    lines += bodies
    lines.append(f"#define CASES {len(calls)}\n#define WRONG {WRONG}")
    lines.append(f"static void (*const calls[])(void **) = {{{', '.join(table)}}};")
    return "\n".join([*lines, ""])


def _literal(value: int) -> str:
    if value == -(1 << 31):
        return "-2147483647 - 1"
    return f"{value}u" if value >= 1 << 31 else str(value)


def _pointer_count(call: Call) -> int:
    kernel, outputs = call.lowered, call.case.node.outputs
    return len(kernel.reads) + len(kernel.blobs) + len(outputs) + bool(kernel.scratch_bytes)


def vectors_of(call: Call, shift: int, unit: int = 1) -> bytes:
    """The call's pointers in the kernel's order: reads, blobs, writes, scratch (which starts on a word).

    shift: by which int8 tensors lie off a word, or 0; unit: of bytes to which each array is filled up.
    """
    case, kernel = call.case, call.lowered
    values = dict(zip(case.graph.inputs, case.inputs, strict=True))
    outputs = run(case.graph, case.inputs).outputs
    reads = [
        kernel.constants[name].data if name in kernel.constants else values[name] for name in kernel.reads
    ]
    over_read = OVER_READ[call.spec.kernel_set]
    pointers = [(READ, array, over_read) for array in reads]
    pointers += [(READ, blob.data, 0) for blob in kernel.blobs]
    pointers += [(WRITE, array, 0) for array in outputs]
    if kernel.scratch_bytes:
        pointers.append((SCRATCH, np.zeros(kernel.scratch_bytes, np.int8), 0))
    parts = [struct.pack("<I", len(pointers))]
    for number, (kind, array, more) in enumerate(pointers):
        data = np.ascontiguousarray(array).tobytes()
        movable = array.dtype == np.int8 and kind != SCRATCH
        offset = (shift + number) % 4 if movable and shift else 0
        parts.append(struct.pack("<IIII", kind, len(data), offset, more) + data + bytes(-len(data) % unit))
    return b"".join(parts)
