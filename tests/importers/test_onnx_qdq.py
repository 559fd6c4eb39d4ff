"""Files quantized with QuantizeLinear and DequantizeLinear: integer graphs with the file's own scales."""

from __future__ import annotations

import re

import numpy as np
import pytest
from onnx import TensorProto
from onnx_builder import OnnxBuilder, computed, expected, sample

from smidgen.errors import ModelError
from smidgen.graph import DType

ACTIVATIONS = {"int8": np.int8, "uint8": np.uint8}


class QdqBuilder(OnnxBuilder):
    """Puts QuantizeLinear and DequantizeLinear where onnxruntime's quantizer does."""

    def __init__(self, dtype: type = np.int8, seed: int = 0) -> None:
        super().__init__(seed, opset=20)
        self.dtype = dtype

    def qdq(self, x: str, scale: float = 0.03, zero_point: int = 3) -> str:
        offset = 128 if self.dtype is np.uint8 else 0
        parameters = self.constant(scale), self.constant(zero_point + offset, self.dtype)
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *parameters), *parameters)

    def quantized_weights(self, *shape: int, axis: int | None = 0, zero_point: int = 0) -> str:
        values = self.constant(self.rng.integers(-127, 128, shape), np.int8)
        count = 1 if axis is None else shape[axis]
        scales = self.rng.uniform(0.5, 1.0, count) * 0.02 / np.sqrt(np.prod(shape[1:]))
        zero_points = np.full(count, zero_point)
        if axis is None:
            return self.node(
                "DequantizeLinear", values, self.constant(scales[0]), self.constant(zero_points[0], np.int8)
            )
        return self.node(
            "DequantizeLinear", values, self.constant(scales), self.constant(zero_points, np.int8), axis=axis
        )


def network(builder: QdqBuilder) -> None:
    """Convolutions per channel, a residual, a pool, a product per tensor, softmax."""
    x = builder.qdq(builder.input((1, 3, 8, 8)))
    bias = builder.constant(builder.rng.normal(size=6))
    x = builder.node("Conv", x, builder.quantized_weights(6, 3, 3, 3), bias, pads=[1, 1, 1, 1])
    x = builder.qdq(builder.node("Relu", x), 0.02, -128)
    inner = builder.node("Conv", x, builder.quantized_weights(6, 1, 3, 3), pads=[1, 1, 1, 1], group=6)
    inner = builder.qdq(
        builder.node("Clip", inner, builder.constant(0.0), builder.constant(6.0)), 0.015, -128
    )
    x = builder.qdq(builder.node("Add", x, inner), 0.03, -100)
    x = builder.qdq(builder.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 0.03, -100)
    x = builder.qdq(builder.node("AveragePool", x, kernel_shape=[2, 2]), 0.02, -100)
    flat = builder.node("Reshape", x, builder.constant([1, 54], np.int64))
    weights = builder.quantized_weights(4, 54, axis=None)
    x = builder.qdq(builder.node("Gemm", flat, weights, builder.weights(4), transB=1), 0.02, 10)
    builder.output(builder.node("Softmax", x))


@pytest.mark.parametrize("dtype", ACTIVATIONS)
def test_a_quantized_network_comes_in_as_integers(dtype: str) -> None:
    builder = QdqBuilder(ACTIVATIONS[dtype], seed=5)
    network(builder)
    model, graph = builder.model(), builder.graph()
    kinds = [node.operator.type_name for node in graph.nodes]
    assert kinds == [
        "QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "AVERAGE_POOL_2D", "QUANTIZE",
        "RESHAPE", "FULLY_CONNECTED", "SOFTMAX", "DEQUANTIZE",
    ]  # fmt: skip
    inner = {graph.tensors[name].dtype for node in graph.nodes[:-1] for name in node.outputs}
    assert inner == {DType.I8}
    for seed in range(5):
        feeds = sample(model, seed)
        (ours,), (theirs,) = computed(model, graph, feeds), expected(model, feeds)
        # Half a step here and there on the way, and softmax's own step of 1/256.
        assert np.abs(ours - theirs).max() < 3 / 256


def test_the_scales_of_the_file_are_kept() -> None:
    builder = QdqBuilder(seed=5)
    network(builder)
    graph = builder.graph()
    convolution = graph.nodes[1]
    x, weights, bias = (graph.tensors[name or ""] for name in convolution.inputs)
    y = graph.tensors[convolution.outputs[0]]
    assert (x.scale, x.zero_point) == (np.float32(0.03), 3)
    assert (y.scale, y.zero_point) == (np.float32(0.02), -128)
    assert weights.quantization is not None and weights.quantization.axis == 0
    assert bias.dtype is DType.I32
    np.testing.assert_allclose(bias.quantization.scale, 0.03 * weights.quantization.scale, rtol=1e-6)


def test_a_product_keeps_a_bias_that_is_added_before_it_is_quantized() -> None:
    builder = QdqBuilder(seed=1)
    x = builder.qdq(builder.input((1, 5, 8)))
    y = builder.node("MatMul", x, builder.quantized_weights(8, 4, axis=1))
    builder.output(builder.qdq(builder.node("Add", y, builder.weights(4)), 0.01))
    model, graph = builder.model(), builder.graph()
    assert [node.operator.type_name for node in graph.nodes] == ["QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE"]
    feeds = sample(model)
    (ours,), (theirs,) = computed(model, graph, feeds), expected(model, feeds)
    assert np.abs(ours - theirs).max() < 0.011


def test_inputs_of_a_concatenation_are_brought_to_one_scale() -> None:
    builder = QdqBuilder(seed=1)
    x = builder.input((1, 4))
    joined = builder.node("Concat", builder.qdq(x, 0.01), builder.qdq(x, 0.02), axis=1)
    builder.output(builder.qdq(joined, 0.02, 3))
    model, graph = builder.model(), builder.graph()
    feeds = sample(model)
    (ours,), (theirs,) = computed(model, graph, feeds), expected(model, feeds)
    assert np.abs(ours - theirs).max() < 0.021
    shared = {graph.tensors[name].scale for name in graph.producer(graph.nodes[-1].inputs[0]).inputs}
    assert shared == {np.float32(0.02)}


@pytest.mark.parametrize("quantized", [False, True])
def test_a_normalization_keeps_its_constants_exact(quantized: bool) -> None:
    builder = QdqBuilder(seed=1)
    x = builder.qdq(builder.input((1, 6, 8)))
    gamma = builder.quantized_weights(8, axis=None) if quantized else builder.weights(8)
    y = builder.node("LayerNormalization", x, gamma, builder.weights(8))
    builder.output(builder.qdq(y, 0.02))
    model, graph = builder.model(), builder.graph()
    assert [node.operator.type_name for node in graph.nodes] == ["QUANTIZE", "LAYER_NORM", "DEQUANTIZE"]
    feeds = sample(model)
    (ours,), (theirs,) = computed(model, graph, feeds), expected(model, feeds)
    assert np.abs(ours - theirs).max() < 0.021


def test_an_embedding_is_looked_up_in_integers() -> None:
    builder = QdqBuilder(seed=1)
    tokens = builder.input((1, 5), dtype=TensorProto.INT64)
    table = builder.quantized_weights(7, 4, axis=None)
    rows = builder.qdq(builder.node("Gather", table, tokens), 0.005)
    builder.output(builder.qdq(builder.node("Gelu", rows), 0.005))
    model, graph = builder.model(), builder.graph()
    kinds = [node.operator.type_name for node in graph.nodes]
    assert kinds == ["GATHER", "QUANTIZE", "GELU", "DEQUANTIZE"]
    feeds = {"x": np.array([[0, 6, 3, 3, 1]])}
    (ours,), (theirs,) = computed(model, graph, feeds), expected(model, feeds)
    assert np.abs(ours - theirs).max() < 0.006


def test_weights_alone_may_be_quantized() -> None:
    """Then the graph is a float one with what the integers stand for."""
    builder = QdqBuilder(seed=1)
    builder.output(builder.node("MatMul", builder.input((1, 8)), builder.quantized_weights(8, 4, axis=1)))
    model, graph = builder.model(), builder.graph()
    assert {tensor.dtype for tensor in graph.tensors.values()} == {DType.F32}
    feeds = sample(model)
    np.testing.assert_allclose(*computed(model, graph, feeds), *expected(model, feeds), rtol=1e-4, atol=1e-6)


def _asymmetric_weights(builder: QdqBuilder) -> None:
    x = builder.qdq(builder.input((1, 8)))
    weights = builder.quantized_weights(8, 4, axis=1, zero_point=5)
    builder.output(builder.qdq(builder.node("MatMul", x, weights)))


def _float_output(builder: QdqBuilder) -> None:
    x = builder.qdq(builder.input((1, 8)))
    builder.output(builder.node("MatMul", x, builder.quantized_weights(8, 4, axis=1)))


def _float_weights(builder: QdqBuilder) -> None:
    x = builder.qdq(builder.input((1, 8)))
    builder.output(builder.qdq(builder.node("MatMul", x, builder.weights(8, 4))))


def _half_quantized(builder: QdqBuilder) -> None:
    x = builder.input((1, 8))
    builder.output(builder.qdq(builder.node("Add", builder.qdq(x), x)))


def _per_channel_activations(builder: QdqBuilder) -> None:
    x = builder.input((1, 4))
    scales, zeros = builder.constant([0.1] * 4), builder.constant([0] * 4, np.int8)
    integers = builder.node("QuantizeLinear", x, scales, zeros)
    builder.output(builder.node("DequantizeLinear", integers, scales, zeros))


def _sixteen_bits(builder: QdqBuilder) -> None:
    x, scale, zero = builder.input((1, 4)), builder.constant(0.1), builder.constant(0, np.int16)
    builder.output(
        builder.node("DequantizeLinear", builder.node("QuantizeLinear", x, scale, zero), scale, zero)
    )


def _other_scale(builder: QdqBuilder) -> None:
    x, zero = builder.input((1, 4)), builder.constant(0, np.int8)
    integers = builder.node("QuantizeLinear", x, builder.constant(0.1), zero)
    builder.output(builder.node("DequantizeLinear", integers, builder.constant(0.2), zero))


def _far_scales(builder: QdqBuilder) -> None:
    x = builder.qdq(builder.input((1, 8)), 1000.0)
    builder.output(builder.qdq(builder.node("MatMul", x, builder.quantized_weights(8, 4, axis=1)), 1e-7))


def _far_sum(builder: QdqBuilder) -> None:
    x = builder.input((1, 8))
    builder.output(builder.qdq(builder.node("Add", builder.qdq(x), builder.qdq(x, 1e4)), 1e-4))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (_asymmetric_weights, r"matmul_\d+: its weights have a zero point(.|\n)*symmetric"),
        (
            _float_output,
            r"matmul_\d+: its inputs are quantized, but its output is not(.|\n)*smidgen compress",
        ),
        (_float_weights, r"matmul_\d+: its weights are not quantized"),
        (_far_scales, r"matmul_\d+: its scales are too far apart(.|\n)*32 bits"),
        (_far_sum, r"add_\d+: its scales are too far apart"),
        (_half_quantized, r"add_\d+: its input 'x' is not quantized"),
        (_per_channel_activations, r"node 0 QuantizeLinear .*activations per channel"),
        (_sixteen_bits, r"node 0 QuantizeLinear .*int16(.|\n)*int8 or uint8"),
        (_other_scale, r"node 1 DequantizeLinear .*has scale 0.2, but(.|\n)*0.1"),
    ],
)
def test_what_does_not_fit_is_refused(build, words: str) -> None:
    builder = QdqBuilder(seed=1)
    build(builder)
    with pytest.raises(ModelError) as caught:
        builder.graph()
    assert re.search(words, str(caught.value)), caught.value
