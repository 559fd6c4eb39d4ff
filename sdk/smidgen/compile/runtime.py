"""How firmware is put together: what `agent.toml` and a board's `board.toml` say, and the model's flags."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smidgen.compile.kernels import COMPILE_FLAGS
from smidgen.compile.kernels.npu import NPU
from smidgen.errors import BuildError, Problem
from smidgen.paths import data_folder
from smidgen.targets import Board, Target

WEIGHTS_SECTION = ".smidgen_weights"
MODEL_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections")
_STACK = re.compile(r"#\s*define\s+SMIDGEN_AGENT_STACK_BYTES\s+(\d+)")


@dataclass(frozen=True)
class Component:
    """C sources that are compiled in one way. model_sources: what a firmware without the agent needs too;
    update_sources: what one with a boot loader beside it needs more; engine_sources: what one needs more
    on a system with the neural engine; external: whether a board's linker script
    uses external memory."""

    sources: tuple[Path, ...]
    include: tuple[Path, ...]
    cflags: tuple[str, ...]
    ldflags: tuple[str, ...] = ()
    linker_script: Path | None = None
    model_sources: tuple[Path, ...] = ()
    update_sources: tuple[Path, ...] = ()
    engine_sources: tuple[Path, ...] = ()
    external: bool = False

    def files(self) -> list[Path]:
        """Everything that the result depends on."""
        headers = [path for folder in self.include for path in sorted(folder.glob("*.h"))]
        scripts = [self.linker_script] if self.linker_script else []
        sources = [*self.sources, *self.model_sources, *self.update_sources, *self.engine_sources]
        return [*sources, *headers, *scripts]


@cache
def runtime() -> Component:
    """The agent, from firmware/runtime/agent.toml."""
    return _component(data_folder("firmware") / "runtime" / "agent.toml")


def bootloader() -> Component:
    """The boot loader, from firmware/bootloader/bootloader.toml."""
    return _component(data_folder("firmware") / "bootloader" / "bootloader.toml")


def board(settings: Board) -> Component:
    """A board, from its folder's board.toml."""
    return _component(settings.folder / "board.toml")


def component_jobs(
    target: Target, program: Component, platform: Component, flags: list[str]
) -> list[tuple[Path, list[str], str]]:
    """What to compile for a program, the agent or the boot loader, on a board: source, flags, object."""
    sources, on_board = program.sources, platform.sources
    if target.bootloader is not None:
        flags = [*flags, "-DSMIDGEN_UPDATE"]
        sources, on_board = sources + program.update_sources, on_board + platform.update_sources
    if NPU in target.kernels:
        flags = [*flags, "-DSMIDGEN_NPU"]
        sources += program.engine_sources
    return [
        *((path, flags, f"agent_{path.stem}.o") for path in sources),
        *((path, [*flags, *platform.cflags], f"board_{path.stem}.o") for path in on_board),
    ]


def model_flags(target: Target, optimize: str) -> list[str]:
    """Compiler flags of model.c on this target; `optimize` is "speed" or "size"."""
    chosen = target.toolchain.speed if optimize == "speed" else target.toolchain.size
    return [*target.toolchain.flags, *MODEL_FLAGS, *COMPILE_FLAGS[optimize], *chosen]


def weights_section_flag(prefix: str) -> str:
    """The option that puts the weights of a model.c into a section of their own. prefix: of its names."""
    return f'-D{prefix.upper()}_WEIGHTS_SECTION=__attribute__((section("{WEIGHTS_SECTION}")))'


def agent_stack_bytes() -> int:
    """The stack that the agent itself needs, in bytes, beyond the model's."""
    header = data_folder("firmware") / "runtime" / "smidgen_agent.h"
    found = _STACK.search(header.read_text(encoding="utf-8"))
    if found is None:
        raise BuildError(Problem(str(header), "SMIDGEN_AGENT_STACK_BYTES is not defined as a number"))
    return int(found[1])


def _component(path: Path) -> Component:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BuildError(Problem(str(path), f"cannot read how to build this: {error}")) from error
    folder = path.parent
    missing = [name for name in values.get("sources", ()) if not (folder / name).is_file()]
    if missing:
        raise BuildError(
            Problem(str(path), f"'sources' names files that are not there: {', '.join(missing)}")
        )
    script = values.get("linker_script")
    return Component(
        sources=tuple(folder / name for name in values.get("sources", ())),
        include=tuple(folder / name for name in values.get("include", ())),
        cflags=tuple(values.get("cflags", ())),
        ldflags=tuple(values.get("ldflags", ())),
        linker_script=folder / script if script else None,
        model_sources=tuple(folder / name for name in values.get("model_sources", ())),
        update_sources=tuple(folder / name for name in values.get("update_sources", ())),
        engine_sources=tuple(folder / name for name in values.get("engine_sources", ())),
        external=bool(values.get("external", False)),
    )
