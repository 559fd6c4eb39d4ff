"""Scenes through the network on a system with the neural engine: one after the other, and pipelined.

pipeline.c is the program: it links with the model of a bundle in place of Smidgen's agent.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from preparation import SHIFT, IntegerPreparation

from smidgen.compile.firmware import STACK_ALIGNMENT
from smidgen.compile.memory_map import memory_script, region
from smidgen.compile.runtime import board, model_flags, runtime
from smidgen.device.simulators import verilator
from smidgen.errors import DeviceError, Problem
from smidgen.golden import checksum
from smidgen.paths import data_folder
from smidgen.targets import Target
from smidgen.toolchains import compile_object, find_compiler, run_tool

SOURCE = Path(__file__).with_name("pipeline.c")
STACK_BYTES = 4096
MOST_CYCLES = 200_000_000
Cycles = tuple[int, ...]


@dataclass(frozen=True)
class Pipeline:
    """What the program measured, in cycles.

    serial: of each scene, when its preparation, network and answer began, and when the last ended. pipelined:
    of each frame, when its network began and ended, when the core had answered the frame before, and when it
    had prepared the next. same: whether every byte of every output and answer was the reference's.
    """

    serial: list[Cycles]
    pipelined: list[Cycles]
    same: bool

    @property
    def parts(self) -> tuple[float, float, float]:
        """Cycles of preparation, network and answer, one after the other."""
        preparation, network, answer = np.diff(self.serial, axis=1).mean(axis=0)
        return float(preparation), float(network), float(answer)

    @property
    def one_after_the_other(self) -> float:
        """Cycles from a scene to the next."""
        return sum(self.parts)

    @property
    def overlapped(self) -> float:
        """The same where networks have a scene to answer and one to prepare beside them."""
        starts = [frame[0] for frame in self.pipelined]
        return fmean(np.diff(starts)[1:])

    @property
    def gain(self) -> float:
        return self.one_after_the_other / self.overlapped


def run_pipeline(
    bundle: Path,
    target: Target,
    arena_bytes: int,
    prepare: IntegerPreparation,
    counts: np.ndarray,
    outputs: Sequence[np.ndarray],
    classes: int,
    frames: int,
) -> Pipeline:
    """Build the program around the model in a bundle and run it.

    counts: uint16 (scene, row, column, band); outputs: the reference's; frames: that go through the pipeline,
    at least 3.
    """
    with tempfile.TemporaryDirectory(prefix="smidgen-") as folder:
        _write_scenes(Path(folder), prepare, counts, outputs[0].shape[-1], classes, frames)
        image = _build(Path(folder), bundle, target, arena_bytes)
        lines = _run(image, target.runner.configuration)
    rows = {name: [] for name in ("serial", "pipelined", "output", "classes", "trap")}
    for name, *values in lines:
        rows[name].append(values)
    if rows["trap"]:
        raise DeviceError(Problem("pipeline", f"the program trapped: {rows['trap'][0]}"))
    crcs = [checksum(output) for output in outputs]
    best = ["".join(map(str, output[..., :classes].argmax(axis=-1).reshape(-1))) for output in outputs]
    # Every scene once, then as many frames as there are arenas.
    same = len(rows["output"]) == len(outputs) + 2
    same &= all(crcs[int(scene)] == int(crc) for scene, crc in rows["output"])
    same &= [row[0] for row in rows["classes"]] == best * 2
    serial, pipelined = ([tuple(map(int, row)) for row in rows[name]] for name in ("serial", "pipelined"))
    return Pipeline(serial, pipelined, same)


def _write_scenes(
    folder: Path, prepare: IntegerPreparation, counts: np.ndarray, outputs: int, classes: int, frames: int
) -> None:
    """scenes.h, and the scenes as an assembler source."""
    scenes, height, width, bands = counts.shape
    sizes = {
        "SCENES": scenes, "FRAMES": frames, "HEIGHT": height, "WIDTH": width, "BANDS": bands,
        "OUTPUTS": outputs, "CLASSES": classes, "SHIFT": SHIFT,
    }  # fmt: skip
    header = ["#include <stdint.h>", "enum {", *(f"    {name} = {value}," for name, value in sizes.items())]
    header += ["};", "extern const uint16_t scenes[SCENES][HEIGHT * WIDTH * BANDS];"]
    for kind, name, values in (
        ("uint64_t", "factors", prepare.factors),
        ("int32_t", "offsets", prepare.offsets),
    ):
        listed = ", ".join(str(int(value)) for value in values)
        header.append(f"static const {kind} {name}[BANDS] = {{{listed}}};")
    (folder / "scenes.h").write_text("\n".join([*header, ""]))
    counts.astype("<u2").tofile(folder / "scenes.bin")
    lines = [
        ".section .rodata",
        ".balign 4",
        ".globl scenes",
        f'scenes: .incbin "{folder / "scenes.bin"}"',
        "",
    ]
    (folder / "scenes.S").write_text("\n".join(lines))


def _build(folder: Path, bundle: Path, target: Target, arena_bytes: int) -> Path:
    """The program's image. Its two arenas are the linker script's one."""
    assert target.board is not None
    compiler = find_compiler(target.toolchain.compiler)
    agent, platform = runtime(), board(target.board)
    boards = data_folder("firmware") / "boards"
    include = [folder, bundle, boards, *platform.include, *agent.include]
    own = [*target.toolchain.flags, *agent.cflags]
    codec = [path for path in agent.sources if path.stem in ("codec", "mem")]
    jobs = [(bundle / "model.c", model_flags(target, "speed")), (SOURCE, [*own, "-O3"])]
    jobs += [(path, own) for path in (folder / "scenes.S", *codec, *platform.sources)]
    objects = [
        compile_object(compiler, path, folder / f"{path.stem}.o", options, include) for path, options in jobs
    ]
    (folder / "memory.ld").write_text(memory_script(region(target, "flash"), region(target, "ram")))
    image = folder / "pipeline.elf"
    stack = STACK_BYTES // STACK_ALIGNMENT * STACK_ALIGNMENT
    options = [*platform.ldflags, f"-L{folder}", f"-Wl,-T,{platform.linker_script}"]
    options += [f"-Wl,--defsym=__arena_bytes={2 * arena_bytes}", f"-Wl,--defsym=__stack_bytes={stack}"]
    arguments = [*target.toolchain.flags, *options, *map(str, objects), "-lgcc", "-o", str(image)]
    run_tool(compiler.path, arguments, "linking the pipeline")
    return image


def _run(image: Path, configuration: str) -> list[list[str]]:
    """The lines that the program prints, in words."""
    command = [verilator.build(configuration), "--image", image, "--max-cycles", str(MOST_CYCLES)]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = [line.split() for line in answer.stdout.splitlines() if line]
    if answer.returncode and not any(line[0] == "trap" for line in lines):
        problem = Problem("pipeline", f"the simulator ended with code {answer.returncode}", answer.stderr)
        raise DeviceError(problem)
    return lines
