"""Kernels of firmware/kernels/portable/quantize.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.activation import table_call
from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.overlap import overlap_of_elements
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.fixed_point import integer_range, requantize
from smidgen.graph.operators import Dequantize, Quantize
from smidgen.graph.reference.quantize import requantize_parameters

_INTEGERS = (DType.I8, DType.I16, DType.I32)


@dataclass(frozen=True)
class _Types:
    """What a kernel reads and writes."""

    inputs: tuple[DType, ...]
    outputs: tuple[DType, ...]

    def refuse(self, graph: Graph, node: Node) -> str | None:
        x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
        if x.dtype in self.inputs and output.dtype in self.outputs:
            return None
        return f"it turns {x.dtype.value} into {output.dtype.value}"


def _call(graph: Graph, node: Node, symbol: str, struct: str, shape: dict[str, int], **more) -> Lowered:
    reads = node.inputs[:1]
    constants = constant_operands(graph, reads)
    shape_type = f"struct {struct}"
    return Lowered(
        symbol,
        shape_type,
        shape,
        reads,
        specialise=False,
        constants=constants,
        overlap=overlap_between_types(graph, node),
        **more,
    )


def overlap_between_types(graph: Graph, node: Node) -> int | None:
    """Of a kernel that goes by elements: in C, only bytes may be written where another type is read."""
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    input_bytes, output_bytes = x.dtype.bits // 8, output.dtype.bits // 8
    if x.dtype is not output.dtype and 1 not in (input_bytes, output_bytes):
        return None
    return overlap_of_elements(x.elements, input_bytes, output_bytes)


def _scale_blob(scale: float) -> Blob:
    return Blob("scale", np.array([scale], np.float32), "constant")


def _lower_table(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = requantize_parameters(graph, node)
    inputs = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)
    clamp = (p.clamp_min, p.clamp_max)
    outputs = requantize(inputs - p.input_zero_point, p.multiplier, p.shift, p.output_zero_point, clamp)
    return table_call(graph, node, outputs.astype(np.int8))


def _lower_rescale(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    p = requantize_parameters(graph, node)
    shape = {
        "elements": x.elements,
        "input_bytes": x.dtype.bits // 8,
        "output_bytes": output.dtype.bits // 8,
        "input_zero_point": p.input_zero_point,
        "output_zero_point": p.output_zero_point,
        "multiplier": doubled(p.multiplier),
        "shift": -p.shift,
        "activation_min": p.clamp_min,
        "activation_max": p.clamp_max,
    }
    return _call(graph, node, "smidgen_rescale", "smidgen_rescale_shape", shape)


def _lower_quantize(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    low, high = integer_range(output.dtype.bits)
    shape = {
        "elements": x.elements,
        "output_bytes": output.dtype.bits // 8,
        "zero_point": output.zero_point,
        "activation_min": low,
        "activation_max": high,
    }
    blobs = (_scale_blob(output.scale),)
    return _call(graph, node, "smidgen_quantize", "smidgen_quantize_shape", shape, blobs=blobs)


def _lower_dequantize(graph: Graph, node: Node, optimize: str) -> Lowered:
    x = graph.tensor(node.inputs[0])
    symbol = "smidgen_dequantize_wide" if x.dtype is DType.I32 else "smidgen_dequantize"
    shape = {"elements": x.elements, "input_bytes": x.dtype.bits // 8, "zero_point": x.zero_point}
    return _call(graph, node, symbol, "smidgen_dequantize_shape", shape, blobs=(_scale_blob(x.scale),))


_REQUANTIZE = _Types(_INTEGERS, _INTEGERS)
_QUANTIZE = _Types((DType.F32,), (DType.I8, DType.I16))
_DEQUANTIZE = _Types(_INTEGERS, (DType.F32,))

KERNELS = (
    KernelSpec("requantize_table", "activation", PORTABLE, (Quantize,), refuse_other_types, _lower_table),
    KernelSpec("requantize", "quantize", PORTABLE, (Quantize,), _REQUANTIZE.refuse, _lower_rescale),
    KernelSpec("quantize", "quantize", PORTABLE, (Quantize,), _QUANTIZE.refuse, _lower_quantize),
    KernelSpec("dequantize", "quantize", PORTABLE, (Dequantize,), _DEQUANTIZE.refuse, _lower_dequantize),
)
