"""Transposes that are taken out of a graph: the same function, with none left that can go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx_builder import OnnxBuilder

from smidgen.errors import UsageError
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    Add,
    ArgMax,
    BatchMatMul,
    Concatenation,
    FullyConnected,
    Gather,
    LayerNorm,
    Mean,
    Operator,
    Pad,
    Relu,
    Reshape,
    Softmax,
    Split,
    StridedSlice,
    Tile,
    Transpose,
)
from smidgen.graph.reference import run
from smidgen.importers.layout import cancel_transposes
from smidgen.run.inputs import load_inputs

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)  # to channels first, to channels last


class Sketch:
    """A graph of float operators, written down one after the other."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors = {"x": Tensor("x", shape, DType.F32)}
        self.nodes: list[Node] = []

    def shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[name].shape

    def constant(self, *shape: int) -> str:
        name = f"c{len(self.tensors)}"
        data = self.rng.normal(size=shape).astype(np.float32)
        self.tensors[name] = Tensor(name, shape, DType.F32, data=data)
        return name

    def add(self, operator: Operator, inputs: list[str], *shapes: tuple[int, ...], dtype=DType.F32) -> str:
        names = [f"t{len(self.tensors) + part}" for part in range(len(shapes))]
        self.tensors |= {name: Tensor(name, one, dtype) for name, one in zip(names, shapes, strict=True)}
        self.nodes.append(Node(f"n{len(self.nodes)}", operator, tuple(inputs), tuple(names)))
        return names[0]

    def transpose(self, x: str, axes: tuple[int, ...]) -> str:
        return self.add(Transpose(axes), [x], tuple(self.shape(x)[axis] for axis in axes))

    def same(self, operator: Operator, *inputs: str) -> str:
        shapes = [self.shape(name) for name in inputs]
        return self.add(operator, [*inputs], tuple(np.broadcast_shapes(*shapes)))

    def graph(self, *outputs: str) -> Graph:
        return Graph("sketch", self.tensors, tuple(self.nodes), ("x",), outputs)


def check(sketch: Sketch, *outputs: str) -> list[str]:
    """Compare both graphs, and give the operators of the new one but for Reshapes."""
    graph = sketch.graph(*outputs)
    changed = cancel_transposes(graph)
    assert changed.outputs == outputs
    x = np.random.default_rng(1).normal(size=sketch.shape("x")).astype(np.float32)
    for old, new in zip(run(graph, [x]).outputs, run(changed, [x]).outputs, strict=True):
        assert old.shape == new.shape
        np.testing.assert_allclose(new, old, rtol=1e-6, atol=1e-6)
    return [node.operator.type_name for node in changed.nodes if not isinstance(node.operator, Reshape)]


def _with(operator: Operator, *shape: int) -> Callable[[Sketch, str], str]:
    return lambda sketch, x: sketch.add(operator, [x], shape)


# On (1, 3, 4, 5), which is a transposition of (1, 4, 5, 3).
PASSED: dict[str, Callable[[Sketch, str], str]] = {
    "unary": lambda s, x: s.same(Relu(), x),
    "constant per channel": lambda s, x: s.same(Add(), x, s.constant(1, 3, 1, 1)),
    "constant of lower rank": lambda s, x: s.same(Add(), s.constant(4, 1), x),
    "constant number": lambda s, x: s.same(Add(), x, s.constant()),
    "two branches": lambda s, x: s.same(Add(), s.same(Relu(), x), x),
    "pad": _with(Pad(((0, 0), (1, 0), (0, 2), (0, 0))), 1, 4, 6, 5),
    "slice": _with(StridedSlice((0, 1, 0, 4), (1, 1, 2, -1)), 1, 2, 2, 5),
    "tile": _with(Tile((1, 2, 1, 3)), 1, 6, 4, 15),
    "concatenation": lambda s, x: s.add(Concatenation(1), [x, s.same(Relu(), x)], (1, 6, 4, 5)),
    "split": lambda s, x: s.add(Split(2), [x], (1, 3, 1, 5), (1, 3, 3, 5)),
    "mean": _with(Mean((2, 3), True), 1, 3, 1, 1),
}


@pytest.mark.parametrize("name", PASSED)
def test_operators_compute_on_the_other_order(name: str) -> None:
    sketch = Sketch((1, 4, 5, 3))
    y = PASSED[name](sketch, sketch.transpose("x", FIRST))
    assert "TRANSPOSE" not in check(sketch, sketch.transpose(y, LAST))


def test_reductions_drop_axes_of_the_other_order() -> None:
    sketch = Sketch((2, 4, 5, 3))
    x = sketch.transpose("x", FIRST)
    means = sketch.add(Mean((2, 3)), [x], (2, 3))
    places = sketch.add(ArgMax(1), [x], (2, 4, 5), dtype=DType.I32)
    assert check(sketch, means, places) == ["MEAN", "ARG_MAX"]


def test_what_only_the_last_axis_matters_to() -> None:
    sketch = Sketch((2, 4, 5, 3))
    x = sketch.transpose("x", (0, 2, 1, 3))
    y = sketch.same(Softmax(), x)
    y = sketch.add(LayerNorm(1), [y, sketch.constant(3), sketch.constant(3)], (2, 5, 4, 3))
    y = sketch.add(FullyConnected(), [y, sketch.constant(6, 3)], (2, 5, 4, 6))
    assert "TRANSPOSE" not in check(sketch, sketch.transpose(y, (0, 2, 1, 3)))


def test_rows_of_a_matrix_take_the_order_of_what_is_flattened() -> None:
    sketch = Sketch((2, 4, 5, 3))
    x = sketch.transpose("x", FIRST)
    flat = sketch.same(Relu(), sketch.add(Reshape(), [x], (2, 60)))
    biased = sketch.same(Add(), flat, sketch.constant(60))
    y = sketch.add(FullyConnected(), [biased, sketch.constant(7, 60)], (2, 7))
    assert check(sketch, y) == ["RELU", "ADD", "FULLY_CONNECTED"]


def test_what_is_flattened_and_seen_is_in_the_files_order() -> None:
    sketch = Sketch((2, 4, 5, 3))
    flat = sketch.add(Reshape(), [sketch.transpose("x", FIRST)], (2, 60))
    y = sketch.add(FullyConnected(), [flat, sketch.constant(7, 60)], (2, 7))
    assert check(sketch, y, flat).count("TRANSPOSE") == 1


def test_matrices_are_read_transposed() -> None:
    sketch = Sketch((2, 4, 5))
    y = sketch.add(BatchMatMul(), ["x", sketch.transpose("x", (0, 2, 1))], (2, 4, 4))
    assert check(sketch, y) == ["BATCH_MATMUL"]


def test_a_gather_takes_places_of_the_other_order() -> None:
    sketch = Sketch((1, 4, 5, 3))
    sketch.tensors["places"] = Tensor("places", (2,), DType.I32, data=np.array([2, 0], np.int32))
    y = sketch.add(Gather(1), [sketch.transpose("x", FIRST), "places"], (1, 2, 4, 5))
    assert check(sketch, sketch.transpose(y, LAST)) == ["GATHER"]


def test_blocks_of_axes_pass_through_a_reshape() -> None:
    sketch = Sketch((1, 4, 5, 6))
    y = sketch.add(Reshape(), [sketch.transpose("x", FIRST)], (1, 2, 3, 20))
    y = sketch.transpose(sketch.same(Relu(), y), (0, 3, 1, 2))
    assert check(sketch, y) == ["RELU"]


def test_axes_of_size_one_move_for_nothing() -> None:
    sketch = Sketch((1, 1, 1, 6))
    y = sketch.same(Relu(), sketch.transpose("x", FIRST))
    assert check(sketch, y) == ["RELU"]


def test_a_transposition_for_several_readers_is_done_once() -> None:
    sketch = Sketch((1, 4, 5, 3))
    x = sketch.transpose("x", FIRST)
    ends = [sketch.add(Reshape(), [sketch.transpose("x", FIRST)], shape) for shape in ((60,), (30, 2))]
    assert check(sketch, x, *ends) == ["TRANSPOSE"]


def test_random_graphs_stay_the_same() -> None:
    for seed in range(60):
        sketch = Sketch((2, 3, 4, 5), seed)
        names = ["x"]
        for _ in range(8):
            names.append(_random_step(sketch, names))
        outputs = tuple(dict.fromkeys((names[-1], names[len(names) // 2], names[-2])) - {"x": None}.keys())
        try:
            check(sketch, *outputs)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {[node.operator for node in sketch.nodes]}") from error


def _random_step(sketch: Sketch, names: list[str]) -> str:
    rng = sketch.rng
    x = names[-1] if rng.random() < 0.7 else names[rng.integers(len(names))]
    shape = sketch.shape(x)
    axis = int(rng.integers(len(shape)))
    match int(rng.integers(7)):
        case 0 | 1:
            return sketch.transpose(x, tuple(int(axis) for axis in rng.permutation(len(shape))))
        case 2:
            return sketch.add(Reshape(), [x], _regrouped(rng, shape))
        case 3:
            sizes = [size if rng.random() < 0.5 else 1 for size in shape[int(rng.integers(len(shape) + 1)) :]]
            return sketch.same(Add(), x, sketch.constant(*sizes))
        case 4:
            others = [name for name in names if sketch.shape(name) == shape]
            return sketch.same(Add(), x, others[rng.integers(len(others))])
        case 5:
            joined = (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])
            return sketch.add(Concatenation(axis), [x, x], joined)
    return sketch.add(Mean((axis,), True), [x], (*shape[:axis], 1, *shape[axis + 1 :]))


def _regrouped(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Another shape of as many elements: neighbours joined, or a one put in."""
    at = int(rng.integers(len(shape)))
    if at + 1 < len(shape) and rng.random() < 0.7:
        return (*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :])
    even = shape[at] % 2 == 0
    return (*shape[:at], shape[at] // 2, 2, *shape[at + 1 :]) if even else (*shape[:at], 1, *shape[at:])


# The edges of a model


def _edges(build: Callable[[OnnxBuilder], str], shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    builder = OnnxBuilder()
    builder.output(build(builder, builder.input(shape)))  # type: ignore[call-arg, arg-type]
    graph = builder.graph()
    return graph.tensors[graph.inputs[0]].shape, graph.tensors[graph.outputs[0]].shape


def test_images_are_given_and_come_back_channels_last() -> None:
    first, last = _edges(lambda b, x: b.node("Sigmoid", b.conv(b.node("Neg", x), 3, 2)), (1, 3, 4, 5))
    assert (first, last) == ((1, 4, 5, 3), (1, 4, 5, 2))


def test_a_model_that_transposes_its_own_input_keeps_its_layout() -> None:
    first, last = _edges(
        lambda b, x: b.node("Transpose", b.conv(b.node("Transpose", x, perm=FIRST), 3, 2), perm=LAST),
        (1, 4, 5, 3),
    )
    assert (first, last) == ((1, 4, 5, 3), (1, 4, 5, 2))


def test_what_meets_no_image_operator_keeps_its_layout() -> None:
    assert _edges(lambda b, x: b.node("Relu", x), (1, 3, 4, 5)) == ((1, 3, 4, 5), (1, 3, 4, 5))


def test_data_with_channels_first_are_told_apart(tmp_path: Path) -> None:
    builder = OnnxBuilder()
    builder.output(builder.conv(builder.input((1, 3, 4, 5)), 3, 2))
    np.savez(tmp_path / "data.npz", x=np.zeros((7, 3, 4, 5), np.float32))
    with pytest.raises(
        UsageError, match=r"takes \(N, 4, 5, 3\), channels last(.|\n)*transpose\(0, 2, 3, 1\)"
    ):
        load_inputs(builder.graph(), tmp_path / "data.npz")
