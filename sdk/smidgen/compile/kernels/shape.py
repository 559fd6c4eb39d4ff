"""Kernels of firmware/kernels/portable/shape.h."""

from __future__ import annotations

import math

import numpy as np

from smidgen.compile.kernels.common import PORTABLE, constant_operands
from smidgen.compile.kernels.overlap import overlap_of_runs
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    Concatenation,
    DepthToSpace,
    Gather,
    Pack,
    Pad,
    Reshape,
    SpaceToDepth,
    Split,
    StridedSlice,
    Tile,
    Transpose,
    Unpack,
)
from smidgen.graph.reference.shape import pad_value

AXES = 5
PARTS = 16
_GATHERED = (Transpose, StridedSlice, Tile, DepthToSpace, SpaceToDepth)


def _never(graph: Graph, node: Node) -> str | None:
    return None


def _element_bytes(tensor: Tensor) -> int:
    return tensor.dtype.bits // 8


def _byte_strides(tensor: Tensor) -> list[int]:
    """Bytes from one index to the next along each axis."""
    sizes = [math.prod(tensor.shape[axis + 1 :]) for axis in range(len(tensor.shape))]
    return [size * _element_bytes(tensor) for size in sizes]


def _runs(sizes: tuple[int, ...], steps: list[int], element_bytes: int) -> tuple[int, list[tuple[int, int]]]:
    """(bytes of a contiguous run, loops of (size, step) around it), axes that can run together merged."""
    loops: list[tuple[int, int]] = []
    for size, step in zip(sizes, steps, strict=True):
        if size == 1:
            continue
        if loops and loops[-1][1] == size * step:
            loops[-1] = (loops[-1][0] * size, step)
        else:
            loops.append((size, step))
    if loops and loops[-1][1] == element_bytes:
        return loops.pop()[0] * element_bytes, loops
    return element_bytes, loops


def _scattered(graph: Graph, node: Node) -> tuple[tuple[int, ...], list[int], int, int]:
    """(sizes, byte steps, byte offset, element bytes) of the side of a gather or pad that is not in order."""
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    match node.operator:
        case Transpose(permutation=permutation):
            strides = _byte_strides(x)
            return output.shape, [strides[axis] for axis in permutation], 0, _element_bytes(x)
        case StridedSlice(begin=begin, step=step):
            strides = _byte_strides(x)
            offset = sum(b * stride for b, stride in zip(begin, strides, strict=True))
            steps = [s * stride for s, stride in zip(step, strides, strict=True)]
            return output.shape, steps, offset, _element_bytes(x)
        case Tile(multiples=multiples):
            pairs = zip(multiples, x.shape, _byte_strides(x), strict=True)
            loops = [loop for many, size, stride in pairs for loop in ((many, 0), (size, stride))]
            return tuple(size for size, _ in loops), [step for _, step in loops], 0, _element_bytes(x)
        case DepthToSpace(block_size=block):
            n, height, width, channels = output.shape
            image, row, pixel, _ = _byte_strides(x)
            sizes = (n, height // block, block, width // block, block * channels)
            return sizes, [image, row, pixel // block, pixel, _element_bytes(x)], 0, _element_bytes(x)
        case SpaceToDepth(block_size=block):
            n, height, width, _ = output.shape
            image, row, pixel, element = _byte_strides(x)
            sizes = (n, height, width, block, block * x.shape[3])
            return sizes, [image, block * row, block * pixel, row, element], 0, element
        case Pad(paddings=paddings):
            strides = _byte_strides(output)
            offset = sum(before * stride for (before, _), stride in zip(paddings, strides, strict=True))
            return x.shape, strides, offset, _element_bytes(x)
    raise ValueError(f"{node.operator} does not scatter")


def _refuse_scattered(graph: Graph, node: Node) -> str | None:
    sizes, steps, _, element_bytes = _scattered(graph, node)
    _, loops = _runs(sizes, steps, element_bytes)
    return f"it moves data along more than {AXES} axes" if len(loops) > AXES else None


def _loop_fields(graph: Graph, node: Node) -> dict[str, int]:
    sizes, steps, offset, element_bytes = _scattered(graph, node)
    run, loops = _runs(sizes, steps, element_bytes)
    loops = [(1, 0)] * (AXES - len(loops)) + loops
    fields = {"run": run, "offset": offset}
    fields |= {f"size_{axis}": size for axis, (size, _) in enumerate(loops)}
    return fields | {f"step_{axis}": step for axis, (_, step) in enumerate(loops)}


def _call(graph: Graph, node: Node, symbol: str, struct: str, shape: dict[str, int], **more) -> Lowered:
    reads = node.inputs if isinstance(node.operator, Concatenation | Pack) else node.inputs[:1]
    constants = constant_operands(graph, reads)
    shape_type = f"struct {struct}"
    return Lowered(symbol, shape_type, shape, reads, specialise=False, constants=constants, **more)


def _lower_gather(graph: Graph, node: Node, optimize: str) -> Lowered:
    fields = _loop_fields(graph, node)
    starts = np.array([fields["offset"]])
    for axis in range(AXES):
        steps = np.arange(fields[f"size_{axis}"]) * fields[f"step_{axis}"]
        starts = (starts[:, None] + steps).reshape(-1)
    overlap = overlap_of_runs(starts, fields["run"])
    return _call(graph, node, "smidgen_gather", "smidgen_gather_shape", fields, overlap=overlap)


def _lower_pad(graph: Graph, node: Node, optimize: str) -> Lowered:
    output = graph.tensor(node.outputs[0])
    fill = np.array([pad_value(graph, node)]).astype(output.dtype.numpy)
    shape = _loop_fields(graph, node) | {
        "output_bytes": output.elements * _element_bytes(output),
        "fill_bytes": _element_bytes(output),
        "fill": int.from_bytes(fill.tobytes(), "little", signed=True),
    }
    return _call(graph, node, "smidgen_pad", "smidgen_pad_shape", shape)


def _lower_reshape(graph: Graph, node: Node, optimize: str) -> Lowered:
    output = graph.tensor(node.outputs[0])
    shape = {"bytes": output.elements * _element_bytes(output)}
    return _call(graph, node, "smidgen_copy", "smidgen_copy_shape", shape)


def _refuse_parts(graph: Graph, node: Node) -> str | None:
    count = max(len(node.inputs), len(node.outputs))
    return f"it has {count} parts, more than {PARTS}" if count > PARTS else None


def _lower_parts(graph: Graph, node: Node, optimize: str) -> Lowered:
    joins = isinstance(node.operator, Concatenation | Pack)
    tensors = [graph.tensor(name) for name in (node.inputs if joins else node.outputs)]
    axis = node.operator.axis
    rows = math.prod(tensors[0].shape[:axis])
    part_bytes = [tensor.elements // rows * _element_bytes(tensor) for tensor in tensors]
    return _call(
        graph,
        node,
        f"smidgen_{'join' if joins else 'divide'}_{len(tensors)}",
        "smidgen_parts_shape",
        {"parts": len(tensors), "rows": rows, "row_bytes": sum(part_bytes)},
        blobs=(Blob("part_bytes", np.array(part_bytes, np.int32), "table"),),
    )


def _refuse_take(graph: Graph, node: Node) -> str | None:
    indices = graph.tensor(node.inputs[1])
    return None if indices.dtype is DType.I32 else f"its indices '{indices.name}' are {indices.dtype.value}"


def _lower_take(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: Gather = node.operator
    x, indices = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    axis = operator.axis
    return Lowered(
        symbol="smidgen_take",
        shape_type="struct smidgen_take_shape",
        shape={
            "outer": math.prod(x.shape[:axis]),
            "size": x.shape[axis],
            "indices": indices.elements,
            "run": _byte_strides(x)[axis],
        },
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
    )


KERNELS = (
    KernelSpec("copy", "shape", PORTABLE, (Reshape,), _never, _lower_reshape),
    KernelSpec("gather", "shape", PORTABLE, _GATHERED, _refuse_scattered, _lower_gather),
    KernelSpec("take", "shape", PORTABLE, (Gather,), _refuse_take, _lower_take),
    KernelSpec("pad", "shape", PORTABLE, (Pad,), _refuse_scattered, _lower_pad),
    KernelSpec("join", "shape", PORTABLE, (Concatenation, Pack), _refuse_parts, _lower_parts),
    KernelSpec("divide", "shape", PORTABLE, (Split, Unpack), _refuse_parts, _lower_parts),
)
