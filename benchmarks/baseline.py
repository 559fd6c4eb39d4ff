"""Figures of the plain core: the portable kernels, sizes, the link, the simulator."""

from __future__ import annotations

from pathlib import Path

from benchmarks import measure
from benchmarks.table import Figures, print_figures, quotient
from smidgen.importers import load_model

TARGET = "midge-rv32imc"
FLASH_TARGET = "midge-rv32imc-flash"


def measure_all(files: dict[str, Path], progress: measure.Progress) -> Figures:
    """Of the models in these files, by name."""
    ours: Figures = {}

    def put(quantity: str, column: str, value: float | None) -> None:
        ours.setdefault(quantity, {})[column] = value

    cycles, cpu_seconds = 0, 0.0
    for name, path in files.items():
        progress(f"{name}: {TARGET}, speed")
        speed = measure.build_and_run(path, TARGET, "speed")
        cycles += speed.simulation.cycles
        cpu_seconds += speed.simulation.cpu_seconds
        progress(f"{name}: {TARGET}, size")
        size = measure.build_and_run(path, TARGET, "size")
        progress(f"{name}: {FLASH_TARGET}, speed")
        flash = measure.build_and_run(path, FLASH_TARGET, "speed")
        put("instructions", name, speed.instructions)
        put("cycles", name, speed.cycles)
        put("cycles per instruction", name, quotient(speed.cycles, speed.instructions))
        put("cycles, from slow flash", name, flash.cycles)
        put("cycles per instruction, from slow flash", name, quotient(flash.cycles, flash.instructions))
        put("instructions, size over speed", name, quotient(size.instructions, speed.instructions))
        put("code bytes, speed", name, speed.figures.code_bytes)
        put("code bytes, size", name, size.figures.code_bytes)
        put("weights bytes", name, speed.figures.weights_bytes)
        put("weights bytes, limit", name, measure.weights_limit(load_model(path)))
        put("arena bytes", name, speed.arena_bytes)
        put("arena bytes, tensors", name, speed.arena_tensors_bytes)
        put("stack bytes", name, speed.figures.stack_bytes)
        agents = (ours.get("agent code bytes", {}).get("all"), speed.figures.agent_code_bytes)
        put("agent code bytes", "all", max((one for one in agents if one is not None), default=None))
    progress("link")
    put("link, cycles per payload byte", "all", measure.link_cycles_per_byte(TARGET))
    put("simulator, million cycles per CPU second", "all", cycles / cpu_seconds / 1e6)
    synthesized = measure.synthesis(TARGET)
    fmax = synthesized and synthesized.fmax_mhz
    put("Fmax, MHz", "all", fmax)
    put("TRELLIS_COMB", "all", synthesized and synthesized.trellis_comb)
    ratio = max((one for one in ours["cycles per instruction"].values() if one is not None), default=None)
    put("Fmax over the worst cycles per instruction, MHz", "all", quotient(fmax, ratio))
    return ours


def print_all(files: dict[str, Path], progress: measure.Progress) -> Figures:
    ours = measure_all(files, progress)
    print_figures(ours)
    return ours
