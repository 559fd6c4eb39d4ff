"""Networks as exporters write them: what comes in computes the same, in NHWC, without Transposes that can
go."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from onnx_builder import OnnxBuilder, computed, expected, sample


def mobilenet(builder: OnnxBuilder) -> None:
    x = builder.input(("batch", 3, 16, 16))
    x = builder.node("Clip", builder.batch_norm(builder.conv(x, 3, 8, strides=[2, 2]), 8), *_six(builder))
    for channels, outputs, stride in ((8, 16, 1), (16, 16, 2)):
        x = builder.conv(x, channels, channels, group=channels, strides=[stride, stride])
        x = builder.node("Clip", builder.batch_norm(x, channels), *_six(builder))
        x = builder.node("Relu", builder.batch_norm(builder.conv(x, channels, outputs, kernel=1), outputs))
    x = builder.node("Flatten", builder.node("GlobalAveragePool", x))
    builder.output(builder.node("Softmax", _gemm(builder, x, 16, 5)))


def resnet(builder: OnnxBuilder) -> None:
    x = builder.input((1, 3, 12, 12))
    x = builder.node("Relu", builder.batch_norm(builder.conv(x, 3, 8), 8))
    for _ in range(2):
        inner = builder.node("Relu", builder.batch_norm(builder.conv(x, 8, 8), 8))
        x = builder.node("Relu", builder.node("Add", builder.batch_norm(builder.conv(inner, 8, 8), 8), x))
    x = builder.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    # The rows of the matrix are in the file's order of channels, rows, columns.
    builder.output(_gemm(builder, builder.node("Flatten", x), 8 * 6 * 6, 4))


def squeeze_and_excite(builder: OnnxBuilder) -> None:
    x = builder.conv(builder.input((1, 3, 8, 8)), 3, 8)
    x = builder.node("Mul", x, builder.node("Sigmoid", x))
    pooled = builder.node("ReduceMean", x, axes=[2, 3], keepdims=0)
    gate = builder.node("HardSigmoid", _gemm(builder, pooled, 8, 8), alpha=1 / 6)
    gate = builder.node("Reshape", gate, builder.constant([1, 8, 1, 1], np.int64))
    x = builder.node("Mul", x, gate)
    x = builder.node("Mul", x, builder.node("HardSigmoid", x, alpha=1 / 6))
    builder.output(builder.conv(x, 8, 4, kernel=1))


def shuffle(builder: OnnxBuilder) -> None:
    x = builder.conv(builder.input((1, 4, 6, 6)), 4, 8)
    x = builder.node("Reshape", x, builder.constant([0, 2, 4, 6, 6], np.int64))
    x = builder.node("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = builder.node("Reshape", x, builder.constant([0, -1, 6, 6], np.int64))
    builder.output(builder.conv(x, 8, 4, group=4))


def u_net(builder: OnnxBuilder) -> None:
    x = builder.conv(builder.input((1, 2, 8, 8)), 2, 4)
    low = builder.node("Relu", builder.conv(x, 4, 8, strides=[2, 2]))
    up = builder.node("ConvTranspose", low, builder.weights(8, 4, 2, 2), strides=[2, 2])
    large = builder.node(
        "Resize", low, "", builder.constant([1, 1, 2, 2]), mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip
    joined = builder.node("Concat", up, x, large, axis=1)
    padded = builder.node("Pad", joined, builder.constant([0, 0, 1, 0, 0, 0, 0, 1], np.int64))
    builder.output(builder.node("Softmax", builder.conv(padded, 16, 3, kernel=1), axis=1))


def signal(builder: OnnxBuilder) -> None:
    x = builder.input((1, 3, 20))
    x = builder.node("Conv", x, builder.weights(6, 3, 5), builder.weights(6), strides=[2])
    x = builder.node("Relu", builder.batch_norm(x, 6))
    x = builder.node("Conv", x, builder.weights(6, 1, 3), group=6, pads=[1, 1])
    x = builder.node("MaxPool", x, kernel_shape=[2], strides=[2])
    builder.output(_gemm(builder, builder.node("Flatten", x), 24, 3))


def vision_transformer(builder: OnnxBuilder) -> None:
    width, heads, tokens = 8, 2, 16
    x = builder.input((1, 3, 16, 16))
    x = builder.node("Conv", x, builder.weights(width, 3, 4, 4), builder.weights(width), strides=[4, 4])
    sizes = builder.node("Shape", x)
    batch = builder.node(
        "Unsqueeze",
        builder.node("Gather", sizes, builder.constant(0, np.int64)),
        builder.constant([0], np.int64),
    )
    shape = builder.node("Concat", batch, builder.constant([width, -1], np.int64), axis=0)
    x = builder.node("Transpose", builder.node("Reshape", x, shape), perm=[0, 2, 1])
    x = builder.node("Add", x, builder.weights(1, tokens, width))
    x = builder.node("Add", x, _attention(builder, _layer_norm(builder, x, width), width, heads, tokens))
    hidden = builder.linear(_layer_norm(builder, x, width), width, 2 * width)
    x = builder.node("Add", x, builder.linear(_gelu(builder, hidden), 2 * width, width))
    x = builder.node("ReduceMean", _layer_norm(builder, x, width), axes=[1], keepdims=0)
    builder.output(_gemm(builder, x, width, 5))


# Each network, the operators that must come out of it, and how many Transposes it really needs.
NETWORKS: dict[str, tuple[Callable[[OnnxBuilder], None], set[str], int]] = {
    "mobilenet": (mobilenet, {"CONV_2D", "DEPTHWISE_CONV_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX"}, 0),
    "resnet": (resnet, {"CONV_2D", "ADD", "MAX_POOL_2D", "FULLY_CONNECTED"}, 0),
    "squeeze_and_excite": (
        squeeze_and_excite,
        {"CONV_2D", "SILU", "MEAN", "FULLY_CONNECTED", "HARD_SIGMOID", "MUL", "HARD_SWISH"},
        0,
    ),
    # The channels change places, which is a Transpose in any layout.
    "shuffle": (shuffle, {"CONV_2D", "TRANSPOSE"}, 1),
    "u_net": (
        u_net,
        {"CONV_2D", "TRANSPOSE_CONV", "RESIZE_NEAREST_NEIGHBOR", "CONCATENATION", "PAD", "SOFTMAX"},
        0,
    ),
    "signal": (signal, {"CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED"}, 0),
    # Queries and values change places with heads, and back; keys meet queries transposed.
    "vision_transformer": (
        vision_transformer,
        {"CONV_2D", "ADD", "LAYER_NORM", "FULLY_CONNECTED", "SPLIT", "BATCH_MATMUL", "SOFTMAX", "MUL", "GELU",
         "MEAN", "TRANSPOSE"},
        4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_what_the_file_says(name: str) -> None:
    builder = OnnxBuilder(seed=3)
    NETWORKS[name][0](builder)
    model, graph = builder.model(), builder.graph()
    for seed in range(2):
        feeds = sample(model, seed)
        for ours, theirs in zip(computed(model, graph, feeds), expected(model, feeds), strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_fewest_operators(name: str) -> None:
    build, operators, transposes = NETWORKS[name]
    builder = OnnxBuilder(seed=3)
    build(builder)
    found = [node.operator.type_name for node in builder.graph().nodes]
    assert set(found) - {"RESHAPE"} == operators
    assert found.count("TRANSPOSE") == transposes


def _six(builder: OnnxBuilder) -> tuple[str, str]:
    return builder.constant(0.0), builder.constant(6.0)


def _gemm(builder: OnnxBuilder, x: str, inputs: int, outputs: int) -> str:
    return builder.node("Gemm", x, builder.weights(outputs, inputs), builder.weights(outputs), transB=1)


def _gelu(builder: OnnxBuilder, x: str) -> str:
    error = builder.node("Erf", builder.node("Div", x, builder.constant(math.sqrt(2))))
    product = builder.node("Mul", x, builder.node("Add", error, builder.constant(1.0)))
    return builder.node("Mul", product, builder.constant(0.5))


def _layer_norm(builder: OnnxBuilder, x: str, width: int) -> str:
    """As PyTorch writes it before operator set 17."""
    centred = builder.node("Sub", x, builder.node("ReduceMean", x, axes=[-1]))
    squares = builder.node("Pow", centred, builder.constant(2.0))
    variance = builder.node("Add", builder.node("ReduceMean", squares, axes=[-1]), builder.constant(1e-5))
    normal = builder.node("Div", centred, builder.node("Sqrt", variance))
    return builder.node("Add", builder.node("Mul", normal, builder.weights(width)), builder.weights(width))


def _attention(builder: OnnxBuilder, x: str, width: int, heads: int, tokens: int) -> str:
    joined = builder.linear(x, width, 3 * width)
    first = builder.node("Split", joined, builder.constant([width] * 3, np.int64), outputs=3, axis=-1)
    parts = []
    for part, permutation in enumerate(([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])):
        name = first if part == 0 else f"{first}_{part}"
        shape = builder.constant([1, tokens, heads, width // heads], np.int64)
        parts.append(builder.node("Transpose", builder.node("Reshape", name, shape), perm=permutation))
    scores = builder.node(
        "Mul", builder.node("MatMul", *parts[:2]), builder.constant((width // heads) ** -0.5)
    )
    mixed = builder.node("MatMul", builder.node("Softmax", scores, axis=-1), parts[2])
    back = builder.node("Transpose", mixed, perm=[0, 2, 1, 3])
    back = builder.node("Reshape", back, builder.constant([1, tokens, width], np.int64))
    return builder.linear(back, width, width)
