"""Matrix products equal TensorFlow Lite Micro byte for byte; in float they agree with LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import (
    as_float,
    assert_close_to_litert,
    assert_equals_tflm,
    litert,
    one_operator,
    reference,
    tensor,
    tflm,
    to_tflite,
)
from shapes import Random

from smidgen.graph import DType, Graph
from smidgen.graph.operators import BatchMatMul, FullyConnected


def case(draw: Random) -> Graph:
    rows, depth, outputs = draw.integer(1, 3), draw.integer(1, 200), draw.integer(1, 20)
    x = draw.quantized((rows, depth))
    weights = draw.weights((outputs, depth), axis=0)
    bias = None if draw.chance(0.2) else draw.bias(x, weights, outputs)
    output = draw.product_output(x, weights, (rows, outputs))
    return one_operator(FullyConnected(draw.activation()), [x, weights, bias], [output])


@pytest.mark.parametrize("seed", range(50))
def test_fully_connected_equals_tflm(seed):
    draw = Random(seed)
    assert_equals_tflm(case(draw), draw.generator)


@pytest.mark.parametrize("seed", range(10))
def test_fully_connected_with_accumulators_that_overflow_equals_tflm(seed):
    draw = Random(500 + seed)
    x, weights = draw.quantized((2, 150)), draw.weights((40, 150), axis=0)
    bias = draw.bias(x, weights, 40, draw.extreme_biases(40))
    scale = x.scale * float(np.mean(weights.quantization.scale)) * 2**24
    output = tensor((2, 40), DType.I8, scale, draw.zero_point())
    assert_equals_tflm(one_operator(FullyConnected(), [x, weights, bias], [output]), draw.generator)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_accumulators_beside_rounding_ties_equal_tflm(seed, per_channel):
    draw, outputs = Random(800 + seed), 3000
    x = tensor((1, 1), DType.I8, draw.power_of_ten(-3, 0), draw.zero_point())
    scales = 10 ** draw.generator.uniform(-4, -1, outputs if per_channel else 1)
    axis = 0 if per_channel else None
    weights = tensor((outputs, 1), DType.I8, scales, axis=axis, data=np.zeros((outputs, 1), np.int8))
    output = tensor((1, outputs), DType.I8, draw.power_of_ten(2, 3), draw.zero_point())
    real = np.broadcast_to(x.scale * weights.quantization.scale.astype(float) / output.scale, outputs)
    bias = draw.bias(x, weights, outputs, draw.boundary_biases(real, output.zero_point))
    assert_equals_tflm(one_operator(FullyConnected(), [x, weights, bias], [output]), draw.generator)


@pytest.mark.parametrize("seed", range(5))
def test_fully_connected_takes_rows_of_more_than_two_dimensions(seed):
    draw = Random(600 + seed)
    x = draw.quantized((1, 3, 2, 7))
    weights = tensor((5, 7), DType.I8, 0.01, data=draw.weights((5, 7), axis=0).data)
    output = draw.product_output(x, weights, (6, 5))
    graph = one_operator(FullyConnected(), [x, weights, draw.bias(x, weights, 5)], [output])
    assert_equals_tflm(graph, draw.generator)


def test_fully_connected_rounds_twice_where_litert_rounds_once():
    """9 / 6.0000005 lies just below 1.5: the first rounding lifts it to 1.5, the second to 2."""
    x = tensor((1, 1), DType.I8, 1.0, 0)
    weights = tensor((1, 1), DType.I8, 1.0, data=np.array([[1]], np.int8))
    output = tensor((1, 1), DType.I8, 6.0000005, 0)
    graph = one_operator(FullyConnected(), [x, weights, None], [output])
    inputs = [np.array([[9]], np.int8)]
    assert reference(graph, inputs)[0].item() == 2
    assert tflm(to_tflite(graph), inputs)[0].item() == 2
    assert litert(to_tflite(graph), inputs)[0].item() == 1


@pytest.mark.parametrize("seed", range(10))
def test_float_fully_connected_agrees_with_litert(seed):
    draw = Random(700 + seed)
    assert_close_to_litert(as_float(case(draw), draw.generator), draw.generator, 1e-4)


def batch_case(draw: Random) -> Graph:
    transpose_a, transpose_b = draw.chance(0.5), draw.chance(0.5)
    rows, depth, columns = draw.integer(1, 9), draw.integer(1, 30), draw.integer(1, 9)
    batches = [draw.integer(1, 3) for _ in range(draw.integer(0, 2))]
    of_a, of_b = ([1 if draw.chance(0.2) else size for size in batches] for _ in range(2))
    a = draw.quantized((*of_a, *((depth, rows) if transpose_a else (rows, depth))))
    b = draw.quantized((*of_b, *((columns, depth) if transpose_b else (depth, columns))))
    shape = (*np.broadcast_shapes(tuple(of_a), tuple(of_b)), rows, columns)
    output = tensor(shape, DType.I8, a.scale * b.scale * draw.power_of_ten(0, 4), draw.zero_point())
    return one_operator(BatchMatMul(transpose_a, transpose_b), [a, b], [output])


@pytest.mark.parametrize("seed", range(30))
def test_batch_matmul_equals_tflm(seed):
    draw = Random(1000 + seed)
    assert_equals_tflm(batch_case(draw), draw.generator)


@pytest.mark.parametrize("seed", range(10))
def test_batch_matmul_multiplies_the_scales_as_tflm_does(seed):
    """The only output lies so close to a rounding tie that the last bit of the scale decides."""
    draw, depth = Random(1100 + seed), 4096
    a = tensor((1, depth), DType.I8, draw.power_of_ten(-3, 0))
    b = tensor((depth, 1), DType.I8, draw.power_of_ten(-3, 0))
    scale = a.scale * b.scale * depth * 128 * 128 / (draw.integer(90, 126) + 0.5)
    lowest = [np.full(t.shape, -128, np.int8) for t in (a, b)]
    graph = one_operator(BatchMatMul(), [a, b], [tensor((1, 1), DType.I8, scale)])
    assert_equals_tflm(graph, draw.generator, lowest)


@pytest.mark.parametrize("seed", range(5))
def test_float_batch_matmul_agrees_with_litert(seed):
    draw = Random(1200 + seed)
    assert_close_to_litert(as_float(batch_case(draw), draw.generator), draw.generator, 1e-4)
