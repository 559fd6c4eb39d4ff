"""The agent with a bundle's model as a program that serves its standard input and output."""

from __future__ import annotations

from pathlib import Path

from smidgen.compile.bundle import Bundle
from smidgen.compile.runtime import model_flags, runtime
from smidgen.paths import data_folder
from smidgen.targets import Target
from smidgen.toolchains import find_compiler, run_tool

_C_LIBRARY = "mem.c"  # what is in it this machine has already


def build_host_agent(
    bundle: Bundle, target: Target, program: Path, optimize: str = "speed", flags: tuple[str, ...] = ()
) -> None:
    """bundle: built for the target `host`; flags: further ones of the compiler. Raises BuildError."""
    boards = data_folder("firmware") / "boards"
    agent = runtime()
    sources = [bundle.folder / "model.c", bundle.folder / "model_agent.c", boards / "host" / "board.c"]
    sources += [path for path in agent.sources if path.name != _C_LIBRARY]
    include = [bundle.folder, boards / "host", boards, *agent.include]
    options = [*model_flags(target, optimize), "-DSMIDGEN_HOOKS", *flags, *(f"-I{path}" for path in include)]
    compiler = find_compiler(target.toolchain.compiler)
    arguments = [*options, *map(str, sources), "-o", str(program)]
    run_tool(compiler.path, arguments, "compiling the agent")
