"""Comparisons, connectives, Select and Cast equal TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import assert_close_to_litert, assert_equals_tflm, one_operator, reference, tensor
from shapes import Random

from smidgen.graph import DType
from smidgen.graph import operators as op
from smidgen.graph.operators import Comparison, Connective

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)


@pytest.mark.parametrize("kind", Comparison)
@pytest.mark.parametrize("seed", range(6))
def test_every_pair_of_int8_values_compares_as_in_tflm(kind: Comparison, seed: int) -> None:
    """Steps below 1, above which TensorFlow Lite Micro stops."""
    draw = Random(seed)
    a = tensor((256, 1), DType.I8, draw.power_of_ten(-3, -0.1), draw.zero_point())
    scale = a.scale if seed % 3 == 0 else draw.power_of_ten(-3, -0.1)
    b = tensor((1, 256), DType.I8, scale, draw.zero_point())
    graph = one_operator(op.Compare(kind), [a, b], [tensor((256, 256), DType.BOOL)])
    assert_equals_tflm(graph, draw.generator, [EVERY_INT8.reshape(256, 1), EVERY_INT8.reshape(1, 256)])


def test_int8_values_of_large_steps_compare_by_what_they_stand_for() -> None:
    a, b = tensor((256, 1), DType.I8, 4.0, -3), tensor((1, 256), DType.I8, 2.0, 8)
    graph = one_operator(op.Compare(Comparison.LESS), [a, b], [tensor((256, 256), DType.BOOL)])
    x, y = EVERY_INT8.reshape(256, 1), EVERY_INT8.reshape(1, 256)
    expected = 4 * (x.astype(int) + 3) < 2 * (y.astype(int) - 8)
    np.testing.assert_array_equal(reference(graph, [x, y])[0], expected)


@pytest.mark.parametrize("dtype", [DType.F32, DType.I32])
@pytest.mark.parametrize("kind", Comparison)
def test_plain_numbers_compare_as_in_tflm(kind: Comparison, dtype: DType) -> None:
    graph = one_operator(op.Compare(kind), [tensor((3, 4), dtype)] * 2, [tensor((3, 4), DType.BOOL)])
    x = np.arange(12).reshape(3, 4).astype(dtype.numpy)
    assert_equals_tflm(graph, np.random.default_rng(0), [x, x[:, ::-1].copy()])
    assert_equals_tflm(graph, np.random.default_rng(0), [x, x])


@pytest.mark.parametrize("kind", [Connective.AND, Connective.OR])
def test_connectives_equal_tflm(kind: Connective) -> None:
    tensors = [tensor((3, 4), DType.BOOL)] * 3
    assert_equals_tflm(one_operator(op.Logical(kind), tensors[:2], tensors[2:]), np.random.default_rng(1))


def test_exclusive_or_and_not() -> None:
    a, b = np.array([False, False, True, True]), np.array([False, True, False, True])
    t = tensor((4,), DType.BOOL)
    exclusive = reference(one_operator(op.Logical(Connective.XOR), [t, t], [t]), [a, b])[0]
    np.testing.assert_array_equal(exclusive, a != b)
    graph = one_operator(op.LogicalNot(), [t], [t])
    assert_equals_tflm(graph, np.random.default_rng(0), [a])


@pytest.mark.parametrize(
    "shapes", [((2, 3, 4),) * 3, ((4,), (2, 3, 4), (3, 1)), ((2, 1, 1), (1, 3, 4), (2, 3, 1))], ids=str
)
@pytest.mark.parametrize("dtype", [DType.I8, DType.F32])
def test_select_equals_tflm(shapes, dtype: DType) -> None:
    quantized = {"scale": 0.1, "zero_point": 3} if dtype is DType.I8 else {}
    condition, a, b = shapes
    inputs = [tensor(condition, DType.BOOL), tensor(a, dtype, **quantized), tensor(b, dtype, **quantized)]
    graph = one_operator(op.Select(), inputs, [tensor((2, 3, 4), dtype, **quantized)])
    assert_equals_tflm(graph, np.random.default_rng(2))


@pytest.mark.parametrize("target", [DType.F32, DType.I8, DType.I16, DType.I32])
@pytest.mark.parametrize("source", [DType.BOOL, DType.F32, DType.I8, DType.I16, DType.I32])
def test_cast_equals_tflm(source: DType, target: DType) -> None:
    graph = one_operator(op.Cast(), [tensor((3, 5), source)], [tensor((3, 5), target)])
    assert_equals_tflm(graph, np.random.default_rng(3))


def test_cast_of_what_no_integer_holds_saturates() -> None:
    graph = one_operator(op.Cast(), [tensor((5,), DType.F32)], [tensor((5,), DType.I32)])
    given = np.array([np.nan, np.inf, -np.inf, -1.9, 3e9], np.float32)
    largest, smallest = 2**31 - 1, -(2**31)
    np.testing.assert_array_equal(reference(graph, [given])[0], [0, largest, smallest, -1, largest])


def test_numbers_cast_to_conditions_are_true_unless_0() -> None:
    graph = one_operator(op.Cast(), [tensor((3,), DType.I8)], [tensor((3,), DType.BOOL)])
    np.testing.assert_array_equal(reference(graph, [np.array([0, -3, 1], np.int8)])[0], [False, True, True])


def test_float_select_agrees_with_litert() -> None:
    inputs = [tensor((3, 1), DType.BOOL), tensor((3, 4), DType.F32), tensor((4,), DType.F32)]
    graph = one_operator(op.Select(), inputs, [tensor((3, 4), DType.F32)])
    assert_close_to_litert(graph, np.random.default_rng(4))
