"""Lowering passes apply where they should, nowhere else, and change no bit."""

from __future__ import annotations

import numpy as np
import pytest
from compile_graphs import constant, graph, random_inputs, tensor

from smidgen.compile.lower import lower
from smidgen.graph import Graph, Node, State
from smidgen.graph.operators import (
    Activation,
    Add,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    MaxPool2D,
    Pad,
    Padding,
    Quantize,
    Relu,
    Relu6,
    Reshape,
    Split,
    StridedSlice,
    Transpose,
)
from smidgen.graph.reference import run

SEED = 11


def assert_same_results(before: Graph, after: Graph) -> None:
    for sample in random_inputs(before, SEED):
        for want, got in zip(run(before, sample).outputs, run(after, sample).outputs, strict=True):
            np.testing.assert_array_equal(got, want)


def operators(model: Graph) -> list[str]:
    return [node.operator.type_name for node in model.nodes]


def convolution(operator: Conv2D | DepthwiseConv2D, shape: tuple[int, ...], out: tuple[int, ...]) -> list:
    """Tensors w, b and y of a convolution of x, with random weights."""
    generator = np.random.default_rng(SEED)
    channels = out[3]
    rows = (1, *shape[1:3], channels) if isinstance(operator, DepthwiseConv2D) else (channels, *shape[1:])
    weights = generator.integers(-127, 128, rows).astype(np.int8)
    bias = generator.integers(-1000, 1000, (channels,)).astype(np.int32)
    return [constant("w", weights, 0.01), constant("b", bias, 0.005), tensor("y", out, 0.7, -3)]


def padded_convolution(pads, operator, value=None, interface=False) -> Graph:
    shape = (1, 6 + sum(pads[1]), 5 + sum(pads[2]), 2 + sum(pads[3]))
    window = (1, 3, 3, shape[3])
    out = (
        1,
        shape[1] - 2 + operator.padding.top + operator.padding.bottom,
        shape[2] - 2 + operator.padding.left + operator.padding.right,
        shape[3] if isinstance(operator, DepthwiseConv2D) else 4,
    )
    tensors = [tensor("x", (1, 6, 5, 2), 0.5, 7), tensor("p", shape, 0.5, 7)]
    nodes = [
        Node("pad", Pad(paddings=pads, value=value), ("x",), ("p",)),
        Node("conv", operator, ("p", "w", "b"), ("y",)),
    ]
    outputs = ["y", "p"] if interface else ["y"]
    return graph([*tensors, *convolution(operator, window, out)], nodes, ["x"], outputs)


ROWS_AND_COLUMNS = ((0, 0), (1, 2), (2, 0), (0, 0))


@pytest.mark.parametrize("operator", [Conv2D(), DepthwiseConv2D()], ids=["conv", "depthwise"])
def test_pad_folds_into_a_convolution(operator) -> None:
    model = padded_convolution(ROWS_AND_COLUMNS, operator)
    lowered, _ = lower(model)
    assert operators(lowered) == [operator.type_name]
    assert lowered.nodes[0].operator.padding == Padding(top=1, bottom=2, left=2, right=0)
    assert_same_results(model, lowered)


def test_pad_adds_to_the_padding_that_is_there() -> None:
    model = padded_convolution(((0, 0), (1, 1), (0, 1), (0, 0)), Conv2D(padding=Padding(1, 0, 1, 0)))
    lowered, _ = lower(model)
    assert lowered.nodes[0].operator.padding == Padding(2, 1, 1, 1)
    assert_same_results(model, lowered)


@pytest.mark.parametrize(
    "model",
    [
        padded_convolution(ROWS_AND_COLUMNS, Conv2D(), value=6),
        padded_convolution(((0, 0), (0, 0), (0, 0), (0, 1)), Conv2D()),
        padded_convolution(((0, 0), (3, 0), (0, 0), (0, 0)), Conv2D()),
        padded_convolution(ROWS_AND_COLUMNS, Conv2D(), interface=True),
    ],
    ids=["another value", "channels", "beyond the window", "pad is an output"],
)
def test_pad_stays_where_folding_would_not_be_exact(model: Graph) -> None:
    lowered, _ = lower(model)
    assert "PAD" in operators(lowered)
    assert_same_results(model, lowered)


def test_pad_stays_before_a_pool() -> None:
    tensors = [tensor("x", (1, 4, 4, 2)), tensor("p", (1, 6, 6, 2)), tensor("y", (1, 4, 4, 2))]
    nodes = [
        Node("pad", Pad(paddings=((0, 0), (1, 1), (1, 1), (0, 0))), ("x",), ("p",)),
        Node("pool", MaxPool2D(size=(3, 3)), ("p",), ("y",)),
    ]
    lowered, _ = lower(graph(tensors, nodes, ["x"], ["y"]))
    assert operators(lowered) == ["PAD", "MAX_POOL_2D"]


def add_then(activation, result_scale: float = 0.5, outputs: tuple[str, ...] = ("y",)) -> Graph:
    tensors = [tensor("x0", (1, 40), 0.4, 5), tensor("x1", (1, 40), 0.3, -9)]
    tensors += [tensor("s", (1, 40), 0.5, -20), tensor("y", (1, 40), result_scale, -20)]
    nodes = [Node("add", Add(), ("x0", "x1"), ("s",)), Node("act", activation, ("s",), ("y",))]
    return graph(tensors, nodes, ["x0", "x1"], outputs)


@pytest.mark.parametrize(
    ("activation", "fused"), [(Relu(), Activation.RELU), (Relu6(), Activation.RELU6)], ids=["relu", "relu6"]
)
def test_activation_fuses_into_the_operator_before_it(activation, fused) -> None:
    model = add_then(activation)
    lowered, _ = lower(model)
    assert [node.operator for node in lowered.nodes] == [Add(activation=fused)]
    assert_same_results(model, lowered)


@pytest.mark.parametrize(
    "model",
    [add_then(Relu(), result_scale=0.25), add_then(Relu(), outputs=("y", "s"))],
    ids=["requantizes", "its input is an output"],
)
def test_activation_stays_where_fusing_would_not_be_exact(model: Graph) -> None:
    lowered, _ = lower(model)
    assert operators(lowered) == ["ADD", "RELU"]
    assert_same_results(model, lowered)


def test_constants_are_computed_at_compile_time() -> None:
    generator = np.random.default_rng(SEED)
    values = [generator.integers(-128, 128, (1, 8)).astype(np.int8) for _ in range(2)]
    tensors = [constant("c0", values[0], 0.3), constant("c1", values[1], 0.2), tensor("s", (1, 8))]
    tensors += [tensor("x", (1, 8)), tensor("y", (1, 8))]
    nodes = [Node("fold", Add(), ("c0", "c1"), ("s",)), Node("keep", Add(), ("x", "s"), ("y",))]
    model = graph(tensors, nodes, ["x"], ["y"])
    lowered, counts = lower(model)
    assert [node.id for node in lowered.nodes] == ["keep"]
    assert counts["fold constants"] == 1
    assert_same_results(model, lowered)


def test_dead_nodes_go_away_one_after_the_other() -> None:
    tensors = [tensor(name, (1, 8)) for name in ("x", "a", "b", "y")]
    nodes = [
        Node("first", Relu(), ("x",), ("a",)),
        Node("second", Relu(), ("a",), ("b",)),
        Node("used", Relu6(), ("x",), ("y",)),
    ]
    lowered, _ = lower(graph(tensors, nodes, ["x"], ["y"]))
    assert [node.id for node in lowered.nodes] == ["used"]


MOVES = {
    "transpose of unit axes": (Transpose((0, 3, 1, 2)), (1, 4, 3, 1), (1, 1, 4, 3), True),
    "transpose": (Transpose((0, 2, 1, 3)), (1, 4, 3, 2), (1, 3, 4, 2), False),
    "concatenation of one": (Concatenation(1), (1, 4, 3), (1, 4, 3), True),
    "split in one": (Split(1), (1, 4, 3), (1, 4, 3), True),
    "slice of all": (StridedSlice((0, 0), (1, 1)), (2, 6), (2, 6), True),
    "reversal": (StridedSlice((0, 5), (1, -1)), (2, 6), (2, 6), False),
    "slice of some": (StridedSlice((0, 1), (1, 1)), (2, 6), (2, 4), False),
    "pad by nothing": (Pad(((0, 0), (0, 0))), (2, 6), (2, 6), True),
    "quantize to the same": (Quantize(), (2, 6), (2, 6), True),
}


@pytest.mark.parametrize("case", MOVES)
def test_moves_that_move_nothing_become_reshapes(case: str) -> None:
    operator, source, result, is_alias = MOVES[case]
    model = graph(
        [tensor("x", source), tensor("y", result)], [Node("move", operator, ("x",), ("y",))], ["x"], ["y"]
    )
    lowered, _ = lower(model)
    assert operators(lowered) == ["RESHAPE" if is_alias else operator.type_name]
    assert_same_results(model, lowered)


def test_quantize_to_another_scale_stays() -> None:
    tensors = [tensor("x", (2, 6), 0.5), tensor("y", (2, 6), 0.6)]
    model = graph(tensors, [Node("move", Quantize(), ("x",), ("y",))], ["x"], ["y"])
    assert operators(lower(model)[0]) == ["QUANTIZE"]


def test_identity_reshapes_do_not_keep_operators_apart() -> None:
    model = add_then(Relu())
    tensors = [*model.tensors.values(), tensor("t", (1, 40), 0.5, -20)]
    add, act = model.nodes
    nodes = [add, Node("same", Reshape(), ("s",), ("t",)), Node("act", act.operator, ("t",), ("y",))]
    apart = graph(tensors, nodes, model.inputs, model.outputs)
    lowered, _ = lower(apart)
    assert operators(lowered) == ["ADD"]
    assert_same_results(apart, lowered)


def test_reshape_that_changes_what_the_integers_mean_stays() -> None:
    """The addition reads t, whose scale is another one than that of x."""
    tensors = [tensor("x", (1, 9), 0.5), tensor("t", (1, 9), 0.25, 8), tensor("y", (1, 9), 0.9)]
    nodes = [Node("same", Reshape(), ("x",), ("t",)), Node("add", Add(), ("t", "x"), ("y",))]
    model = graph(tensors, nodes, ["x"], ["y"])
    lowered, _ = lower(model)
    assert operators(lowered) == ["RESHAPE", "ADD"]
    assert_same_results(model, lowered)


def test_outputs_that_are_constants_or_old_states_get_their_own_bytes() -> None:
    fixed = constant("c", np.arange(6, dtype=np.int8).reshape(1, 6))
    tensors = [fixed, tensor("x", (1, 6)), tensor("s", (1, 6)), tensor("n", (1, 6))]
    nodes = [Node("add", Add(), ("x", "s"), ("n",))]
    states = [State("s", "n", np.zeros((1, 6), np.int8))]
    model = graph(tensors, nodes, ["x"], ["c", "s", "n"], states)
    lowered, _ = lower(model)
    assert lowered.outputs == ("c.copy", "s.copy", "n")
    assert operators(lowered) == ["ADD", "CONCATENATION", "CONCATENATION"]
    assert_same_results(model, lowered)
