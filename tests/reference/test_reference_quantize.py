"""Quantize and Dequantize equal TensorFlow Lite Micro byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import assert_equals_tflm, one_operator, reference, tensor, tflm, to_tflite
from shapes import Random

from smidgen.graph import DType
from smidgen.graph.operators import Dequantize, Quantize

I8, I16, I32, F32 = DType.I8, DType.I16, DType.I32, DType.F32


@pytest.mark.parametrize("to", [I8, I16])
@pytest.mark.parametrize("seed", range(10))
def test_quantize_float_equals_tflm(to, seed):
    draw = Random(seed)
    output = tensor((500,), to, draw.power_of_ten(-3, 0), draw.zero_point())
    assert_equals_tflm(one_operator(Quantize(), [tensor((500,), F32)], [output]), draw.generator)


def test_quantize_rounds_ties_away_from_zero():
    output = tensor((6,), I8, 0.5, 3)
    graph = one_operator(Quantize(), [tensor((6,), F32)], [output])
    inputs = [np.array([0.25, -0.25, 0.75, -0.75, 1000, -1000], np.float32)]
    np.testing.assert_array_equal(reference(graph, inputs)[0], [4, 2, 5, 1, 127, -128])
    np.testing.assert_array_equal(tflm(to_tflite(graph), inputs)[0], [4, 2, 5, 1, 127, -128])


@pytest.mark.parametrize(
    "types",
    [(I8, I8), (I16, I8), (I8, I16), (I16, I16), (I8, I32), (I16, I32), (I32, I8), (I32, I16)],
    ids=str,
)
@pytest.mark.parametrize("seed", range(10))
def test_requantize_equals_tflm(types, seed):
    draw = Random(seed)
    zero_points = [draw.zero_point() if dtype is I8 else 0 for dtype in types]
    x = tensor((500,), types[0], draw.power_of_ten(-3, 0), zero_points[0])
    output = tensor((500,), types[1], x.scale * draw.power_of_ten(-1.5, 1.5), zero_points[1])
    assert_equals_tflm(one_operator(Quantize(), [x], [output]), draw.generator)


@pytest.mark.parametrize("dtype", [I8, I16])
@pytest.mark.parametrize("seed", range(5))
def test_dequantize_equals_tflm(dtype, seed):
    draw = Random(seed)
    x = tensor((500,), dtype, draw.power_of_ten(-4, 1), draw.zero_point() if dtype is I8 else 0)
    assert_equals_tflm(one_operator(Dequantize(), [x], [tensor((500,), F32)]), draw.generator)


@pytest.mark.parametrize("to", [I8, I16])
@pytest.mark.parametrize("seed", range(5))
def test_requantize_of_every_int16_value_equals_tflm(to, seed):
    draw = Random(100 + seed)
    x = tensor((65536,), I16, draw.power_of_ten(-4, 0), 0)
    zero_point = draw.zero_point() if to is I8 else 0
    output = tensor(
        (65536,), to, x.scale * (256 if to is I8 else 1) * draw.power_of_ten(-0.3, 0.3), zero_point
    )
    inputs = [np.arange(-32768, 32768).astype(np.int16)]
    assert_equals_tflm(one_operator(Quantize(), [x], [output]), draw.generator, inputs)


@pytest.mark.parametrize("seed", range(5))
def test_requantize_of_int32_beside_rounding_ties_equals_tflm(seed):
    draw = Random(200 + seed)
    x = tensor((5000,), I32, draw.power_of_ten(-7, -5), 0)
    output = tensor((5000,), I8, draw.power_of_ten(-1, 0), draw.zero_point())
    real = np.full(5000, x.scale / output.scale)
    inputs = [draw.boundary_biases(real, output.zero_point)]
    assert_equals_tflm(one_operator(Quantize(), [x], [output]), draw.generator, inputs)
