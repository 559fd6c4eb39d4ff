"""Mean equals TensorFlow Lite Micro byte for byte; in float it agrees with LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import assert_close_to_litert, assert_equals_tflm, one_operator, tensor
from shapes import Random

from smidgen.graph import DType
from smidgen.graph.operators import Mean


def shapes(draw: Random) -> tuple[tuple[int, ...], Mean, tuple[int, ...]]:
    rank = draw.integer(1, 4)
    shape = tuple(draw.integer(1, 9) for _ in range(rank))
    axes = tuple(sorted(int(a) for a in draw.generator.permutation(rank)[: draw.integer(1, rank)]))
    keep_dims = draw.chance(0.5)
    if keep_dims:
        reduced = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    else:
        reduced = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    return shape, Mean(axes, keep_dims), reduced


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
