"""model.h: the contract with people who write their own firmware."""

from __future__ import annotations

import numpy as np

from smidgen.compile.emit.names import tensor_type
from smidgen.compile.emit.template import comment_text, fill
from smidgen.compile.emit.weights import float_literal
from smidgen.compile.figures import Figures
from smidgen.compile.schedule import ARENA_ALIGNMENT, Port, Schedule
from smidgen.graph import DType
from smidgen.graph.fixed_point import integer_range
from smidgen.graph.packing import storage_bytes


def model_h(
    heading: dict[str, object], prefix: str, schedule: Schedule, figures: Figures, version: str, target: str
) -> str:
    """The text of model.h; figures that are None are left out."""
    ports = [("input", i, port) for i, port in enumerate(schedule.inputs)]
    ports += [("output", i, port) for i, port in enumerate(schedule.outputs)]
    return fill(
        "model.h",
        prefix=prefix,
        PREFIX=prefix.upper(),
        version=version,
        arena_bytes=schedule.arena_bytes,
        arena_alignment=ARENA_ALIGNMENT,
        weights_bytes=figures.weights_bytes,
        figures=_figures(prefix.upper(), schedule, figures, target),
        input_count=len(schedule.inputs),
        output_count=len(schedule.outputs),
        layer_count=len(schedule.calls),
        ports="\n".join(_port(prefix, kind, i, port, schedule) for kind, i, port in ports),
        **heading,
    )


def _figures(prefix: str, schedule: Schedule, figures: Figures, target: str) -> str:
    if figures.code_bytes is None or figures.stack_bytes is None:
        return ""
    lines = [
        f"/* Measured for {target} with its compiler and flags; the model alone, without your own code. */",
        f"#define {prefix}_CODE_BYTES {figures.code_bytes} /* instructions and read-only data */",
        f"#define {prefix}_STACK_BYTES {figures.stack_bytes} /* the most that {prefix.lower()}_run needs */",
        f"#define {prefix}_FLASH_BYTES {figures.code_bytes + figures.weights_bytes} /* code and weights */",
        f"#define {prefix}_RAM_BYTES {schedule.arena_bytes + figures.stack_bytes} /* arena and stack */",
    ]
    return "".join(f"{line}\n" for line in lines)


def _port(prefix: str, kind: str, index: int, port: Port, schedule: Schedule) -> str:
    macro = f"{prefix.upper()}_{kind.upper()}_{index}"
    shape = port.shape or (1,)
    elements = int(np.prod(port.shape, dtype=np.int64))
    values = dict(
        prefix=prefix, PREFIX=prefix.upper(), kind=kind, KIND=kind.upper(), index=index,
        ctype=tensor_type(port.dtype),
    )  # fmt: skip
    quantization, helpers = "", ""
    if port.dtype in (DType.I8, DType.I16) and port.quantization is not None:
        quantization = (
            f"#define {macro}_SCALE {float_literal(float(port.quantization.scale[0]))}\n"
            f"#define {macro}_ZERO_POINT {_integer(int(port.quantization.zero_point[0]))}\n"
        )
        low, high = integer_range(port.dtype.bits)
        helpers = fill("quantize.h", low=low, high=high, **values)
    return fill(
        "port.h",
        Kind=kind.capitalize(),
        tensor=comment_text(port.tensor),
        dtype=port.dtype.value,
        shape_text="x".join(map(str, port.shape)) or "scalar",
        elements=elements,
        bytes=storage_bytes(port.dtype, elements),
        rank=len(shape),
        shape="{" + ", ".join(map(str, shape)) + "}",
        quantization=quantization,
        offset=schedule.buffers[port.buffer].offset,
        helpers=helpers,
        **values,
    )


def _integer(value: int) -> str:
    return f"({value})" if value < 0 else str(value)
