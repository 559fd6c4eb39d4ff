"""Quantized graphs of random layers for the bridge to Keras, and what both sides give for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.compress.batches import BatchReference
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Minimum,
    Mul,
    Operator,
    Pack,
    Pad,
    Padding,
    Quantize,
    Relu,
    Relu6,
    Reshape,
    ResizeNearestNeighbor,
    Softmax,
    Split,
    StridedSlice,
    Sub,
    Tanh,
    Transpose,
    Unpack,
)
from smidgen.graph.reference.quantize import dequantize_array

WEIGHT_TYPES = {8: DType.I8, 4: DType.I4, 2: DType.I2}
KINDS = (
    "conv", "grouped", "dilated", "depthwise", "uneven", "average", "max", "add", "sub", "mul", "constant",
    "extremes", "concat", "pad", "transpose", "slice", "split", "pack", "resize", "relu", "relu6", "leaky",
    "logistic", "tanh", "quantize",
)  # fmt: skip
_FIXED = {Softmax: (1 / 256, -128), Logistic: (1 / 256, -128), Tanh: (1 / 128, 0)}


class Maker:
    """Puts one node after the other; `x` is the image that the next one works on."""

    def __init__(self, seed: int, bits: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = WEIGHT_TYPES[bits]
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.x = self._tensor("input", (1, 7, 6, 4), 0.03)
        self.skip = self.x

    def graph(self) -> Graph:
        """The image's mean goes through a classifier."""
        channels = self.x.shape[3]
        flat = self.put(Mean((1, 2)), [self.x], (1, channels), self.x.scale * 0.7)
        self.x = self.product(FullyConnected(), flat, (5, channels), 0, (1, 5))
        self.put(Softmax(), [self.x], (1, 5))
        return Graph("random", self.tensors, tuple(self.nodes), ("input",), (self.nodes[-1].outputs[0],))

    def layer(self, kind: str) -> None:
        _, height, width, channels = shape = self.x.shape
        if self.skip.shape != shape:
            self.skip = self.x
        pair, activation = [self.x, self.skip], Activation(self.rng.choice(["none", "relu", "relu6"]))
        around = Padding(1, 1, 1, 1)
        same = (1, height, width, 8)
        match kind:
            case "conv":
                stride = (2, 2) if height > 3 and width > 3 else (1, 1)
                size = (1, (height - 1) // stride[0] + 1, (width - 1) // stride[1] + 1, 8)
                operator = Conv2D(stride, (1, 1), around, activation)
                self.x = self.product(operator, self.x, (8, 3, 3, channels), 0, size)
            case "grouped":
                self.x = self.product(Conv2D(), self.x, (8, 1, 1, channels // 2), 0, same)
            case "dilated":
                operator = Conv2D((1, 1), (2, 1), Padding(2, 2, 1, 1), activation)
                self.x = self.product(operator, self.x, (8, 3, 3, channels), 0, same)
            case "depthwise":
                operator = DepthwiseConv2D((1, 1), (1, 1), around, activation)
                size = (1, height, width, 2 * channels)
                self.x = self.product(operator, self.x, (1, 3, 3, 2 * channels), 3, size)
            case "uneven":
                operator = DepthwiseConv2D((1, 2), (1, 1), Padding(0, 1, 1, 0), activation)
                size = (1, height, (width + 1 - 2) // 2 + 1, channels)
                self.x = self.product(operator, self.x, (1, 2, 2, channels), 3, size)
            case "average" | "max":
                make = AveragePool2D if kind == "average" else MaxPool2D
                operator = make((3, 2), (1, 1), Padding(1, 1, 0, 1), activation)
                self.x = self.put(operator, [self.x], shape, self.x.scale, self.x.zero_point)
            case "add" | "sub" | "mul":
                operator = {"add": Add, "sub": Sub, "mul": Mul}[kind](activation)
                scale = self.x.scale * (40 * self.skip.scale if kind == "mul" else 1.4)
                self.x = self.put(operator, pair, shape, scale)
            case "constant":
                data = self.rng.integers(-128, 128, (1, 1, 1, channels)).astype(np.int8)
                constant = self._tensor(f"c{len(self.nodes)}", data.shape, 0.02, data=data)
                self.x = self.put(Mul(), [constant, self.x], shape, self.x.scale)
            case "extremes":
                low = self.put(Minimum(), [self.x, self.x], shape, self.x.scale, self.x.zero_point)
                self.x = self.put(Maximum(), [low, self.x], shape, self.x.scale, self.x.zero_point)
            case "concat":
                size = (1, height, width, 2 * channels)
                self.x = self.moved(Concatenation(3), [self.x, self.x], size)
            case "pad":
                operator = Pad(((0, 0), (1, 0), (0, 2), (0, 0)))
                self.x = self.moved(operator, [self.x], (1, height + 1, width + 2, channels))
            case "transpose":
                self.x = self.moved(Transpose((0, 2, 1, 3)), [self.x], (1, width, height, channels))
            case "slice":
                operator = StridedSlice((0, height - 1, 0, 0), (1, -1, 2, 1))
                self.x = self.moved(operator, [self.x], (1, height, (width + 1) // 2, channels))
            case "split":
                half = (1, height, width, channels // 2)
                parts = self._several(Split(3), [half, half])
                self.x = self.moved(Concatenation(1), parts, (1, 2 * height, width, channels // 2))
            case "pack":
                both = self.moved(Pack(1), [self.x, self.x], (1, 2, height, width, channels))
                self.x = both
                parts = self._several(Unpack(1), [shape, shape])
                self.x = parts[1]
            case "resize":
                self.x = self.moved(ResizeNearestNeighbor(), [self.x], (1, height + 1, 2 * width, channels))
            case "relu6":
                self.x = self.moved(Relu6(), [self.x], shape)
            case "quantize":
                self.x = self.put(Quantize(), [self.x], shape, self.x.scale * 0.9)
            case _:
                operator = {"relu": Relu(), "leaky": LeakyRelu(0.2), "logistic": Logistic(), "tanh": Tanh()}[
                    kind
                ]
                self.x = self.put(operator, [self.x], shape, self.x.scale * 0.8)

    def put(
        self, operator: Operator, inputs: Sequence[Tensor], shape: tuple[int, ...],
        scale: float = 1.0, zero_point: int | None = None,
    ) -> Tensor:  # fmt: skip
        scale, zero_point = _FIXED.get(type(operator), (scale, zero_point))
        y = self._tensor(f"t{len(self.nodes)}", shape, scale, zero_point)
        names = tuple(x.name for x in inputs)
        self.nodes.append(Node(f"{operator.type_name}/{len(self.nodes)}", operator, names, (y.name,)))
        return y

    def moved(self, operator: Operator, inputs: Sequence[Tensor], shape: tuple[int, ...]) -> Tensor:
        return self.put(operator, inputs, shape, inputs[0].scale, inputs[0].zero_point)

    def product(
        self, operator: Operator, x: Tensor, shape: tuple[int, ...], axis: int, y_shape: tuple[int, ...]
    ) -> Tensor:
        """A layer with weights of every value and outputs that use most of their range."""
        channels, limit = shape[axis], 1 << (self.dtype.bits - 1)
        depth = int(np.prod(shape)) // channels
        scales = self.rng.uniform(0.01, 0.03, channels).astype(np.float32)
        zeros, name = np.zeros(channels, np.int32), f"{len(self.nodes)}"
        data = self.rng.integers(-limit + (limit == 128), limit, shape).astype(np.int8)
        bias = self.rng.integers(-limit * 40, limit * 40, channels).astype(np.int32)
        weights = Tensor(f"w{name}", shape, self.dtype, Quantization(scales, zeros, axis), data)
        quantization = Quantization(scales * np.float32(x.scale), zeros, 0)
        biases = Tensor(f"b{name}", (channels,), DType.I32, quantization, bias)
        self.tensors |= {weights.name: weights, biases.name: biases}
        scale = 0.02 * x.scale * limit * float(np.sqrt(depth))
        return self.put(operator, [x, weights, biases], y_shape, scale)

    def _several(self, operator: Operator, shapes: list[tuple[int, ...]]) -> list[Tensor]:
        number = len(self.nodes)
        outputs = [
            self._tensor(f"t{number}_{i}", shape, self.x.scale, self.x.zero_point)
            for i, shape in enumerate(shapes)
        ]
        names = tuple(y.name for y in outputs)
        self.nodes.append(Node(f"{operator.type_name}/{number}", operator, (self.x.name,), names))
        return outputs

    def _tensor(
        self, name: str, shape: tuple[int, ...], scale: float, zero_point: int | None = None, data=None
    ) -> Tensor:
        zero_point = int(self.rng.integers(-20, 20)) if zero_point is None else zero_point
        quantization = Quantization.per_tensor(float(np.float32(scale)), zero_point)
        self.tensors[name] = Tensor(name, shape, DType.I8, quantization, data)
        return self.tensors[name]


def random_graph(seed: int, bits: int, layers: int = 7) -> Graph:
    maker = Maker(seed, bits)
    for kind in maker.rng.choice(KINDS, layers, replace=False):
        maker.layer(str(kind))
    return maker.graph()


def graph_of(kind: str, bits: int) -> Graph:
    maker = Maker(1, bits)
    maker.layer(kind)
    return maker.graph()


def computed(graph: Graph) -> list[str]:
    return [name for node in graph.nodes for name in node.outputs]


def random_samples(graph: Graph, seed: int, count: int) -> list[list[np.ndarray]]:
    """Integers of the graph's inputs."""
    rng = np.random.default_rng(seed)
    tensors = [graph.tensor(name) for name in graph.inputs]
    return [[rng.integers(-128, 128, t.shape).astype(np.int8) for t in tensors] for _ in range(count)]


def reals(graph: Graph, samples: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """What a Keras model of the graph takes: one array for each input, samples along the first axis."""
    tensors = [graph.tensor(name) for name in graph.inputs]
    columns = zip(*samples, strict=True)
    return [
        np.concatenate([dequantize_array(one, tensor) for one in column])
        for column, tensor in zip(columns, tensors, strict=True)
    ]


def expected(graph: Graph, samples: Sequence[Sequence[np.ndarray]]) -> dict[str, np.ndarray]:
    """Every computed tensor of the reference as integers, samples along the first axis."""
    results = [tensors for _, tensors in BatchReference(graph).run(samples, "all")]
    return {name: np.concatenate([one[name] for one in results]) for name in computed(graph)}


def float_classifier(seed: int) -> Graph:
    """A float model of two convolutions and a fully connected layer that tells 4 classes apart."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Tensor] = {"x": Tensor("x", (1, 6, 6, 3), DType.F32)}
    nodes: list[Node] = []

    def layer(operator: Operator, x: str, shape: tuple[int, ...], y_shape: tuple[int, ...]) -> str:
        number, deviation = len(nodes), 1.4 / np.sqrt(np.prod(shape[1:]))
        constants = {
            f"w{number}": rng.normal(0, deviation, shape),
            f"b{number}": rng.normal(0, 0.1, shape[0]),
        }
        for name, data in constants.items():
            tensors[name] = Tensor(name, data.shape, DType.F32, None, data.astype(np.float32))
        return step(operator, (x, *constants), y_shape)

    def step(operator: Operator, inputs: tuple[str, ...], shape: tuple[int, ...]) -> str:
        name = f"y{len(nodes)}"
        tensors[name] = Tensor(name, shape, DType.F32)
        nodes.append(Node(f"n{len(nodes)}", operator, inputs, (name,)))
        return name

    relu = Activation.RELU
    a = layer(Conv2D(padding=Padding(1, 1, 1, 1), activation=relu), "x", (8, 3, 3, 3), (1, 6, 6, 8))
    b = layer(Conv2D((2, 2), activation=relu), a, (8, 2, 2, 8), (1, 3, 3, 8))
    c = step(Reshape(), (b,), (1, 72))
    d = layer(FullyConnected(), c, (4, 72), (1, 4))
    step(Softmax(), (d,), (1, 4))
    return Graph("classifier", tensors, tuple(nodes), ("x",), (nodes[-1].outputs[0],))
