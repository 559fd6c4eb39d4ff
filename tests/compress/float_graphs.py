"""A small float model with every kind of layer that has weights, and inputs for it."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Padding,
    Reshape,
    Softmax,
)

LAYERS = ("conv", "depthwise", "grouped", "strided", "dense")
_AROUND = Padding(1, 1, 1, 1)


def float_model(seed: int = 0) -> Graph:
    """Convolutions (plain, depthwise, grouped, strided) with a residual sum, then a classifier of 5."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Tensor] = {}
    nodes: list[Node] = []

    def put(name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> str:
        data = None if data is None else data.astype(np.float32)
        tensors[name] = Tensor(name, shape, DType.F32, None, data)
        return name

    def layer(
        name: str, operator, x: str, weights: tuple[int, ...], channels: int, y: tuple[int, ...]
    ) -> str:
        inputs = int(np.prod(weights)) // channels
        w = rng.normal(0, 1 / np.sqrt(inputs), weights)
        put(f"{name}.weights", weights, w)
        put(f"{name}.bias", (channels,), rng.normal(0, 0.1, channels))
        nodes.append(Node(name, operator, (x, f"{name}.weights", f"{name}.bias"), (put(f"{name}.y", y),)))
        return f"{name}.y"

    def step(name: str, operator, inputs: tuple[str, ...], y: tuple[int, ...]) -> str:
        nodes.append(Node(name, operator, inputs, (put(f"{name}.y", y),)))
        return f"{name}.y"

    relu = Activation.RELU
    x = put("x", (1, 7, 6, 3))
    a = layer("conv", Conv2D(padding=_AROUND, activation=relu), x, (8, 3, 3, 3), 8, (1, 7, 6, 8))
    b = layer("depthwise", DepthwiseConv2D(padding=_AROUND), a, (1, 3, 3, 8), 8, (1, 7, 6, 8))
    c = layer("grouped", Conv2D(activation=relu), b, (8, 1, 1, 4), 8, (1, 7, 6, 8))
    d = step("add", Add(relu), (a, c), (1, 7, 6, 8))
    e = layer("strided", Conv2D((2, 2), activation=relu), d, (12, 3, 2, 8), 12, (1, 3, 3, 12))
    f = step("pool", AveragePool2D((3, 3), (3, 3)), (e,), (1, 1, 1, 12))
    g = step("flat", Reshape(), (f,), (1, 12))
    h = layer("dense", FullyConnected(), g, (5, 12), 5, (1, 5))
    y = step("softmax", Softmax(), (h,), (1, 5))
    return Graph("float_model", tensors, tuple(nodes), ("x",), (y,))


def float_samples(count: int, seed: int = 1) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [[rng.normal(0, 1, (1, 7, 6, 3)).astype(np.float32)] for _ in range(count)]
