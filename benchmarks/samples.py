"""Single layers of many shapes, chosen to be slow."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import measure
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Operator
from smidgen.graph.operators.base import Padding, same_padding
from smidgen.run.result import Layer

TYPES = (DType.I8, DType.I4, DType.I2)
SHOWN = 12  # of the worst
SEED = 3
LAYERS_IN_ONE = 24
# From here on, a call's fixed cost cannot be what a layer's speed is made of.
LARGER = 1000

IMAGES = ((9, 7), (12, 16), (5, 5), (1, 25), (4, 6))
CONV_CHANNELS = (
    (4, 4),
    (4, 16),
    (5, 7),
    (7, 5),
    (8, 8),
    (13, 17),
    (16, 16),
    (17, 4),
    (33, 33),
    (64, 20),
    (20, 64),
)
CONV_KERNELS = ((1, 1), (3, 3), (5, 5), (1, 3), (4, 2))
DEPTHWISE_CHANNELS = (4, 5, 7, 8, 15, 16, 17, 33, 64)
DEPTHWISE_KERNELS = ((3, 3), (5, 5), (1, 3), (7, 2))
STRIDES = ((1, 1), (2, 2), (1, 2))
MATRICES = (
    (4, 4),
    (5, 7),
    (8, 4),
    (8, 16),
    (13, 33),
    (16, 4),
    (16, 64),
    (33, 10),
    (64, 12),
    (64, 65),
    (128, 128),
    (130, 9),
    (640, 5),
)
# What networks have besides: operator, image, channels, kernel, stride, and whether it is padded.
OTHERS = (
    (Conv2D, (1, 1), (4, 4), (1, 1), (1, 1), True),
    (Conv2D, (1, 1), (8, 12), (3, 3), (1, 1), True),
    (Conv2D, (2, 2), (4, 4), (1, 1), (1, 1), True),
    (Conv2D, (2, 2), (4, 8), (3, 3), (1, 1), True),
    (Conv2D, (3, 3), (4, 4), (3, 3), (1, 1), False),
    (Conv2D, (7, 7), (16, 8), (7, 7), (1, 1), False),
    (Conv2D, (32, 32), (3, 16), (3, 3), (1, 1), True),
    (Conv2D, (32, 32), (3, 8), (7, 7), (2, 2), True),
    (Conv2D, (49, 10), (1, 64), (10, 4), (2, 2), True),
    (Conv2D, (1, 64), (40, 16), (1, 9), (1, 2), True),
    (Conv2D, (16, 16), (4, 4), (2, 2), (2, 2), False),
    (DepthwiseConv2D, (1, 1), (8, 8), (3, 3), (1, 1), True),
    (DepthwiseConv2D, (2, 2), (64, 64), (3, 3), (1, 1), True),
    (DepthwiseConv2D, (3, 3), (128, 128), (3, 3), (1, 1), True),
    (DepthwiseConv2D, (3, 3), (64, 64), (3, 3), (1, 1), False),
    (DepthwiseConv2D, (6, 6), (64, 64), (3, 3), (2, 2), True),
    (DepthwiseConv2D, (7, 7), (16, 16), (7, 7), (1, 1), False),
    (DepthwiseConv2D, (9, 9), (16, 16), (9, 9), (1, 1), False),
    (DepthwiseConv2D, (17, 11), (16, 16), (2, 2), (5, 5), False),
    (DepthwiseConv2D, (4, 4), (8, 8), (1, 1), (1, 1), True),
    (DepthwiseConv2D, (12, 12), (16, 16), (1, 1), (1, 1), True),
    (DepthwiseConv2D, (12, 12), (16, 16), (1, 1), (2, 2), True),
    (DepthwiseConv2D, (48, 48), (8, 8), (3, 3), (1, 1), True),
    (DepthwiseConv2D, (1, 64), (32, 32), (1, 9), (1, 1), True),
)


@dataclass(frozen=True, eq=False)
class Sample:
    """A layer, what describes it, and the tensors that it reads and writes."""

    text: str
    node: Node
    tensors: tuple[Tensor, ...]


def measure_all(target: str, dtype: DType, progress: measure.Progress) -> list[tuple[Sample, Layer]]:
    """Every sample with weights of this type, run on a target and checked."""
    measured: list[tuple[Sample, Layer]] = []
    samples = list(all_samples(dtype))
    for index in range(0, len(samples), LAYERS_IN_ONE):
        some = samples[index : index + LAYERS_IN_ONE]
        numbers = f"shapes {index + 1} to {index + len(some)} of {len(samples)}"
        progress(f"{target}: {numbers}, weights {dtype.value}")
        layers = measure.run_checked(one_graph(some, f"shapes_{dtype.value}_{index}"), target, 1).layers
        measured += zip(some, layers, strict=True)
    return measured


def all_samples(dtype: DType) -> Iterator[Sample]:
    """Each pair of channels and kernel once, images, strides and padding taking turns; then the others."""
    generator = np.random.default_rng(SEED)
    images, strides, same = (itertools.cycle(one) for one in (IMAGES, STRIDES, (True, False, True)))
    for channels, kernel in itertools.product(CONV_CHANNELS, CONV_KERNELS):
        operator, shape, output = _window(Conv2D, next(images), channels, kernel, next(strides), next(same))
        yield _sample(generator, dtype, operator, shape, (channels[1], *kernel, channels[0]), output)
    for count, kernel in itertools.product(DEPTHWISE_CHANNELS, DEPTHWISE_KERNELS):
        channels = (count, count)
        operator, shape, output = _window(
            DepthwiseConv2D, next(images), channels, kernel, next(strides), next(same)
        )
        yield _sample(generator, dtype, operator, shape, (1, *kernel, count), output)
    for kind, image, channels, kernel, stride, padded in OTHERS:
        operator, shape, output = _window(kind, image, channels, kernel, stride, padded)
        weights = (channels[1], *kernel, channels[0]) if kind is Conv2D else (1, *kernel, channels[1])
        yield _sample(generator, dtype, operator, shape, weights, output)
    for inputs, outputs in MATRICES:
        yield _sample(generator, dtype, FullyConnected(), (1, inputs), (outputs, inputs), (1, outputs))


def _window(
    kind: type[Conv2D | DepthwiseConv2D],
    image: tuple[int, int],
    channels: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
) -> tuple[Operator, tuple[int, ...], tuple[int, ...]]:
    """The operator, and the shapes of its input and output; padded at least where it would not fit."""
    same = same or any(size < k for size, k in zip(image, kernel, strict=True))
    pads = [same_padding(*axis, 1) if same else (0, 0) for axis in zip(image, kernel, stride, strict=True)]
    output = [
        (size + sum(pad) - k) // s + 1 for size, pad, k, s in zip(image, pads, kernel, stride, strict=True)
    ]
    operator = kind(stride=stride, padding=Padding(*pads[0], *pads[1]))
    return operator, (1, *image, channels[0]), (1, *output, channels[1])


def _sample(
    generator: np.random.Generator,
    dtype: DType,
    operator: Operator,
    shape: tuple[int, ...],
    weights: tuple[int, ...],
    output: tuple[int, ...],
) -> Sample:
    """A layer with random weights, whose outputs use most of their range."""
    channels, axis = output[-1], 3 if isinstance(operator, DepthwiseConv2D) else 0
    depth = math.prod(weights) // channels
    limit = 1 << (dtype.bits - 1)
    scales = generator.uniform(0.01, 0.03, channels).astype(np.float32)
    zeros = np.zeros(channels, np.int32)
    x_scale, y_scale = np.float32(0.02), np.float32(0.0005 * limit * math.sqrt(depth))
    bias = generator.integers(-limit * 40, limit * 40, channels).astype(np.int32)
    values = generator.integers(-limit, limit, weights).astype(np.int8)
    text = _text(operator, shape, weights, output)
    x = Tensor(f"x {text}", shape, DType.I8, Quantization.per_tensor(x_scale, -5))
    w = Tensor(f"w {text}", weights, dtype, Quantization(scales, zeros, axis), values)
    b = Tensor(f"b {text}", (channels,), DType.I32, Quantization(scales * x_scale, zeros, 0), bias)
    y = Tensor(f"y {text}", output, DType.I8, Quantization.per_tensor(y_scale, 3))
    return Sample(text, Node(text, operator, (x.name, w.name, b.name), (y.name,)), (x, w, b, y))


def _text(
    operator: Operator, shape: tuple[int, ...], weights: tuple[int, ...], output: tuple[int, ...]
) -> str:
    sizes = f"{'x'.join(map(str, shape[1:]))} -> {'x'.join(map(str, output[1:]))}"
    if isinstance(operator, FullyConnected):
        return f"fully connected {sizes}"
    kind = "depthwise" if isinstance(operator, DepthwiseConv2D) else "convolution"
    stride = "x".join(map(str, operator.stride))  # type: ignore[attr-defined]
    return f"{kind} {weights[1]}x{weights[2]}, stride {stride}, {sizes}"


def one_graph(samples: list[Sample], name: str) -> Graph:
    """Layers beside each other, each with an input and an output of its own."""
    tensors = {tensor.name: tensor for sample in samples for tensor in sample.tensors}
    nodes = tuple(sample.node for sample in samples)
    inputs = tuple(node.inputs[0] for node in nodes)
    return Graph(name, tensors, nodes, inputs, tuple(node.outputs[0] for node in nodes))
