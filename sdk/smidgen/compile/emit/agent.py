"""model_agent.c: the descriptor through which the agent serves a model."""

from __future__ import annotations

import numpy as np

from smidgen.compile.emit.template import fill, string_literal
from smidgen.compile.emit.weights import float_literal
from smidgen.compile.figures import Golden
from smidgen.compile.schedule import Port, Schedule
from smidgen.graph.packing import storage_bytes


def agent_c(heading: dict[str, object], prefix: str, schedule: Schedule, golden: tuple[Golden, ...]) -> str:
    """The text of model_agent.c."""
    layers = "".join(
        f"    {{{string_literal(call.id)}, {string_literal(call.type_name)}}},\n" for call in schedule.calls
    )
    return fill(
        "model_agent.c",
        prefix=prefix,
        PREFIX=prefix.upper(),
        name=string_literal(schedule.name),
        tensors=_tensors("input", schedule.inputs, schedule) + _tensors("output", schedule.outputs, schedule),
        layers=layers,
        golden=_golden(golden),
        golden_count=len(golden),
        golden_pointer="golden" if golden else "0",
        **heading,
    )


def _tensors(kind: str, ports: tuple[Port, ...], schedule: Schedule) -> str:
    """The table of inputs or outputs, and the dimensions that it points to."""
    dims, rows = [], []
    for index, port in enumerate(ports):
        shape = port.shape or (1,)
        dims.append(f"static const uint32_t {kind}_{index}_dims[] = {{{', '.join(map(str, shape))}}};\n")
        scale, zero_point = 0.0, 0
        if port.quantization is not None and port.quantization.axis is None:
            scale, zero_point = float(port.quantization.scale[0]), int(port.quantization.zero_point[0])
        size = storage_bytes(port.dtype, int(np.prod(shape, dtype=np.int64)))
        rows.append(
            f"    {{{string_literal(port.tensor)}, {schedule.buffers[port.buffer].offset}, {size}, "
            f"SMIDGEN_{port.dtype.name}, {len(shape)}, {kind}_{index}_dims, "
            f"{float_literal(scale)}, {zero_point}}},\n"
        )
    return "".join(dims) + f"static const smidgen_tensor {kind}s[] = {{\n{''.join(rows)}}};\n"


def _golden(golden: tuple[Golden, ...]) -> str:
    if not golden:
        return ""
    arrays, rows = [], []
    for index, one in enumerate(golden):
        words = [f"{checksum:#010x}u" for checksum in one.checksums]
        lines = "".join(f"    {', '.join(words[i : i + 6])},\n" for i in range(0, len(words), 6))
        arrays.append(f"static const uint32_t checksums_{index}[] = {{\n{lines}}};\n")
        rows.append(f"    {{{one.seed}u, {len(words)}, checksums_{index}}},\n")
    return "".join(arrays) + f"static const smidgen_golden golden[] = {{\n{''.join(rows)}}};\n"
