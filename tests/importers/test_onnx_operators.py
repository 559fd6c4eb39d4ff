"""Forms of single operators that ONNX's own tests lack, and what decides how an operator comes in."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto
from onnx_builder import OnnxBuilder, computed, expected, sample

from smidgen.graph.operators import (
    BatchMatMul,
    Clip,
    DepthwiseConv2D,
    FullyConnected,
    Gather,
    Relu,
    Relu6,
    ResizeBilinear,
    ResizeNearestNeighbor,
    Square,
    StridedSlice,
)


def _expect_equal(builder: OnnxBuilder) -> None:
    model, graph = builder.model(), builder.graph()
    feeds = sample(model)
    for ours, theirs in zip(computed(model, graph, feeds), expected(model, feeds), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduce_log_sum_exp(keepdims: int) -> None:
    builder = OnnxBuilder()
    builder.output(builder.node("ReduceLogSumExp", builder.input((2, 3, 4)), axes=[1], keepdims=keepdims))
    _expect_equal(builder)


def test_conditions() -> None:
    builder = OnnxBuilder()
    x = builder.input((3, 4))
    zero, one = builder.constant(0.0), builder.constant(1.0)
    either = builder.node("Xor", builder.node("Greater", x, zero), builder.node("Less", x, one))
    both = builder.node("And", either, builder.node("Not", builder.node("Equal", x, one)))
    builder.output(builder.node("Where", builder.node("Or", both, either), x, one))
    _expect_equal(builder)


def test_64_bit_inputs_are_held_in_32_bits() -> None:
    builder = OnnxBuilder()
    tokens = builder.input((1, 5), dtype=TensorProto.INT64)
    builder.output(builder.node("Gather", builder.weights(7, 3), tokens))
    model, graph = builder.model(), builder.graph()
    assert graph.tensors[graph.inputs[0]].dtype.value == "i32"
    feeds = {"x": np.array([[0, 6, 3, 3, -1]])}
    np.testing.assert_allclose(*computed(model, graph, feeds), *expected(model, feeds))


def _matmul(a: tuple[int, ...], b: tuple[int, ...], constant: bool) -> OnnxBuilder:
    builder = OnnxBuilder()
    x = builder.input(a)
    builder.output(builder.node("MatMul", x, builder.weights(*b) if constant else builder.input(b, "b")))
    return builder


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 2, 3), (2, 3, 4)), ((3,), (3, 4)), ((2, 3), (3,))],
)
def test_products_of_every_rank(a: tuple[int, ...], b: tuple[int, ...], constant: bool) -> None:
    builder = _matmul(a, b, constant)
    _expect_equal(builder)
    kinds = {type(node.operator) for node in builder.graph().nodes}
    assert (FullyConnected if constant and len(b) < 3 else BatchMatMul) in kinds


@pytest.mark.parametrize(
    ("low", "high", "operator"),
    [
        (0.0, None, Relu()),
        (0.0, 6.0, Relu6()),
        (-1.0, 2.0, Clip(-1.0, 2.0)),
        (0.0, float(np.finfo(np.float32).max), Relu()),
    ],
)
def test_clips_become_activations(low: float, high: float | None, operator: object) -> None:
    builder = OnnxBuilder()
    bounds = [builder.constant(low)] + ([] if high is None else [builder.constant(high)])
    builder.output(builder.node("Clip", builder.input((2, 3)), *bounds))
    assert [node.operator for node in builder.graph().nodes] == [operator]


@pytest.mark.parametrize(
    ("mode", "coordinates", "kind"),
    [
        ("nearest", "asymmetric", ResizeNearestNeighbor),
        ("nearest", "half_pixel", ResizeNearestNeighbor),
        ("linear", "half_pixel", ResizeBilinear),
        ("linear", "pytorch_half_pixel", ResizeBilinear),
        ("linear", "align_corners", ResizeBilinear),
        ("linear", "asymmetric", ResizeBilinear),
        ("cubic", "half_pixel", FullyConnected),
    ],
)
def test_resizing_uses_one_operator_where_there_is_one(mode: str, coordinates: str, kind: type) -> None:
    builder = OnnxBuilder()
    x, sizes = builder.input((1, 2, 4, 5)), builder.constant([1, 2, 8, 10], np.int64)
    options = {"nearest_mode": "floor"} if coordinates == "asymmetric" else {}
    y = builder.node(
        "Resize", x, "", "", sizes, mode=mode, coordinate_transformation_mode=coordinates, **options
    )
    builder.output(y)
    _expect_equal(builder)
    found = [type(node.operator) for node in builder.graph().nodes]
    assert found.count(kind) == len(found) - found.count(FullyConnected) or kind is FullyConnected


def test_a_gather_of_neighbours_is_a_slice() -> None:
    builder = OnnxBuilder()
    x = builder.input((4, 6))
    builder.output(
        builder.node("Gather", x, builder.constant([1, 3, 5], np.int64), axis=1),
        builder.node("Gather", x, builder.constant([1, 3, 4], np.int64), axis=1),
        builder.node("Gather", x, builder.constant(-1, np.int64), axis=0),
    )
    _expect_equal(builder)
    kinds = [type(node.operator) for node in builder.graph().nodes]
    assert kinds.count(StridedSlice) == 2 and kinds.count(Gather) == 1


def test_groups_of_one_channel_are_depthwise() -> None:
    builder = OnnxBuilder()
    builder.output(builder.conv(builder.input((1, 4, 5, 5)), 4, 8, group=4))
    _expect_equal(builder)
    assert [type(node.operator) for node in builder.graph().nodes] == [DepthwiseConv2D]


def test_dilated_transposed_convolutions() -> None:
    builder = OnnxBuilder()
    x, weights = builder.input((1, 4, 5, 5)), builder.weights(4, 6, 3, 3)
    places = {"strides": [2, 1], "dilations": [1, 2], "pads": [1, 0, 0, 1], "output_padding": [1, 0]}
    builder.output(builder.node("ConvTranspose", x, weights, builder.weights(6), **places))
    _expect_equal(builder)


def test_squares_are_no_powers() -> None:
    builder = OnnxBuilder()
    builder.output(builder.node("Pow", builder.input((2, 3)), builder.constant(2.0)))
    assert [node.operator for node in builder.graph().nodes] == [Square()]


def test_arithmetic_on_shapes_is_done_at_import() -> None:
    """As exporters write reshapes of a size that they take from the input."""
    builder = OnnxBuilder()
    x = builder.input((2, 3, 4))
    sizes = builder.node("Shape", x)
    first = builder.node("Slice", sizes, builder.constant([0], np.int64), builder.constant([1], np.int64))
    rest = builder.node("ReduceProd", builder.node("Cast", sizes, to=TensorProto.FLOAT), keepdims=1)
    rest = builder.node("Cast", rest, to=TensorProto.INT64)
    rows = builder.node("Div", rest, builder.constant([4], np.int64))
    shape = builder.node("Concat", rows, builder.node("Mul", first, builder.constant([2], np.int64)), axis=0)
    spread = builder.node("ConstantOfShape", shape)
    y = builder.node("Add", builder.node("Reshape", x, shape), spread)
    steps = builder.node("Range", builder.constant(0.0), builder.constant(4.0), builder.constant(1.0))
    builder.output(builder.node("Add", y, steps))
    _expect_equal(builder)
    kinds = [node.operator.type_name for node in builder.graph().nodes]
    assert sorted(kinds) == ["ADD", "ADD", "RESHAPE"]


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("kind", "gates", "reset_after"), [("LSTM", 4, None), ("GRU", 3, 0), ("GRU", 3, 1)])
def test_recurrent_layers_start_from_a_state_that_is_given(
    kind: str, gates: int, reset_after: int | None, direction: str
) -> None:
    units, directions = 3, 2 if direction == "bidirectional" else 1
    builder = OnnxBuilder()
    x, h = builder.input((5, "batch", 2)), builder.input((directions, "batch", units), "h")
    names = [
        builder.weights(directions, gates * units, 2),
        builder.weights(directions, gates * units, units),
        builder.weights(directions, 2 * gates * units),
        "",
        h,
    ]
    options = {} if reset_after is None else {"linear_before_reset": reset_after}
    if kind == "LSTM":
        names.append(builder.input((directions, "batch", units), "c"))
    outputs = len(names) - 3
    y = builder.node(kind, x, *names, outputs=outputs, hidden_size=units, direction=direction, **options)
    builder.output(y, *(f"{y}_{place}" for place in range(1, outputs)))
    _expect_equal(builder)
    # One sample at a time: no order of axes is left to change.
    assert "TRANSPOSE" not in [node.operator.type_name for node in builder.graph().nodes]
