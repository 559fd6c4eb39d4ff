"""Reductions equal TensorFlow Lite Micro byte for byte; in float they agree with LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import assert_close_to_litert, assert_equals_tflm, one_operator, tensor
from shapes import Random

from smidgen.graph import DType
from smidgen.graph.operators import ArgMax, ArgMin, Mean, Operator, ReduceMax, ReduceMin, Sum


def shapes(draw: Random, kind=Mean) -> tuple[tuple[int, ...], Operator, tuple[int, ...]]:
    rank = draw.integer(1, 4)
    shape = tuple(draw.integer(1, 9) for _ in range(rank))
    axes = tuple(sorted(int(a) for a in draw.generator.permutation(rank)[: draw.integer(1, rank)]))
    keep_dims = draw.chance(0.5)
    if keep_dims:
        reduced = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    else:
        reduced = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    return shape, kind(axes, keep_dims), reduced


@pytest.mark.parametrize("dtype", [DType.I8, DType.I16])
@pytest.mark.parametrize("seed", range(40))
def test_mean_equals_tflm(dtype, seed):
    draw = Random(seed)
    shape, operator, reduced = shapes(draw)
    x = draw.quantized(shape, dtype)
    if draw.chance(0.3):
        output = tensor(reduced, dtype, x.scale, x.zero_point)
    else:
        zero_point = draw.zero_point() if dtype is DType.I8 else 0
        output = tensor(reduced, dtype, x.scale * draw.power_of_ten(-1, 1), zero_point)
    assert_equals_tflm(one_operator(operator, [x], [output]), draw.generator)


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize("same_quantization", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (7, 7), (25, 5), (1, 1), (3, 1)])
def test_mean_over_rows_and_columns_equals_tflm(size, same_quantization, keep_dims):
    draw = Random(sum(size))
    x = draw.quantized((2, *size, 13))
    reduced = (2, 1, 1, 13) if keep_dims else (2, 13)
    scale, zero_point = (x.scale, x.zero_point) if same_quantization else (x.scale * 0.37, 3)
    output = tensor(reduced, DType.I8, scale, zero_point)
    assert_equals_tflm(one_operator(Mean((1, 2), keep_dims), [x], [output]), draw.generator)


@pytest.mark.parametrize(
    ("count", "input_scale", "output_scale"),
    [
        (34, 0.8369237780570984, 0.19692324101924896),
        (48, 0.004088184330612421, 0.001362728071399033),
        (23, 0.411093533039093, 0.035747263580560684),
    ],
)
def test_mean_where_the_precision_of_quotients_matters_equals_tflm(count, input_scale, output_scale):
    """One row for every sum that there is."""
    sums = np.arange(-128 * count, 127 * count + 1)[:, None]
    rows = len(sums)
    values = (sums // count + (np.arange(count) < sums % count)).astype(np.int8)
    x = tensor((rows, count), DType.I8, input_scale, 0)
    graph = one_operator(Mean((1,)), [x], [tensor((rows,), DType.I8, output_scale, 0)])
    assert_equals_tflm(graph, np.random.default_rng(0), [values])


@pytest.mark.parametrize("seed", range(10))
def test_float_mean_agrees_with_litert(seed):
    draw = Random(200 + seed)
    shape, operator, reduced = shapes(draw)
    graph = one_operator(operator, [tensor(shape, DType.F32)], [tensor(reduced, DType.F32)])
    assert_close_to_litert(graph, draw.generator)


@pytest.mark.parametrize("kind", [Sum, ReduceMax, ReduceMin])
@pytest.mark.parametrize("seed", range(20))
def test_sums_and_extrema_equal_tflm(kind: type[Operator], seed: int) -> None:
    draw = Random(300 + seed)
    shape, operator, reduced = shapes(draw, kind)
    x = draw.quantized(shape)
    y = tensor(reduced, DType.I8, x.scale, x.zero_point)
    if kind is Sum and draw.chance(0.8):
        y = tensor(reduced, DType.I8, x.scale * draw.power_of_ten(-1, 2), draw.zero_point())
    assert_equals_tflm(one_operator(operator, [x], [y]), draw.generator)


@pytest.mark.parametrize("kind", [ArgMax, ArgMin])
@pytest.mark.parametrize("seed", range(10))
def test_indices_equal_tflm(kind: type[Operator], seed: int) -> None:
    """Few values, so that the first of several that are equal counts."""
    draw = Random(400 + seed)
    shape = tuple(draw.integer(1, 6) for _ in range(draw.integer(1, 4)))
    axis = draw.integer(0, len(shape) - 1)
    y = tensor(shape[:axis] + shape[axis + 1 :], DType.I32)
    dtype = (DType.I8, DType.F32)[seed % 2]
    values = draw.generator.integers(-2, 3, shape).astype(dtype.numpy)
    graph = one_operator(kind(axis), [tensor(shape, dtype, 0.1 if dtype is DType.I8 else None)], [y])
    assert_equals_tflm(graph, draw.generator, [values])


@pytest.mark.parametrize("kind", [Sum, ReduceMax, ReduceMin])
@pytest.mark.parametrize("seed", range(4))
def test_float_sums_and_extrema_agree_with_litert(kind: type[Operator], seed: int) -> None:
    draw = Random(500 + seed)
    shape, operator, reduced = shapes(draw, kind)
    graph = one_operator(operator, [tensor(shape, DType.F32)], [tensor(reduced, DType.F32)])
    assert_close_to_litert(graph, draw.generator)
