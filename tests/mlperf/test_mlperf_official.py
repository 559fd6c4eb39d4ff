"""The official runner's device class, unchanged, drives the firmware.

SMIDGEN_MLPERF_RUNNER is the folder benchmark/runner of github.com/mlcommons/tiny; nothing of it is in here.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from keywords import keywords

from smidgen.compile.build import build
from smidgen.compile.host_agent import build_host_agent
from smidgen.device.simulators import pty_program, qemu, verilator
from smidgen.device.simulators.process import Simulator
from smidgen.device.transports import Port
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.targets import load_target

VARIABLE = "SMIDGEN_MLPERF_RUNNER"
SECONDS = 60.0


@pytest.fixture(scope="module")
def device_class(request: pytest.FixtureRequest) -> ModuleType:
    """The module device_under_test."""
    folder = os.environ.get(VARIABLE, "")
    if not (Path(folder) / "device_under_test.py").is_file():
        pytest.skip(f"set {VARIABLE} to the folder benchmark/runner of github.com/mlcommons/tiny")
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    patch.syspath_prepend(folder)
    return importlib.import_module("device_under_test")


@contextmanager
def board(target_name: str, shared_data: Path, folder: Path) -> Iterator[Simulator]:
    """A simulated board that serves the keyword model on a pseudo-terminal; its greeting is over."""
    target = load_target(target_name)
    graph = replace(load_model(shared_data / "mlperf_tiny" / "kws_int8.tflite"), name="kws01")
    if target.runner.kind == "qemu" and shutil.which(qemu.PROGRAM) is None:
        pytest.skip(f"needs {qemu.PROGRAM}")
    bundle = build(graph, target, folder)
    if target.is_host:
        build_host_agent(bundle, target, folder / "agent")
        simulator: Simulator = pty_program.start("agent", folder)
    elif target.runner.kind == "qemu":
        simulator = qemu.start(bundle.elf, target.runner.machine)
    else:
        simulator = verilator.start(bundle.elf, target.runner.configuration, "pty")
    with simulator:
        greeted(simulator.port)
        yield simulator


def greeted(url: str) -> None:
    """Waits until the board answers and has nothing more to say. The class takes the first m-ready for the
    answer to its first command, so what a board says when it starts must be over."""
    port = Port(url)
    try:
        port.write(b"help%")
        text = b""
        while b"infer" not in text or not text.endswith(b"m-ready\r\n"):
            piece = port.read(SECONDS)
            assert piece, f"no greeting: {text!r}"
            text += piece
    finally:
        port.close()


def results(lines: list[str]) -> list[float]:
    found = [re.match(r"^m-results-\[([^]]+)\]$", line) for line in lines]
    return [[float(value) for value in match[1].split(",")] for match in found if match][-1]


@pytest.mark.slow
@pytest.mark.parametrize(("target", "count"), [("host", 500), ("mps2-an386", 20), ("midge", 20)])
def test_the_class_gets_the_references_answers(
    device_class: ModuleType, shared_data: Path, tmp_path: Path, target: str, count: int
) -> None:
    inputs, labels = keywords(shared_data)
    graph = load_model(shared_data / "mlperf_tiny" / "kws_int8.tflite")
    reference = Reference(graph)
    shape = graph.tensor(graph.inputs[0]).shape
    quantization = graph.tensor(graph.outputs[0]).quantization
    hits = expected_hits = 0
    with board(target, shared_data, tmp_path) as simulator, device_class.DUT(simulator.port) as dut:
        assert dut.get_name() == target
        assert dut.get_model() == "kws01"
        assert dut.get_profile() == "ULPMark for tinyML Firmware V0.0.1"
        for sample, label in zip(inputs[:count], labels, strict=False):
            assert dut.load(sample.tobytes()) == ["m-load-done", "m-ready"]
            answer = results(dut.infer(1, 0))
            (output,) = reference.run([sample.reshape(shape)]).outputs
            real = (output.reshape(-1).astype(float) - quantization.zero_point[0]) * quantization.scale[0]
            np.testing.assert_allclose(answer, real, atol=0.00051)
            hits += int(np.argmax(answer) == label)
            expected_hits += int(np.argmax(output) == label)
    assert hits == expected_hits
    assert hits > 0.8 * count
