"""A library is compiled with options that nobody knows when it is exported: its answers do not change.

Kernels ask the compiler whether it is to save space; a plan that was made for speed must survive that, and
one for size the opposite. Each set of kernels is compiled for the host, where its instructions are emulated.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from export_models import MODELS

from smidgen.compile import lower_and_plan
from smidgen.compile.emit import emit, identifier
from smidgen.compile.figures import Figures
from smidgen.compile.sources import kernel_headers, write_files
from smidgen.golden import golden_inputs
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.targets import load_target

TARGETS = ("host", "mps2-an385", "mps2-an386", "mps3-an547", "midge")
OPTIONS = ([], ["-D__OPTIMIZE_SIZE__"])
SEED = 7
RUNS = 2
PROGRAM = """
#include <stdio.h>
#include "model.h"
{P}_DEFINE_ARENA(arena);
int main(void) {
    {p}_reset(arena);
    while (fread({p}_input_0(arena), 1, {P}_INPUT_0_BYTES, stdin) == {P}_INPUT_0_BYTES) {
        {p}_run(arena);
        fwrite({p}_output_0(arena), 1, {P}_OUTPUT_0_BYTES, stdout);
    }
    return 0;
}
"""


def differences(graph: Graph, target_name: str, optimize: str, arena: str, folder: Path) -> list[str]:
    """The compiler options with which a plan gives something else than the reference."""
    target = load_target(target_name)
    plan, _ = lower_and_plan(graph, target, optimize, arena)
    figures = Figures(weights_bytes=0)
    write_files(
        folder, {**emit(plan.schedule, figures, target.name, optimize), **kernel_headers(plan.schedule)}
    )
    name = identifier(graph.name)
    (folder / "main.c").write_text(PROGRAM.replace("{p}", name).replace("{P}", name.upper()))
    reference, states = Reference(plan.graph), None
    sent, expected = b"", b""
    for run in range(RUNS):
        ports = [(plan.graph.tensor(port).shape, plan.graph.tensor(port).dtype) for port in plan.graph.inputs]
        inputs = golden_inputs(ports, SEED + run)
        result = reference.run(inputs, states)
        states = result.states
        sent += inputs[0].tobytes()
        expected += np.ascontiguousarray(result.outputs[0]).tobytes()
    wrong = []
    for options in OPTIONS:
        command = ["gcc", "-std=c99", "-O1", *options, "-I.", "main.c", "model.c", "-o", "runner"]
        subprocess.run(command, cwd=folder, check=True)
        answer = subprocess.run([folder / "runner"], input=sent, capture_output=True, check=True).stdout
        if answer != expected:
            wrong.append(f"{optimize}, {arena} with {' '.join(options) or '-O1'}")
    return wrong


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.slow)])
def test_dsp_kernels(tmp_path: Path, optimize: str) -> None:
    """In place, a plan for speed relies on how many patches are read at once."""
    assert differences(MODELS["int8"](), "mps2-an386", optimize, "fast", tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", ["kws", "sww", "mixed"])
def test_every_kernel_set(shared_data: Path, tmp_path: Path, model: str, target: str) -> None:
    if model in MODELS:
        graph = MODELS[model]()
    else:
        graph = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    plans = [("speed", "fast"), ("speed", "small"), ("size", "fast")]
    wrong = [
        one
        for number, (optimize, arena) in enumerate(plans)
        for one in differences(graph, target, optimize, arena, tmp_path / str(number))
    ]
    assert wrong == []
