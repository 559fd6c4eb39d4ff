"""Our own figures, measured."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from smidgen.compile.build import build
from smidgen.compile.bundle import Bundle
from smidgen.compile.figures import Figures
from smidgen.device import Run
from smidgen.device.serial_device import SerialDevice
from smidgen.device.simulators import verilator
from smidgen.errors import DeviceError, Problem
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Relu
from smidgen.importers import load_model
from smidgen.run.inputs import Inputs, random_inputs
from smidgen.run.profiling import profile
from smidgen.run.result import Result
from smidgen.run.session import open_session
from smidgen.run.validate import validate
from smidgen.targets import Target, load_target

REPOSITORY = Path(__file__).resolve().parents[1]
_TRANSFER_BYTES = 20_000
_STOP_SECONDS = 30.0


# Told what is being measured.
Progress = Callable[[str], None]


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


@dataclass(frozen=True)
class Synthesis:
    """Of one configuration on an ECP5, after routing: the median Fmax over the seeds, and what is used."""

    fmax_mhz: float
    trellis_comb: int
    multipliers: int
    block_rams: int


def run_checked(
    model: Path | Graph,
    target_name: str,
    count: int,
    against: str = "reference",
    optimize: str = "speed",
    arena: str = "fast",
    layers: bool = True,
) -> Result:
    """Run random inputs on a target, every output compared with an oracle, and the self-test, which compares
    every layer with the reference; with `layers`, profile the first input. Counts are the mean over inputs,
    the layers' those of the profile.

    Raises DeviceError when a byte differs, BuildError when the model does not fit.
    """
    with open_session(model, target_name, optimize, arena=arena) as session:
        inputs = random_inputs(session.graph, count)
        validation = validate(session, inputs, against)
        selftest = session.device.selftest()
        if not validation.passed or not selftest.passed:
            difference = validation.first_difference or f"layer '{selftest.layer}' in the self-test"
            raise DeviceError(Problem(session.graph.name, f"differs from {against}: {difference}"))
        if not layers:
            return validation.result
        profiled = profile(session, Inputs(inputs.samples[:1], None, inputs.source)).result
    return replace(validation.result, layers=profiled.layers)


def build_and_run(model: Path, target_name: str, optimize: str) -> Built:
    """Build for a simulated target and run one random input."""
    target, graph = load_target(target_name), load_model(model)
    with tempfile.TemporaryDirectory(prefix="smidgen-benchmark-") as folder:
        bundle = build(graph, target, folder, optimize)
        simulation = simulate(bundle, target, random_inputs(graph, 1).samples)
    arena = bundle.manifest["arena"]
    return Built(bundle.figures, arena["bytes"], arena["tensors_bytes"], simulation)


def weights_limit(graph: Graph) -> int:
    """The most that weights_bytes may be: 1.05 times the weights at their bits and 9 bytes a channel."""
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


def synthesis(configuration: str) -> Synthesis | None:
    """What the last `make -C hw synth` of a configuration gave; None when it has not been run."""
    reports = sorted((REPOSITORY / "build" / "hw" / f"synth-{configuration}").glob("report-*.json"))
    if not reports:
        return None
    contents = [json.loads(report.read_text()) for report in reports]
    speeds = [clock["achieved"] for content in contents for clock in content["fmax"].values()]

    def used(resource: str) -> int:
        return max(one["utilization"][resource]["used"] for one in contents)

    return Synthesis(statistics.median(speeds), used("TRELLIS_COMB"), used("MULT18X18D"), used("DP16KD"))


def _cpu_seconds(process: int) -> float:
    """User and system time of a process so far (Linux, proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
