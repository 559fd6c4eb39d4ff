"""Runs of a tensor's rows lie in its buffer: which operators move nothing, and which still must."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from compile_graphs import assert_host_equals_reference, graph, random_inputs, tensor

from smidgen.compile import compile_model
from smidgen.compile.schedule import Schedule
from smidgen.graph import Graph, Node, State
from smidgen.graph.operators import Add, Concatenation, Mul, Pack, Relu, Reshape, Split, StridedSlice, Unpack
from smidgen.targets import load_target

SEED = 3


def halves(width: int = 4, axis: int = 1, split: bool = True) -> Graph:
    """Both halves of x along an axis through a RELU each, then joined again and added to x."""
    shape = (1, 4, width)
    half = tuple(size // 2 if i == axis else size for i, size in enumerate(shape))
    tensors = [tensor(name, shape) for name in ("x", "y", "z")]
    tensors += [tensor(name, half) for name in ("a", "b", "c", "d")]
    begin = [0, 0, 0]
    second = [size // 2 if i == axis else 0 for i, size in enumerate(shape)]
    cut = [Node("split", Split(axis), ("x",), ("a", "b"))]
    if not split:
        cut = [
            Node("first", StridedSlice(tuple(begin), (1, 1, 1)), ("x",), ("a",)),
            Node("second", StridedSlice(tuple(second), (1, 1, 1)), ("x",), ("b",)),
        ]
    nodes = [
        *cut,
        Node("relu0", Relu(), ("a",), ("c",)),
        Node("relu1", Relu(), ("b",), ("d",)),
        Node("join", Concatenation(axis), ("c", "d"), ("y",)),
        Node("add", Add(), ("x", "y"), ("z",)),
    ]
    return graph(tensors, nodes, ["x"], ["z"])


def compiled(model: Graph) -> Schedule:
    return compile_model(model, load_target("host"))


def kernels(schedule: Schedule) -> list[str]:
    return [call.type_name for call in schedule.calls]


@pytest.mark.parametrize("split", [True, False])
def test_rows_are_neither_cut_out_nor_joined(split: bool, tmp_path: Path) -> None:
    model = halves(split=split)
    schedule = compiled(model)
    assert kernels(schedule) == ["RELU", "RELU", "ADD"]
    places = {name: (b.within, b.start, b.bytes) for name, b in schedule.buffers.items() if b.within}
    assert places == {"a": ("x", 0, 8), "b": ("x", 8, 8), "c": ("y", 0, 8), "d": ("y", 8, 8)}
    for name, (whole, start, _) in places.items():
        assert schedule.buffers[name].offset == schedule.buffers[whole].offset + start
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_rows_that_start_off_a_word_are_moved(tmp_path: Path) -> None:
    model = halves(width=3)
    assert kernels(compiled(model)) == ["SPLIT", "RELU", "RELU", "CONCATENATION", "ADD"]
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_columns_are_moved() -> None:
    assert kernels(compiled(halves(axis=2))) == ["SPLIT", "RELU", "RELU", "CONCATENATION", "ADD"]


def test_bands_of_one_image_are_written_over_what_has_been_read() -> None:
    """x is dead after the two bands, so that their outputs take its place."""
    model = halves()
    nodes = tuple(node for node in model.nodes if node.id != "add")
    assert compiled(replace(model, nodes=nodes, outputs=("y",))).arena_bytes == 16


def test_what_is_seen_from_outside_has_bytes_of_its_own(tmp_path: Path) -> None:
    """A part that is an output, and one that becomes a state."""
    model = halves()
    state = State("s", "d", np.arange(8, dtype=np.int8).reshape(1, 2, 4))
    tensors = [*model.tensors.values(), tensor("s", (1, 2, 4)), tensor("t", (1, 2, 4))]
    nodes = [*model.nodes, Node("mul", Mul(), ("s", "c"), ("t",))]
    model = graph(tensors, nodes, ["x"], ["z", "a", "t"], [state])
    schedule = compiled(model)
    assert kernels(schedule) == ["SPLIT", "RELU", "RELU", "CONCATENATION", "ADD", "MUL"]
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_a_part_that_is_joined_twice_is_written_once(tmp_path: Path) -> None:
    tensors = [tensor(name, (1, 4)) for name in ("x", "a", "b")]
    tensors += [tensor(name, (2, 4)) for name in ("y", "z", "w")]
    nodes = [
        Node("relu", Relu(), ("x",), ("a",)),
        Node("mul", Mul(), ("x", "x"), ("b",)),
        Node("pack", Concatenation(0), ("a", "b"), ("y",)),
        Node("again", Concatenation(0), ("b", "a"), ("z",)),
        Node("twice", Concatenation(0), ("x", "x"), ("w",)),
    ]
    model = graph(tensors, nodes, ["x"], ["y", "z", "w"])
    assert kernels(compiled(model)) == ["RELU", "MUL", "CONCATENATION", "CONCATENATION"]
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_views_of_views(tmp_path: Path) -> None:
    """The rows of a join of joins, reshaped, taken apart one by one and stacked."""
    rows = [tensor(f"r{i}", (1, 4)) for i in range(4)]
    tensors = [tensor("x", (4, 4)), *rows, *(tensor(f"m{i}", (1, 4)) for i in range(4))]
    tensors += [tensor("p", (2, 4)), tensor("q", (2, 4)), tensor("w", (4, 4)), tensor("v", (1, 4, 4))]
    tensors += [tensor(f"u{i}", (4, 4)[:1]) for i in range(4)] + [tensor("o", (4,)), tensor("k", (2, 4))]
    nodes = [
        Node("unpack", Split(0), ("x",), tuple(f"r{i}" for i in range(4))),
        *(Node(f"relu{i}", Relu(), (f"r{i}",), (f"m{i}",)) for i in range(4)),
        Node("p", Concatenation(0), ("m0", "m1"), ("p",)),
        Node("q", Concatenation(0), ("m2", "m3"), ("q",)),
        Node("w", Concatenation(0), ("p", "q"), ("w",)),
        Node("v", Reshape(), ("w",), ("v",)),
        Node("s", Reshape(), ("v",), ("t",)),
        Node("u", Unpack(0), ("t",), tuple(f"u{i}" for i in range(4))),
        Node("o", Add(), ("u0", "u3"), ("o",)),
        Node("k", Pack(0), ("o", "u1"), ("k",)),
    ]
    model = graph([*tensors, tensor("t", (4, 4))], nodes, ["x"], ["k"])
    schedule = compiled(model)
    assert kernels(schedule) == ["RELU"] * 4 + ["ADD", "PACK"]  # u1 lies in w, so it cannot lie in k
    assert schedule.buffers["m3"].start == 12
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))
