"""Which inputs and outputs of a model are images (or signals) with their channels first.

ONNX computes on (N, C, H, W) and (N, C, L), a graph of Smidgen on (N, H, W, C) and (N, L, C). An input that
reaches an operator of images while only being computed on element by element (or cut, joined, padded) is
given channels last, and an output that comes from one so is written channels last. Everything else keeps the
file's layout: a model that transposes its own input knows better.
"""

from __future__ import annotations

from onnx import GraphProto, NodeProto

_OF_IMAGES = {
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace", "GlobalAveragePool",
    "GlobalMaxPool", "GroupNormalization", "InstanceNormalization", "MaxPool", "Resize", "SpaceToDepth",
}  # fmt: skip
_KEEPING_AXES = {
    "Abs", "Add", "Cast", "Ceil", "Celu", "Clip", "Concat", "Cos", "DequantizeLinear", "Div", "Dropout",
    "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish",
    "Identity", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax", "Max", "Mean", "Min", "Mish", "Mul",
    "Neg", "Not", "PRelu", "Pad", "Pow", "QuantizeLinear", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid",
    "Sign", "Sin", "Slice", "Softmax", "Softplus", "Softsign", "Split", "Sqrt", "Sub", "Sum", "Swish", "Tanh",
    "ThresholdedRelu", "Where",
}  # fmt: skip


def channels_first_edges(graph: GraphProto) -> set[str]:
    """Names of the graph's inputs and outputs that have channels first in the file."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    constants = {tensor.name for tensor in graph.initializer}
    images: list[str] = []
    for node in graph.node:
        if node.op_type == "Constant":
            constants.update(node.output)
        elif node.op_type in _OF_IMAGES:
            images += [*node.input[:1], *node.output[:1]]
        elif node.op_type in _KEEPING_AXES:
            names = _moving(node, constants)
            for name in names[1:]:
                parent[root(name)] = root(names[0])
    marked = {root(name) for name in images}
    edges = [*graph.input, *graph.output]
    return {info.name for info in edges if root(info.name) in marked} - constants


def _moving(node: NodeProto, constants: set[str]) -> list[str]:
    """The inputs and outputs of an operator that share their axes: no constants, no parameters."""
    one_input = node.op_type in (
        "Clip",
        "DequantizeLinear",
        "Pad",
        "QuantizeLinear",
        "Slice",
        "Split",
        "Dropout",
    )
    inputs = node.input[:1] if one_input else node.input
    return [name for name in (*inputs, *node.output) if name and name not in constants]
