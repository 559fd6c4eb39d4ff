"""Small quantized models with every kind of layer that has weights."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import (
    Activation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Operator,
    Padding,
    Reshape,
)

LAYERS = ("conv", "sliding", "pointwise", "depthwise", "dense")


def per_channel(scale: np.ndarray, axis: int | None) -> Quantization:
    scale = np.asarray(scale, np.float32)
    return Quantization(scale, np.zeros(scale.size, np.int32), axis)


def constants(
    rng: np.random.Generator, name: str, shape: tuple[int, ...], axis: int, x_scale: float, per_tensor: bool
) -> tuple[Tensor, Tensor]:
    """int8 weights of every value and a bias of about their products' size."""
    channels = shape[axis]
    scale = rng.uniform(0.005, 0.02, 1 if per_tensor else channels)
    data = rng.integers(-127, 128, shape).astype(np.int8)
    bias = rng.integers(-9000, 9000, channels).astype(np.int32)
    axis_or_none = None if per_tensor else axis
    bias_axis = None if per_tensor else 0
    return (
        Tensor(f"{name}.weights", shape, DType.I8, per_channel(scale, axis_or_none), data),
        Tensor(f"{name}.bias", (channels,), DType.I32, per_channel(scale * x_scale, bias_axis), bias),
    )


def small_model(seed: int = 0) -> Graph:
    """3 x 3 and 1 x 1 convolutions, both depthwise kernels and a fully connected layer, in a chain."""
    rng = np.random.default_rng(seed)
    layers: list[tuple[str, Operator, tuple[int, ...], int, tuple[int, ...]]] = [
        (
            "conv",
            Conv2D((1, 1), (1, 1), Padding(1, 1, 1, 1), Activation.RELU),
            (10, 3, 3, 3),
            0,
            (1, 6, 5, 10),
        ),
        ("sliding", DepthwiseConv2D((1, 1), (1, 1), Padding(1, 1, 1, 1)), (1, 3, 3, 10), 3, (1, 6, 5, 10)),
        ("pointwise", Conv2D(activation=Activation.RELU), (21, 1, 1, 10), 0, (1, 6, 5, 21)),
        ("depthwise", DepthwiseConv2D((2, 1)), (1, 4, 2, 21), 3, (1, 2, 4, 21)),
    ]
    x = Tensor("x", (1, 6, 5, 3), DType.I8, Quantization.per_tensor(0.02, -3))
    tensors, nodes, input_name = {"x": x}, [], "x"
    for number, (name, operator, shape, axis, output) in enumerate(layers):
        weights, bias = constants(rng, name, shape, axis, tensors[input_name].scale, False)
        quantization = Quantization.per_tensor(0.3 * (number + 1), int(rng.integers(-128, 0)))
        y = Tensor(f"{name}.y", output, DType.I8, quantization)
        tensors |= {t.name: t for t in (weights, bias, y)}
        nodes.append(Node(name, operator, (input_name, weights.name, bias.name), (y.name,)))
        input_name = y.name
    last = tensors[input_name]
    flat = Tensor("flat", (1, last.elements), DType.I8, last.quantization)
    weights, bias = constants(rng, "dense", (6, last.elements), 0, last.scale, True)
    y = Tensor("y", (1, 6), DType.I8, Quantization.per_tensor(20.0, 4))
    tensors |= {t.name: t for t in (flat, weights, bias, y)}
    nodes.append(Node("flatten", Reshape(), (input_name,), ("flat",)))
    nodes.append(Node("dense", FullyConnected(), ("flat", weights.name, bias.name), ("y",)))
    return Graph("small", tensors, tuple(nodes), ("x",), ("y",))


def inputs_of(graph: Graph, seed: int, count: int = 3) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [
        [rng.integers(-128, 128, graph.tensor(name).shape).astype(np.int8) for name in graph.inputs]
        for _ in range(count)
    ]


def real_weights(graph: Graph, layer: str) -> np.ndarray:
    """The weights as numbers, channels first."""
    node = next(node for node in graph.nodes if node.id == layer)
    weights = graph.tensor(node.inputs[1])
    axis = 3 if isinstance(node.operator, DepthwiseConv2D) else 0
    rows = np.moveaxis(weights.data, axis, 0).reshape(weights.shape[axis], -1)
    return rows * weights.quantization.scale.astype(np.float64)[:, None]
