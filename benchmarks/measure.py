"""Our own figures, measured."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smidgen.compile.build import build
from smidgen.compile.bundle import Bundle
from smidgen.compile.figures import Figures
from smidgen.device import Run
from smidgen.device.serial_device import SerialDevice
from smidgen.device.simulators import verilator
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Relu
from smidgen.importers import load_model
from smidgen.run.inputs import random_inputs
from smidgen.targets import Target, load_target

_TRANSFER_BYTES = 20_000
_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Simulation:
    """runs: what the device counted; cycles: of the whole simulation, boot and link included; cpu_seconds: of
    the simulator's process."""

    runs: list[Run]
    cycles: int
    cpu_seconds: float


@dataclass(frozen=True)
class Built:
    """A model built for a target: its sizes in bytes and one simulated inference."""

    figures: Figures
    arena_bytes: int
    arena_tensors_bytes: int
    simulation: Simulation

    @property
    def cycles(self) -> int | None:
        return self.simulation.runs[0].cycles

    @property
    def instructions(self) -> int | None:
        return self.simulation.runs[0].instructions


def build_and_run(model: Path, target_name: str, optimize: str) -> Built:
    """Build for a simulated target and run one random input."""
    target, graph = load_target(target_name), load_model(model)
    with tempfile.TemporaryDirectory(prefix="smidgen-benchmark-") as folder:
        bundle = build(graph, target, folder, optimize)
        simulation = simulate(bundle, target, random_inputs(graph, 1).samples)
    arena = bundle.manifest["arena"]
    return Built(bundle.figures, arena["bytes"], arena["tensors_bytes"], simulation)


def weights_limit(model: Path) -> int:
    """The most that weights_bytes may be: 1.05 times the weights at their bits and 9 bytes a channel."""
    graph = load_model(model)
    total = 0
    for node in graph.nodes:
        if isinstance(node.operator, Conv2D | DepthwiseConv2D | FullyConnected):
            weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
            total += weights.elements * weights.dtype.bits // 8 + 9 * output.shape[-1]
    return int(1.05 * total)


def link_cycles_per_byte(target_name: str) -> float:
    """Cycles per payload byte of sending an input and reading an output of 20,000 bytes each, with framing,
    checksums and everything that a run costs beside the model."""
    target = load_target(target_name)
    scale = Quantization.per_tensor(0.5, 0)
    x, y = (Tensor(name, (1, _TRANSFER_BYTES), DType.I8, scale) for name in ("x", "y"))
    graph = Graph("transfer", {"x": x, "y": y}, (Node("relu", Relu(), ("x",), ("y",)),), ("x",), ("y",))
    (sample,) = random_inputs(graph, 1).samples
    with tempfile.TemporaryDirectory(prefix="smidgen-benchmark-") as folder:
        bundle = build(graph, target, folder)
        once = simulate(bundle, target, [sample])
        more = simulate(bundle, target, [sample] * 3)
    model_cycles = sum(run.cycles or 0 for run in more.runs) - sum(run.cycles or 0 for run in once.runs)
    return (more.cycles - once.cycles - model_cycles) / (2 * 2 * _TRANSFER_BYTES)


def simulate(bundle: Bundle, target: Target, samples: list[list[np.ndarray]]) -> Simulation:
    """Run the samples on the bundle's firmware, and count what the simulator took."""
    stats = bundle.folder / "stats.json"
    assert bundle.elf is not None
    with verilator.start(bundle.elf, target.runner.configuration, stats=stats) as simulator:
        with SerialDevice(simulator.port, retry_seconds=2.0) as device:
            runs = [device.run(sample) for sample in samples]
        cpu_seconds = _cpu_seconds(simulator.process.pid)
        # The end of its standard input ends the simulation, which then writes its figures.
        assert simulator.process.stdin is not None
        simulator.process.stdin.close()
        simulator.wait(_STOP_SECONDS)
    return Simulation(runs, json.loads(stats.read_text())["cycles"], cpu_seconds)


def synthesis(repository: Path, configuration: str) -> tuple[float, int] | None:
    """(median Fmax in MHz, TRELLIS_COMB) of the last `make -C hw synth`; None when it has not been run."""
    reports = sorted((repository / "build" / "hw" / f"synth-{configuration}").glob("report-*.json"))
    if not reports:
        return None
    contents = [json.loads(report.read_text()) for report in reports]
    speeds = [clock["achieved"] for content in contents for clock in content["fmax"].values()]
    return statistics.median(speeds), max(one["utilization"]["TRELLIS_COMB"]["used"] for one in contents)


def _cpu_seconds(process: int) -> float:
    """User and system time of a process so far (Linux, proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
