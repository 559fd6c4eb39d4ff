"""Figures of a model alone, from linking it without agent, board and hooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from smidgen.compile import disassembly, stack
from smidgen.compile.cache import cached, content_key
from smidgen.compile.disassembly import linked_functions
from smidgen.compile.runtime import WEIGHTS_SECTION, model_flags, runtime, weights_section_flag
from smidgen.compile.sources import write_files
from smidgen.compile.stack import (
    CALLGRAPH_FLAGS,
    INDIRECT,
    Function,
    read_callgraph,
    stack_bound,
)
from smidgen.errors import BuildError, Problem
from smidgen.targets import Target
from smidgen.toolchains import Compiler, compile_object, run_tool

STATIC_DATA_LIMIT = 256  # bytes of writable static data; the arena is the caller's


def measure_model(
    files: Mapping[str, str], prefix: str, target: Target, compiler: Compiler, optimize: str
) -> dict[str, int]:
    """`code_bytes`, `stack_bytes` of NAME_run and `stack_hooked_bytes` of NAME_run_hooked without the hook.

    files: the generated sources and kernel headers, by path. Raises BuildError when the stack has no bound.
    """
    flags = model_flags(target, optimize)
    agent = runtime()
    parts: list[str | bytes] = [compiler.version, json.dumps([flags, agent.cflags, prefix])]
    parts += [f"{name}\n{text}" for name, text in sorted(files.items())]
    # How things are measured is part of what comes out.
    parts += [path.read_bytes() for path in (*agent.model_sources, Path(__file__))]
    parts += [Path(module.__file__).read_bytes() for module in (stack, disassembly)]

    def make(folder: Path) -> None:
        figures = _measure(folder / "work", files, prefix, target, compiler, flags)
        (folder / "figures.json").write_text(json.dumps(figures))

    folder = cached("figures", content_key(parts), make)
    return json.loads((folder / "figures.json").read_text())


def _measure(
    work: Path,
    files: Mapping[str, str],
    prefix: str,
    target: Target,
    compiler: Compiler,
    flags: list[str],
) -> dict[str, int]:
    write_files(work, files)
    agent = runtime()
    section = weights_section_flag(prefix)
    plain = compile_object(
        compiler, work / "model.c", work / "plain.o", [*flags, section, *CALLGRAPH_FLAGS], [work]
    )
    compile_object(
        compiler, work / "model.c", work / "hooked.o", [*flags, "-DSMIDGEN_HOOKS", *CALLGRAPH_FLAGS], [work]
    )
    support = [
        compile_object(
            compiler,
            source,
            work / f"support_{source.stem}.o",
            [*target.toolchain.flags, *agent.cflags, *CALLGRAPH_FLAGS],
            agent.include,
        )
        for source in agent.model_sources
    ]
    elf = work / "alone.elf"
    link = ["-nostdlib", "-static", "-Wl,--gc-sections", f"-Wl,-e,{prefix}_run", f"-Wl,-u,{prefix}_reset"]
    objects = [str(path) for path in (plain, *support)]
    run_tool(
        compiler.path,
        [*target.toolchain.flags, *link, *objects, "-lgcc", "-o", str(elf)],
        "linking the model",
    )
    linked = linked_functions(elf, compiler)
    graphs = [path.with_suffix(".ci") for path in support]
    compiled = read_callgraph([work / "plain.ci", *graphs])
    hooked = read_callgraph([work / "hooked.ci", *graphs])
    # Whoever passes a hook pays for its stack.
    hooked[INDIRECT] = Function(0)
    code, static = _section_bytes(elf)
    if static > STATIC_DATA_LIMIT:
        raise BuildError(
            Problem(
                "model.c", f"the kernels keep {static} bytes of static data, more than {STATIC_DATA_LIMIT}"
            )
        )
    return {
        "code_bytes": code,
        "stack_bytes": stack_bound(f"{prefix}_run", compiled, linked),
        "stack_hooked_bytes": stack_bound(f"{prefix}_run_hooked", hooked, linked),
    }


def _section_bytes(elf: Path) -> tuple[int, int]:
    """Bytes of code and read-only data without weights, and of writable static data."""
    code = static = 0
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC or section.name.startswith(WEIGHTS_SECTION):
                continue
            if section["sh_flags"] & SH_FLAGS.SHF_WRITE:
                static += section["sh_size"]
            else:
                code += section["sh_size"]
    return code, static
