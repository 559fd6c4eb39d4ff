"""Single layers for the engine: random ones with shapes that hurt, and what each does in the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from smidgen.compile.kernels import kernels_for
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Operator,
    Padding,
    ResizeNearestNeighbor,
)
from smidgen.npu.descriptor import Engine, check_list, decode
from smidgen.npu.model import Model

ENGINE = Engine()
SMALL = Engine(lanes=8, activation_bytes=1 << 14, weight_bytes=1 << 13)
Rng = np.random.Generator
ZERO_POINTS = (-128, 127, 0, -1, 5)
NARROW = {8: DType.I8, 4: DType.I4, 2: DType.I2}


def _kernel(node: Node, engine: Engine) -> KernelSpec:
    (spec,) = [spec for spec in kernels_for(["npu"], engine) if isinstance(node.operator, spec.operators)]
    return spec


def refusal(graph: Graph, node: Node, engine: Engine = ENGINE) -> str | None:
    """Why the engine does not take the node, or None when it does."""
    return _kernel(node, engine).refuse(graph, node)


def lowered(graph: Graph, node: Node, engine: Engine = ENGINE) -> Lowered:
    return _kernel(node, engine).lower(graph, node, "speed")


def run_in_model(
    graph: Graph,
    node: Node,
    call: Lowered,
    inputs: Sequence[np.ndarray],
    random: Rng | None,
    engine: Engine = ENGINE,
) -> np.ndarray:
    """What the call writes. random: see `Model.run`. Behind each tensor lie bytes that must not matter."""
    words = call.blobs[0].data.reshape(-1, 16)
    refused = check_list(words, engine)
    assert refused is None, f"the engine refuses descriptor {refused[1]} with error {refused[0]}"
    output = graph.tensor(node.outputs[0])
    constants = [blob.data.view(np.uint8) for blob in call.blobs[1:]]
    parts = [np.ascontiguousarray(one).view(np.uint8).reshape(-1) for one in (*inputs, *constants)]
    sizes = [*(part.size for part in parts), output.elements]
    starts = np.cumsum([64, *(-(-size // 4) * 4 + 64 for size in sizes)])
    memory = np.full(int(starts[-1]), 0xA5, np.uint8)
    for start, part in zip(starts, parts, strict=False):
        memory[start : start + part.size] = part
    second, weights = (starts[1] if len(inputs) > 1 else 0), starts[len(inputs)]
    place, before = int(starts[len(parts)]), memory.copy()
    model = Model(memory, engine)
    model.activations[:] = model.weights[:] = 0x5A
    model.run([decode(one) for one in words], [int(starts[0]), int(second), int(weights), place], random)
    result = memory[place : place + output.elements].copy()
    memory[place : place + output.elements] = 0xA5
    np.testing.assert_array_equal(memory, before, err_msg="bytes beside the output were written")
    return result.view(np.int8).reshape(output.shape)


def layer(operator: Operator, tensors: Sequence[Tensor], output: Tensor) -> tuple[Graph, Node]:
    node = Node("node", operator, tuple(t.name for t in tensors), (output.name,))
    inputs = tuple(t.name for t in tensors if not t.is_constant)
    return Graph("one", {t.name: t for t in (*tensors, output)}, (node,), inputs, node.outputs), node


def tensor(rng: Rng, name: str, shape: Sequence[int], **more) -> Tensor:
    scale = float(np.float32(2.0 ** rng.uniform(-6, -3)))
    quantization = Quantization.per_tensor(scale, int(rng.choice(ZERO_POINTS)))
    return Tensor(name, tuple(shape), DType.I8, more.pop("quantization", quantization), **more)


def constants(
    rng: Rng, shape: Sequence[int], axis: int, bits: int, depth: int
) -> tuple[Tensor, Tensor, float]:
    """Weights and bias, and the ratio of scales at which most outputs are within the range."""
    channels, limit = shape[axis], (1 << (bits - 1)) - 1
    data = rng.integers(-limit - (rng.random() < 0.5), limit, shape, endpoint=True).astype(np.int8)
    scales = (2.0 ** rng.uniform(-8, -6, channels)).astype(np.float32)
    spread = 60 * limit * np.sqrt(depth)
    bias = rng.integers(-spread, spread, channels, endpoint=True).astype(np.int32)
    quantization = Quantization(scales, np.zeros(channels, np.int32), axis)
    weights = Tensor("weights", tuple(shape), NARROW[bits], quantization, data)
    return weights, Tensor("bias", (channels,), DType.I32, None, bias), float(spread * scales.mean() / 40)


def _output(rng: Rng, shape: Sequence[int], scale: float) -> Tensor:
    quantization = Quantization.per_tensor(float(np.float32(scale)), int(rng.choice(ZERO_POINTS)))
    return tensor(rng, "y", shape, quantization=quantization)


def _axis(rng: Rng, kernels: Sequence[int], most: int) -> tuple[int, int, int, int, int, int]:
    """(input, output, kernel, stride, before, after) of one axis."""
    while True:
        kernel, stride = int(rng.choice(kernels)), int(rng.choice((1, 1, 2, 3)))
        size = int(rng.integers(1, most))
        before, after = (int(rng.integers(0, kernel)) for _ in range(2))
        output = (size + before + after - kernel) // stride + 1
        # No window lies wholly in the padding.
        if size + before + after >= kernel and (output - 1) * stride < size + before:
            return size, output, kernel, stride, before, after


def convolution(rng: Rng, bits: int, most: int = 20) -> tuple[Graph, Node]:
    rows, columns = (_axis(rng, (1, 1, 2, 3, 5), most) for _ in range(2))
    inputs, outputs = int(rng.integers(1, 70)), 4 * int(rng.integers(1, 15))
    if rows[1] == columns[1] == 1:
        outputs -= int(rng.integers(0, 4))
    x = tensor(rng, "x", (1, rows[0], columns[0], inputs))
    shape = (outputs, rows[2], columns[2], inputs)
    weights, bias, ratio = constants(rng, shape, 0, bits, rows[2] * columns[2] * inputs)
    y = _output(rng, (1, rows[1], columns[1], outputs), ratio * x.scale)
    activation = list(Activation)[rng.integers(len(Activation))]
    padding = Padding(rows[4], rows[5], columns[4], columns[5])
    return layer(Conv2D((rows[3], columns[3]), (1, 1), padding, activation), [x, weights, bias], y)


def pointwise(rng: Rng, size: int, inputs: int, outputs: int) -> tuple[Graph, Node]:
    """Of an image of size x size."""
    x = tensor(rng, "x", (1, size, size, inputs))
    weights, bias, ratio = constants(rng, (outputs, 1, 1, inputs), 0, 8, inputs)
    y = _output(rng, (1, size, size, outputs), ratio * x.scale)
    return layer(Conv2D(), [x, weights, bias], y)


def depthwise(rng: Rng, bits: int, most: int = 20) -> tuple[Graph, Node]:
    rows, columns = _axis(rng, (1, 2, 3, 5), most), _axis(rng, (1, 2, 3, 4), most)
    channels = 4 * int(rng.integers(1, 20))
    x = tensor(rng, "x", (1, rows[0], columns[0], channels if rng.random() < 0.8 else 1))
    shape = (1, rows[2], columns[2], channels)
    weights, bias, ratio = constants(rng, shape, 3, bits, rows[2] * columns[2])
    y = _output(rng, (1, rows[1], columns[1], channels), ratio * x.scale)
    padding = Padding(rows[4], rows[5], columns[4], columns[5])
    return layer(DepthwiseConv2D((rows[3], columns[3]), (1, 1), padding), [x, weights, bias], y)


def fully_connected(rng: Rng, bits: int) -> tuple[Graph, Node]:
    rows, depth = int(rng.choice((1, 1, 3, 20))), int(rng.integers(1, 700))
    outputs = int(rng.integers(1, 200)) if rows == 1 else 4 * int(rng.integers(1, 20))
    x = tensor(rng, "x", (rows, depth))
    weights, bias, ratio = constants(rng, (outputs, depth), 0, bits, depth)
    y = _output(rng, (rows, outputs), ratio * x.scale)
    return layer(FullyConnected(), [x, weights, bias], y)


def _pooling(rng: Rng, operator: type[AveragePool2D | MaxPool2D]) -> tuple[Graph, Node]:
    rows, columns = (_axis(rng, (1, 2, 3, 4), 20) for _ in range(2))
    x = tensor(rng, "x", (1, rows[0], columns[0], 4 * int(rng.integers(1, 20))))
    y = tensor(rng, "y", (1, rows[1], columns[1], x.shape[3]), quantization=x.quantization)
    size, stride = (rows[2], columns[2]), (rows[3], columns[3])
    if operator is MaxPool2D:
        return layer(operator(size, stride, Padding(rows[4], rows[5], columns[4], columns[5])), [x], y)
    if rng.random() < 0.5:  # of the whole image
        y = Tensor("y", (1, 1, 1, x.shape[3]), DType.I8, x.quantization)
        return layer(operator(x.shape[1:3], (1, 1)), [x], y)
    unpadded = ((rows[0] - size[0]) // stride[0] + 1, (columns[0] - size[1]) // stride[1] + 1)
    if min(unpadded) < 1:
        return _pooling(rng, operator)
    y = Tensor("y", (1, *unpadded, x.shape[3]), DType.I8, x.quantization)
    return layer(operator(size, stride), [x], y)


def average_pool(rng: Rng, bits: int) -> tuple[Graph, Node]:
    return _pooling(rng, AveragePool2D)


def max_pool(rng: Rng, bits: int) -> tuple[Graph, Node]:
    return _pooling(rng, MaxPool2D)


def addition(rng: Rng, bits: int) -> tuple[Graph, Node]:
    shape = (1, int(rng.integers(1, 60)), int(rng.integers(1, 60)), int(rng.integers(1, 9)))
    a, b, y = (tensor(rng, name, shape) for name in ("a", "b", "y"))
    return layer(Add(), [a, b], y)


def resize(rng: Rng, bits: int) -> tuple[Graph, Node]:
    x = tensor(rng, "x", (1, *(int(one) for one in rng.integers(1, 20, 2)), 4 * int(rng.integers(1, 12))))
    rows, columns = (size * int(rng.integers(1, 4)) for size in x.shape[1:3])
    operator = ResizeNearestNeighbor(half_pixel_centers=rng.random() < 0.5)
    return layer(operator, [x], replace(x, name="y", shape=(1, rows, columns, x.shape[3])))


def concatenation(rng: Rng, bits: int) -> tuple[Graph, Node]:
    a = tensor(rng, "a", (1, *(int(one) for one in rng.integers(1, 40, 2)), 4 * int(rng.integers(1, 12))))
    b = replace(a, name="b", shape=(*a.shape[:3], 4 * int(rng.integers(1, 12))))
    y = replace(a, name="y", shape=(*a.shape[:3], a.shape[3] + b.shape[3]))
    return layer(Concatenation(3), [a, b], y)


def large(rng: Rng, bits: int) -> Iterator[tuple[Graph, Node]]:
    """Layers that fill the buffers several times over: input, output, weights, all."""
    for height, width, inputs, outputs, kernel in (
        (60, 50, 16, 24, 3),
        (96, 96, 3, 8, 3),
        (17, 13, 64, 256, 3),
        (9, 9, 130, 300, 1),
        (7, 5, 255, 512, 3),
    ):
        x = tensor(rng, "x", (1, height, width, inputs))
        depth = kernel * kernel * inputs
        weights, bias, ratio = constants(rng, (outputs, kernel, kernel, inputs), 0, bits, depth)
        y = _output(rng, (1, height, width, outputs), ratio * x.scale)
        before = kernel // 2
        padding = Padding(before, kernel - 1 - before, before, kernel - 1 - before)
        yield layer(Conv2D((1, 1), (1, 1), padding), [x, weights, bias], y)


def random_inputs(rng: Rng, graph: Graph) -> list[np.ndarray]:
    return [rng.integers(-128, 128, graph.tensor(name).shape).astype(np.int8) for name in graph.inputs]
