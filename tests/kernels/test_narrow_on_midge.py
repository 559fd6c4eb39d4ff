"""Kernels with 4- and 2-bit weights on the simulated core: many cases in one model, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernel_harness import Case
from narrow_cases import FAMILIES, NARROW, cases_of

from smidgen.compile.build import build
from smidgen.device import open_device
from smidgen.graph import DType, Graph
from smidgen.graph.reference import run
from smidgen.targets import load_target

EVERY = 11  # of the cases of test_narrow_kernels.py


def together(cases: Sequence[Case]) -> tuple[Graph, list[np.ndarray]]:
    """One graph of all the cases' nodes, which share nothing, and their inputs."""
    tensors, nodes, names, outputs = {}, [], [], []
    for number, case in enumerate(cases):
        new = {name: f"{number}_{name}" for name in case.graph.tensors}
        tensors |= {new[name]: replace(tensor, name=new[name]) for name, tensor in case.graph.tensors.items()}
        read, written = ([new[name] for name in ends] for ends in (case.node.inputs, case.node.outputs))
        nodes.append(replace(case.node, id=f"node_{number}", inputs=tuple(read), outputs=tuple(written)))
        names += [new[name] for name in case.graph.inputs]
        outputs += written
    graph = Graph("cases", tensors, tuple(nodes), tuple(names), tuple(outputs))
    return graph, [array for case in cases for array in case.inputs]


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("dtype", NARROW, ids=lambda dtype: dtype.value)
@pytest.mark.parametrize("family", FAMILIES)
def test_narrow_kernels_on_the_core(family: str, dtype: DType, optimize: str, tmp_path: Path) -> None:
    cases = cases_of(family, dtype)[::EVERY]
    graph, inputs = together(cases)
    board = load_target("midge-rv32imc")
    with open_device(board, build(graph, board, tmp_path, optimize)) as device:
        actual = device.run(inputs).outputs
    for case, want, got in zip(cases, run(graph, inputs).outputs, actual, strict=True):
        np.testing.assert_array_equal(got, want, err_msg=case.name)
