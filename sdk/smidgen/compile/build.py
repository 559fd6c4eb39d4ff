"""Build: from a graph to a bundle, with every size known before anything runs."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from smidgen.compile import Plan, lower_and_plan
from smidgen.compile.bundle import (
    BIN,
    BITSTREAM,
    ELF,
    GOLDEN,
    HEX,
    LIBRARY,
    UF2,
    Bundle,
    make_manifest,
    write_manifest,
)
from smidgen.compile.emit import emit, identifier
from smidgen.compile.emit.weights import is_weight
from smidgen.compile.figures import Figures, Golden
from smidgen.compile.firmware import Needs, TooBig, build_firmware
from smidgen.compile.host_library import build_library
from smidgen.compile.measure import measure_model
from smidgen.compile.runtime import model_flags
from smidgen.compile.schedule import Schedule
from smidgen.compile.sources import kernel_headers, write_files
from smidgen.compile.uf2 import uf2
from smidgen.errors import Problem, UsageError
from smidgen.golden import checksum, golden_inputs
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.targets import Target
from smidgen.toolchains import Compiler, find_compiler

GOLDEN_SEEDS = (1,)

Progress = Callable[[str], None]


def silent(stage: str) -> None:
    pass


def build(
    graph: Graph,
    target: Target,
    directory: str | Path,
    optimize: str = "speed",
    progress: Progress = silent,
    golden_seeds: tuple[int, ...] = GOLDEN_SEEDS,
    arena: str = "fast",
    source: Path | None = None,
    joins: bool = True,
) -> Bundle:
    """Build a model for a target into a folder; files of an earlier build there are replaced.

    Where the target has an FPGA, this is the program; `smidgen.fpga.bitstream` makes the bitstream of it.

    progress is told the name of each stage as it starts. golden_seeds: known answers for the self-test,
    each costs a checksum per tensor of flash and one run of the reference. arena, joins: see
    `lower_and_plan`; where the fastest plan does not fit the RAM, one that does takes its place, if there is
    one. source: the model's file, which the bundle then keeps.
    Raises ModelError (operators that no kernel computes), BuildError (too big, a tool is missing or failed)
    and UsageError (the folder cannot be written).
    """
    folder = Path(directory)
    compiler = find_compiler(target.toolchain.compiler)
    progress("planning")
    plan, passes = lower_and_plan(graph, target, optimize, arena, joins=joins)
    planned, limit = arena, None
    while True:
        try:
            return _build(
                plan, passes, target, folder, compiler, optimize, progress, golden_seeds,
                {"arena": planned, "limit": limit}, source,
            )  # fmt: skip
        except TooBig as error:
            size = plan.schedule.arena_bytes
            if arena == "small" or set(error.overflows) != {"ram"} or size > (limit or size):
                raise
            limit = size - error.overflows["ram"]
        progress("planning a smaller arena")
        planned = "small"
        plan, passes = lower_and_plan(graph, target, optimize, planned, limit)


def _build(
    plan: Plan,
    passes: Mapping[str, int],
    target: Target,
    folder: Path,
    compiler: Compiler,
    optimize: str,
    progress: Progress,
    golden_seeds: tuple[int, ...],
    planned: Mapping[str, str | int | None],
    source: Path | None,
) -> Bundle:
    """Build what has been planned; planned: how."""
    schedule = plan.schedule
    progress("computing known answers")
    golden, arrays = make_golden(plan.graph, schedule, golden_seeds)
    _prepare(folder)

    figures = Figures(weights_bytes=weights_bytes(schedule))
    descriptor_bytes = None
    kernels = kernel_headers(schedule)
    sources = {**emit(schedule, figures, target.name, optimize, golden), **kernels}
    if target.is_host:
        progress("compiling the library")
        write_files(folder, sources)
        build_library(sources, target, compiler, optimize, folder / LIBRARY)
    else:
        progress("measuring code and stack")
        alone = measure_model(_without_agent(sources), identifier(schedule.name), target, compiler, optimize)
        figures = replace(figures, code_bytes=alone["code_bytes"], stack_bytes=alone["stack_bytes"])
        sources = {**emit(schedule, figures, target.name, optimize, golden), **kernels}
        write_files(folder, sources)
        progress("building the firmware")
        needs = Needs(
            arena_bytes=schedule.arena_bytes,
            stack_bytes=max(alone["stack_bytes"], alone["stack_hooked_bytes"]),
            weights_bytes=figures.weights_bytes,
            code_bytes=alone["code_bytes"],
        )
        prefix = identifier(schedule.name)
        image = build_firmware(sources, prefix, needs, target, compiler, optimize, folder)
        descriptor_bytes = image.descriptor_bytes
        figures = replace(
            figures,
            flash_bytes=image.flash_bytes,
            ram_bytes=image.ram_bytes,
            agent_code_bytes=image.flash_bytes - image.model_bytes - image.descriptor_bytes,
        )
        if target.flasher is not None and target.flasher.method == "uf2":
            write_files(folder, {UF2: _uf2(folder, target)})
    write_files(folder, {GOLDEN: _npz(arrays)})
    toolchain = {
        "compiler": target.toolchain.compiler,
        "version": compiler.version,
        "flags": model_flags(target, optimize),
    }
    manifest = make_manifest(plan, figures, target, optimize, toolchain, golden, passes)
    manifest["descriptor_bytes"] = descriptor_bytes
    manifest["planned"] = dict(planned)
    if source is not None:
        manifest["source"] = _keep(source, folder)
    return replace(write_manifest(folder, manifest), plan=plan)


def weights_bytes(schedule: Schedule) -> int:
    """Bytes of weights, biases, requantization parameters and constant operands, as stored."""
    return sum(blob.bytes for blob in schedule.blobs.values() if is_weight(blob))


def make_golden(
    lowered: Graph, schedule: Schedule, seeds: tuple[int, ...]
) -> tuple[tuple[Golden, ...], dict[str, np.ndarray]]:
    """Known answers of the reference, one run after a reset for each seed.

    Gives the checksums of every tensor that a layer writes, in order, and arrays `seeds`, `input_0`, ...,
    `output_0`, ... with one entry for each seed along the first axis.
    """
    reference = Reference(lowered)
    ports = [(port.shape, port.dtype) for port in schedule.inputs]
    written = [name for call in schedule.calls for name in call.writes]
    golden: list[Golden] = []
    columns: dict[str, list[np.ndarray]] = {}
    for seed in seeds:
        inputs = golden_inputs(ports, seed)
        result = reference.run(inputs, keep="all")
        golden.append(Golden(seed, tuple(checksum(result.tensors[name]) for name in written)))
        for kind, values in (("input", inputs), ("output", result.outputs)):
            for index, value in enumerate(values):
                columns.setdefault(f"{kind}_{index}", []).append(value)
    arrays = {name: np.stack(column) for name, column in columns.items()}
    return tuple(golden), {"seeds": np.array(seeds, np.uint32), **arrays}


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _uf2(folder: Path, target: Target) -> bytes:
    """The image for the board's drive."""
    flash = target.memory_of_kind("flash")
    assert flash is not None and target.flasher is not None
    return uf2((folder / BIN).read_bytes(), flash.origin, int(str(target.flasher.options["family"])))


def _keep(source: Path, folder: Path) -> str:
    """The model's file in the bundle, by name."""
    kept = folder / f"model{source.suffix}"
    if not (kept.exists() and kept.samefile(source)):
        shutil.copyfile(source, kept)
    return kept.name


def _without_agent(sources: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in sources.items() if name != "model_agent.c"}


def _prepare(folder: Path) -> None:
    """Make the folder, and remove the results of an earlier build, so that none outlives a failure."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("manifest.json", ELF, BIN, HEX, UF2, BITSTREAM, LIBRARY):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        problem = Problem(
            str(folder), f"cannot write the bundle here: {error.strerror}", "choose another folder"
        )
        raise UsageError(problem) from None
