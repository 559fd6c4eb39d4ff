"""Whole bundles on the simulated core: what graphs can say beyond one input and one output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compile_graphs import graph, random_inputs, tensor

from smidgen.compile.build import build
from smidgen.compile.runtime import agent_stack_bytes
from smidgen.device import open_device
from smidgen.graph import Graph, Node, State
from smidgen.graph.operators import Add, Relu, Reshape, Split
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.targets import load_target

SEED = 8


def stateful() -> Graph:
    """y = s + x, and s becomes y."""
    tensors = [tensor(name, (1, 5), 0.5, -4) for name in ("x", "s", "y")]
    states = [State("s", "y", np.full((1, 5), 17, np.int8))]
    return graph(tensors, [Node("add", Add(), ("x", "s"), ("y",))], ["x"], ["y"], states)


def several() -> Graph:
    """Two inputs, three outputs, one of them a reshape of another's bytes."""
    tensors = [tensor("x0", (1, 6), 0.5, 3), tensor("x1", (1, 6), 0.25, -7), tensor("t", (1, 6), 0.7)]
    tensors += [tensor("a", (1, 3), 0.7), tensor("b", (1, 3), 0.7), tensor("r", (3, 1), 0.7)]
    nodes = [
        Node("add", Add(), ("x0", "x1"), ("t",)),
        Node("split", Split(1), ("t",), ("a", "b")),
        Node("reshape", Reshape(), ("a",), ("r",)),
    ]
    return graph(tensors, nodes, ["x0", "x1"], ["b", "r", "t"])


def nothing() -> Graph:
    """No layer at all: the output is the input."""
    tensors = [tensor("x", (1, 4)), tensor("y", (2, 2))]
    return graph(tensors, [Node("reshape", Reshape(), ("x",), ("y",))], ["x"], ["y"])


@pytest.mark.parametrize("make", [stateful, several, nothing])
@pytest.mark.parametrize("target", ["midge-rv32imc", "midge-rv32imc-flash", "midge"])
def test_equals_the_reference_run_after_run(make, target: str, tmp_path: Path) -> None:
    model = make()
    board = load_target(target)
    reference, states = Reference(model), None
    with open_device(board, build(model, board, tmp_path)) as device:
        assert device.selftest().passed
        device.reset()
        for sample in random_inputs(model, SEED, count=4):
            expected = reference.run(sample, states)
            states = expected.states
            for want, got in zip(expected.outputs, device.run(sample).outputs, strict=True):
                np.testing.assert_array_equal(got, want)


def test_reset_reaches_the_device(tmp_path: Path) -> None:
    model, board = stateful(), load_target("midge-rv32imc")
    first, second = random_inputs(model, SEED, count=2)
    with open_device(board, build(model, board, tmp_path)) as device:
        fresh = device.run(first).outputs[0]
        device.run(second)
        device.reset()
        np.testing.assert_array_equal(device.run(first).outputs[0], fresh)


def test_stack_used_stays_in_the_bound(tmp_path: Path) -> None:
    tensors = [tensor("x", (1, 64)), tensor("y", (1, 64))]
    model = graph(tensors, [Node("relu", Relu(), ("x",), ("y",))], ["x"], ["y"])
    board = load_target("midge-rv32imc")
    bundle = build(model, board, tmp_path)
    with open_device(board, bundle) as device:
        device.run(random_inputs(model, SEED, count=1)[0])
        memory = device.memory()
    # The image has hooks compiled in, which the bound in its reserve counts.
    assert bundle.figures.stack_bytes <= memory.stack_bytes - agent_stack_bytes()
    assert 0 < memory.stack_run_bytes <= memory.stack_bytes - agent_stack_bytes()
    assert memory.stack_used_bytes <= memory.stack_bytes


def test_weights_behind_wait_states(shared_data: Path, tmp_path: Path) -> None:
    """Kernels that load from several streams of the slow memory at once."""
    model, board = (
        load_model(shared_data / "mlperf_tiny" / "sww_int8.tflite"),
        load_target("midge-rv32imc-flash"),
    )
    with open_device(board, build(model, board, tmp_path)) as device:
        result = device.selftest()
    assert result.passed, f"layer {result.layer} differs from the reference"
