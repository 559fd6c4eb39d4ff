"""The toy model of firmware/toy_model.c in NumPy, and firmware images that serve it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from smidgen.compile.board_header import BOARD_HEADER, board_header
from smidgen.compile.memory_map import memory_script, region
from smidgen.compile.runtime import board, runtime
from smidgen.golden import checksum, golden_inputs
from smidgen.graph import DType
from smidgen.paths import data_folder
from smidgen.targets import load_target

SEED = 20261122
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


class ToyModel:
    """What the firmware must answer. `size`: elements of the input a."""

    def __init__(self, size: int = 1000) -> None:
        self.size = size
        self.ports = [((1, size), DType.I8), ((8,), DType.I8)]
        self.reset()

    def reset(self) -> None:
        self.state = np.arange(self.size).astype(np.int8)

    def tensors(self, a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        """Every tensor that one run materializes: sum, state, hi, lo."""
        total = a.reshape(-1) + np.resize(b, self.size)
        self.state = self.state + total
        return [total, self.state, self.state >> 4, self.state ^ a.reshape(-1)]

    def run(self, a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        return [output.reshape(1, self.size) for output in self.tensors(a, b)[2:]]

    def golden_header(self) -> str:
        sums = [checksum(tensor) for tensor in ToyModel(self.size).tensors(*golden_inputs(self.ports, SEED))]
        wrong = [*sums[:2], sums[2] ^ 1, sums[3]]
        lines = [f"#define TOY_SEED {SEED}u"]
        for name, values in (("checksums", sums), ("wrong_checksums", wrong)):
            lines.append(f"static const uint32_t {name}[] = {{{', '.join(f'{v:#010x}u' for v in values)}}};")
        return "\n".join(lines) + "\n"


def build_host(folder: Path, *, size: int = 1000, flags: tuple[str, ...] = SANITIZERS) -> Path:
    """The agent with the toy model as a program that serves its standard input and output."""
    host = data_folder("firmware") / "boards" / "host"
    sources = [*(path for path in runtime().sources if path.name != "mem.c"), host / "board.c"]
    program = folder / "agent"
    options = ["-std=c99", "-O1", "-g", "-Wall", "-Wextra", "-Werror", *flags]
    _compile("gcc", folder, size, host, sources, options, program)
    return program


def build_midge(folder: Path, *, size: int = 1000, flags: tuple[str, ...] = ()) -> Path:
    """The same for Midge, as an ELF file."""
    return build_board(folder, "midge-rv32imc", size=size, flags=flags)


def build_board(folder: Path, target_name: str, *, size: int = 1000, flags: tuple[str, ...] = ()) -> Path:
    """The same for the board of a target."""
    target = load_target(target_name)
    agent, settings = runtime(), board(target.board)
    (folder / BOARD_HEADER).write_text(board_header(target))
    (folder / "memory.ld").write_text(memory_script(region(target, "flash"), region(target, "ram")))
    options = [*target.toolchain.flags, *agent.cflags, *settings.cflags, *settings.ldflags]
    options += ["-T", str(settings.linker_script), f"-L{folder}", *flags]
    options += [f"-Wl,--defsym=__arena_bytes={4 * size + 8}", "-Wl,--defsym=__stack_bytes=2048"]
    program = folder / "agent.elf"
    sources = [*agent.sources, *settings.sources]
    compiler = target.toolchain.compiler
    _compile(compiler, folder, size, target.board.folder, sources, options, program, ("-lgcc",))
    return program


def _compile(
    compiler: str,
    folder: Path,
    size: int,
    board_folder: Path,
    sources: list[Path],
    options: list[str],
    program: Path,
    libraries: tuple[str, ...] = (),
) -> None:
    (folder / "toy_golden.h").write_text(ToyModel(size).golden_header())
    includes = [
        f"-I{folder}",
        f"-I{board_folder}",
        f"-I{board_folder.parent}",
        f"-I{data_folder('firmware') / 'runtime'}",
    ]
    toy = Path(__file__).parent / "firmware" / "toy_model.c"
    command = [compiler, *options, f"-DTOY_BYTES={size}", *includes, str(toy), *map(str, sources)]
    command += ["-o", str(program), *libraries]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stderr}"
