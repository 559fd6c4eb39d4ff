"""What the declarations share: constant operands, type checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import Conv2D
from smidgen.graph.reference.base import WEIGHTS
from smidgen.graph.reference.conv import ConvParameters

PORTABLE = "portable"


def constant_operands(graph: Graph, names: Sequence[str]) -> dict[str, Blob]:
    """Blobs of those inputs that are constants but are read like any tensor."""
    return {
        name: Blob("operand", np.ascontiguousarray(graph.tensor(name).data).reshape(-1), "constant")
        for name in names
        if graph.tensor(name).is_constant
    }


def refuse_other_types(graph: Graph, node: Node, count: int = 1, first: int = 0) -> str | None:
    """Why inputs `first` to `count` - 1 and all outputs are not int8 throughout, or None when they are."""
    names = [name for name in (*node.inputs[first:count], *node.outputs) if name is not None]
    others = [f"'{name}' is {graph.tensor(name).dtype.value}" for name in names if not _is_int8(graph, name)]
    return f"needs int8, but {', '.join(others)}" if others else None


def _is_int8(graph: Graph, name: str) -> bool:
    return graph.tensor(name).dtype is DType.I8


def refuse_weights(graph: Graph, node: Node) -> str | None:
    """Why inputs 1 (weights) and 2 (bias) cannot be packed at compile time, or None when they can."""
    weights = graph.tensor(node.inputs[1])
    if not weights.is_constant:
        return f"its weights '{weights.name}' are computed at run time"
    if weights.dtype not in WEIGHTS:
        known = ", ".join(dtype.value for dtype in WEIGHTS)
        return f"its weights '{weights.name}' are {weights.dtype.value}, not one of {known}"
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        bias = graph.tensor(node.inputs[2])
        if not bias.is_constant or bias.dtype is not DType.I32:
            return f"its bias '{bias.name}' is not a constant of type i32"
    return None


def refuse_layer(graph: Graph, node: Node) -> str | None:
    """Why a convolution or matrix product is not int8 with constant weights, or None when it is."""
    return refuse_other_types(graph, node) or refuse_weights(graph, node)


def window_fields(graph: Graph, node: Node) -> dict[str, int]:
    """The fields of a convolution's shape that say which windows there are, in their order."""
    operator: Conv2D = node.operator
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels, kernel_height, kernel_width, group_inputs = weights.shape
    groups = x.shape[3] // group_inputs
    return {
        "batches": x.shape[0],
        "input_height": x.shape[1],
        "input_width": x.shape[2],
        "input_channels": x.shape[3],
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "output_channels": channels,
        "groups": groups,
        "group_inputs": group_inputs,
        "group_outputs": channels // groups,
        "kernel_height": kernel_height,
        "kernel_width": kernel_width,
        "stride_height": operator.stride[0],
        "stride_width": operator.stride[1],
        "dilation_height": operator.dilation[0],
        "dilation_width": operator.dilation[1],
        "pad_top": operator.padding.top,
        "pad_left": operator.padding.left,
    }


def output_fields(p: ConvParameters) -> dict[str, int]:
    """Of a shape: how a scaled accumulator becomes an output."""
    return {
        "output_zero_point": p.output_zero_point,
        "activation_min": p.clamp_min,
        "activation_max": p.clamp_max,
    }


def bias_of(graph: Graph, node: Node, channels: int) -> np.ndarray:
    """Input 2 as int64, zeros when it is absent."""
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        return graph.tensor(node.inputs[2]).data.reshape(-1).astype(np.int64)
    return np.zeros(channels, np.int64)


def symbol_of(kernel: str, dtype: DType, variant: str) -> str:
    """The C function for weights of `dtype`: those for 4 and 2 bits are not built for outputs that clamp."""
    if dtype is DType.I8:
        return f"smidgen_{kernel}_{variant}"
    return f"smidgen_{kernel}_{dtype.value}_{'wide' if variant == 'wide' else 'right'}"


def doubled(multiplier: int) -> int:
    """Twice a 31-bit multiplier, the form in which the kernels take it: one high multiply less a shift."""
    return 2 * int(multiplier)
