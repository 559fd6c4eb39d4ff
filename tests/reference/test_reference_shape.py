"""Operators that move elements equal TensorFlow Lite Micro; for int32, which it moves less of, LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import (
    as_float,
    assert_close_to_litert,
    assert_equals_tflm,
    one_operator,
    random_values,
    reference,
    tensor,
)
from shapes import Random

from smidgen.graph import DType, Graph, Tensor
from smidgen.graph.operators import (
    Concatenation,
    DepthToSpace,
    Gather,
    Operator,
    Pack,
    Pad,
    Reshape,
    ResizeBilinear,
    ResizeNearestNeighbor,
    SpaceToDepth,
    Split,
    StridedSlice,
    Tile,
    Transpose,
    Unpack,
)

CASES: dict[str, tuple[Operator, list[tuple[int, ...]], list[tuple[int, ...]]]] = {
    "concatenate channels": (Concatenation(3), [(1, 2, 3, 4), (1, 2, 3, 1), (1, 2, 3, 5)], [(1, 2, 3, 10)]),
    "concatenate rows": (Concatenation(1), [(2, 3, 4), (2, 1, 4)], [(2, 4, 4)]),
    "pad": (Pad(((0, 0), (1, 2), (3, 0), (0, 1))), [(1, 3, 2, 2)], [(1, 6, 5, 3)]),
    "reshape": (Reshape(), [(2, 3, 4)], [(6, 4)]),
    "transpose": (Transpose((0, 3, 1, 2)), [(1, 3, 4, 5)], [(1, 5, 3, 4)]),
    "transpose two axes": (Transpose((1, 0)), [(3, 7)], [(7, 3)]),
    "slice": (StridedSlice((0, 1, 2), (1, 1, 1)), [(2, 4, 5)], [(2, 2, 3)]),
    "slice with steps": (StridedSlice((0, 1, 0), (1, 2, 3)), [(2, 5, 7)], [(2, 2, 3)]),
    "slice backwards": (StridedSlice((1, 4, 6), (-1, -2, -3)), [(2, 5, 7)], [(2, 3, 3)]),
    "split": (Split(2), [(1, 2, 6)], [(1, 2, 2)] * 3),
    "pack": (Pack(1), [(2, 3), (2, 3), (2, 3)], [(2, 3, 3)]),
    "pack first": (Pack(0), [(4,), (4,)], [(2, 4)]),
    "unpack": (Unpack(1), [(2, 3, 4)], [(2, 4)] * 3),
}


# TensorFlow Lite Micro has these for int8 and float only.
INT8_CASES: dict[str, tuple[Operator, list[tuple[int, ...]], list[tuple[int, ...]]]] = {
    "depth to space": (DepthToSpace(2), [(2, 2, 3, 12)], [(2, 4, 6, 3)]),
    "depth to space in blocks of 3": (DepthToSpace(3), [(1, 2, 1, 9)], [(1, 6, 3, 1)]),
    "space to depth": (SpaceToDepth(2), [(2, 4, 6, 3)], [(2, 2, 3, 12)]),
    "space to depth in blocks of 3": (SpaceToDepth(3), [(1, 3, 6, 2)], [(1, 1, 2, 18)]),
    "broadcast": (Tile((3, 1, 2)), [(1, 4, 1)], [(3, 4, 2)]),
}


def case(name: str, dtype: DType) -> Graph:
    operator, inputs, outputs = (CASES | INT8_CASES)[name]

    def make(shape: tuple[int, ...]) -> Tensor:
        return (
            tensor(shape, dtype)
            if dtype in (DType.F32, DType.I32)
            else tensor(shape, dtype, 0.1, _zero(dtype))
        )

    return one_operator(operator, [make(s) for s in inputs], [make(s) for s in outputs])


def _zero(dtype: DType) -> int:
    return -17 if dtype is DType.I8 else 0


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [DType.I8, DType.I16, DType.F32])
def test_equals_tflm(name, dtype):
    assert_equals_tflm(case(name, dtype), np.random.default_rng(1))


@pytest.mark.parametrize("name", INT8_CASES)
@pytest.mark.parametrize("dtype", [DType.I8, DType.F32])
def test_equals_tflm_in_int8_and_float(name, dtype):
    assert_equals_tflm(case(name, dtype), np.random.default_rng(1))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("indices_shape", [(), (4,), (2, 3)])
def test_gather_equals_tflm(axis, indices_shape):
    shape = (3, 5, 2)
    x = tensor(shape, DType.I8, 0.1, -17)
    output = tensor((*shape[:axis], *indices_shape, *shape[axis + 1 :]), DType.I8, 0.1, -17)
    graph = one_operator(Gather(axis), [x, tensor(indices_shape, DType.I32)], [output])
    draw = Random(axis)
    indices = draw.generator.integers(0, shape[axis], indices_shape).astype(np.int32)
    assert_equals_tflm(graph, draw.generator, [random_values(draw.generator, shape, DType.I8), indices])


def test_gather_counts_negative_indices_from_the_end_and_never_leaves_the_axis():
    x, indices = tensor((4, 1), DType.F32), tensor((7,), DType.I32)
    graph = one_operator(Gather(0), [x, indices], [tensor((7, 1), DType.F32)])
    values = np.arange(4, dtype=np.float32).reshape(4, 1)
    wanted = np.array([-1, -4, -5, 3, 4, 2**31 - 1, -(2**31)], np.int32)
    assert reference(graph, [values, wanted])[0].reshape(-1).tolist() == [3, 0, 0, 3, 3, 3, 0]


def test_tile_repeats_axes_of_any_size():
    graph = one_operator(Tile((2, 1, 3)), [tensor((2, 3, 2), DType.I8)], [tensor((4, 3, 6), DType.I8)])
    values = random_values(np.random.default_rng(0), (2, 3, 2), DType.I8)
    (output,) = reference(graph, [values])
    rows, columns, depths = np.ix_(np.arange(4) % 2, np.arange(3), np.arange(6) % 2)
    np.testing.assert_array_equal(output, values[rows, columns, depths])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [DType.F32, DType.I32])
def test_equals_litert(name, dtype):
    assert_close_to_litert(case(name, dtype), np.random.default_rng(2), tolerance=0)


def test_pad_with_a_value_equals_tflm():
    draw = Random(1)
    x = tensor((1, 3, 2), DType.I8, 0.1, -17)
    output = tensor((1, 6, 2), DType.I8, 0.1, -17)
    graph = one_operator(Pad(((0, 0), (1, 2), (0, 0)), 99), [x], [output])
    assert_equals_tflm(graph, draw.generator)


@pytest.mark.parametrize("dtype", [DType.I8, DType.F32])
@pytest.mark.parametrize(
    ("align_corners", "half_pixel_centers"), [(False, False), (True, False), (False, True)]
)
@pytest.mark.parametrize("kind", [ResizeNearestNeighbor, ResizeBilinear])
@pytest.mark.parametrize("seed", range(8))
def test_resize_equals_tflm(align_corners, half_pixel_centers, dtype, kind, seed):
    draw = Random(seed)
    x = draw.quantized((1, *draw.pair(1, 9), 2))
    output = tensor((1, *draw.pair(1, 23), 2), DType.I8, x.scale, x.zero_point)
    graph = one_operator(kind(align_corners, half_pixel_centers), [x], [output])
    if dtype is DType.F32:
        assert_close_to_litert(as_float(graph, draw.generator), draw.generator)
    else:
        assert_equals_tflm(graph, draw.generator)


@pytest.mark.parametrize(
    ("rows", "columns", "operator"),
    [
        ((2, 41), (4, 47), ResizeNearestNeighbor(half_pixel_centers=True)),
        ((8, 47), (14, 23), ResizeNearestNeighbor(align_corners=True)),
    ],
)
def test_resize_at_sizes_where_float32_positions_matter_equals_tflm(rows, columns, operator):
    """rows and columns are (input size, output size)."""
    x = tensor((1, rows[0], columns[0], 1), DType.I8, 0.1)
    output = tensor((1, rows[1], columns[1], 1), DType.I8, 0.1)
    assert_equals_tflm(one_operator(operator, [x], [output]), np.random.default_rng(0))
