"""The firmware image: the model, the agent and the board, compiled and linked."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from smidgen.compile import disassembly, memory_map, slots, stack
from smidgen.compile.board_header import BOARD_HEADER, board_header
from smidgen.compile.bundle import BIN, ELF, HEX
from smidgen.compile.cache import cached, content_key
from smidgen.compile.disassembly import linked_functions
from smidgen.compile.memory_map import LAYOUT_HEADER, code_regions, layout_header, memory_script, region
from smidgen.compile.runtime import (
    Component,
    agent_stack_bytes,
    board,
    component_jobs,
    model_flags,
    runtime,
    weights_section_flag,
)
from smidgen.compile.sources import write_files
from smidgen.compile.stack import CALLGRAPH_FLAGS, image_stack_bound, read_callgraph
from smidgen.errors import BuildError, Problem, ProblemList
from smidgen.paths import data_folder
from smidgen.targets import Memory, Target
from smidgen.targets.types import EXTERNAL
from smidgen.toolchains import Compiler, ToolFailed, compile_object, defined_macros, run_tool

STACK_ALIGNMENT = 16
MAP = "firmware.map"
MODEL_OBJECT, DESCRIPTOR_OBJECT = "model.o", "model_agent.o"
# What the compiler defines where a kernel set has its instructions.
KERNEL_MACROS = {"dsp": "__ARM_FEATURE_DSP", "mve": "__ARM_FEATURE_MVE"}
AGENT_ENTRY = "smidgen_agent_main"
# How things are put together is part of what comes out.
_MODULES = [Path(str(module)) for module in (__file__, stack.__file__, disassembly.__file__)]
_MODULES += [Path(str(module)) for module in (memory_map.__file__, slots.__file__)]
_MAP_ENTRY = re.compile(r"\s0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$", re.MULTILINE)
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes?")


@dataclass(frozen=True)
class Image:
    """Bytes that the whole image takes of flash and of RAM, and the stack that it reserves.

    model_bytes and descriptor_bytes: what model.c, hooks compiled in, and model_agent.c take of the flash.
    """

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    model_bytes: int
    descriptor_bytes: int


@dataclass(frozen=True)
class Needs:
    """What a model needs of a target, in bytes; stack_bytes: the bound with hooks."""

    arena_bytes: int
    stack_bytes: int
    weights_bytes: int
    code_bytes: int


class TooBig(BuildError):
    """The image does not fit; overflows: bytes too many for each region, "flash" or "ram"."""

    def __init__(self, problems: Sequence[Problem], overflows: Mapping[str, int]) -> None:
        super().__init__(problems)
        self.overflows = dict(overflows)


def build_firmware(
    files: Mapping[str, str],
    prefix: str,
    needs: Needs,
    target: Target,
    compiler: Compiler,
    optimize: str,
    output: Path,
) -> Image:
    """Write firmware.elf, .bin and .hex to `output`.

    files: generated sources and kernels, by path; prefix: of the names in them.
    Raises TooBig: what is too big, in which region and by how many bytes; BuildError: what the tools said.
    """
    assert target.board is not None
    _check_instructions(target, compiler)
    agent, platform = runtime(), board(target.board)
    flags = [*model_flags(target, optimize), *CALLGRAPH_FLAGS]
    if target.memory_of_kind(EXTERNAL) is not None:
        _check_places_external(target, platform)
        flags.append(weights_section_flag(prefix))
    settings = [flags, asdict(needs), _stack_reserve(needs), platform.ldflags]
    settings += [[asdict(memory) for memory in target.memories], layout_header(target)]
    agent_key, make_agent = _agent(agent, platform, target, compiler)
    parts: list[str | bytes] = [agent_key, json.dumps(settings)]
    parts += [f"{name}\n{text}" for name, text in sorted(files.items())]
    parts += _contents([*platform.files(), *_MODULES])

    def make(folder: Path) -> None:
        work = folder / "work"
        write_files(work, files)
        objects = _compile_model(work, agent, target, compiler, flags)
        objects += sorted(cached("agent", agent_key, make_agent).glob("*.o"))
        # The last one is of the first slot, and what the map and the sizes are of.
        for number, flash in reversed(list(enumerate(code_regions(target)))):
            elf = folder / (ELF if number == 0 else slots.SECOND_ELF)
            _link(work, objects, platform, needs, target, compiler, flash, elf)
            _check_stack(objects, elf, needs, target, compiler)
        objcopy = compiler.tool("objcopy")
        run_tool(objcopy, ["-O", "binary", str(elf), str(folder / BIN)], "writing the binary image")
        run_tool(objcopy, ["-O", "ihex", str(elf), str(folder / HEX)], "writing the hexadecimal image")
        if target.bootloader is not None:
            slots.write_images([elf, folder / slots.SECOND_ELF], target, compiler, folder)
        (folder / "image.json").write_text(json.dumps(asdict(_image(elf, work / MAP, target))))
        shutil.rmtree(work)

    folder = cached("firmware", content_key(parts), make)
    for name in (ELF, BIN, HEX, *(slots.FILES if target.bootloader else ())):
        shutil.copyfile(folder / name, output / name)
    return Image(**json.loads((folder / "image.json").read_text()))


def _check_instructions(target: Target, compiler: Compiler) -> None:
    """The kernel sets' instructions are there with the target's flags: without them the kernels would be
    right and slow, because elsewhere they are emulated."""
    if not any(name in KERNEL_MACROS for name in target.kernels):
        return
    macros = defined_macros(compiler, target.toolchain.flags)
    problems = ProblemList()
    for name in target.kernels:
        macro = KERNEL_MACROS.get(name)
        if macro is not None and macro not in macros:
            what = f"with 'toolchain.flags' there are no instructions for the kernel set '{name}' ({macro})"
            problems.add(str(target.path), what, f"name the core there (-mcpu=...), or leave '{name}' out")
    problems.stop_if_any(BuildError)


def _check_places_external(target: Target, platform: Component) -> None:
    """The board's linker script puts weights and arena there."""
    if not platform.external:
        what = "has external memory, which this board's linker script does not use"
        fix = "leave it out; where the script does, board.toml says external = true"
        raise BuildError(Problem(str(target.path), what, fix))


def _boards() -> Path:
    return data_folder("firmware") / "boards"


def _contents(paths: Iterable[Path]) -> list[bytes]:
    return [path.name.encode() + b"\n" + path.read_bytes() for path in paths]


def _agent(
    agent: Component, platform: Component, target: Target, compiler: Compiler
) -> tuple[str, Callable[[Path], None]]:
    """The key of the agent's and the board's object files in the cache, and how they are made.

    They are the same for every model.
    """
    flags = [*target.toolchain.flags, *agent.cflags, *CALLGRAPH_FLAGS]
    jobs = component_jobs(target, agent, platform, flags)
    headers = sorted([*_boards().glob("*.h"), *(_boards() / "uart").glob("*.h")])
    generated = {BOARD_HEADER: board_header(target), LAYOUT_HEADER: layout_header(target)}
    settings = json.dumps([[options for _, options, _ in jobs], generated])
    key = content_key(
        [compiler.version, settings, *_contents([*agent.files(), *platform.files(), *headers, *_MODULES])]
    )

    def make(folder: Path) -> None:
        write_files(folder, generated)
        include = [folder, _boards(), *platform.include, *agent.include]
        for path, options, name in jobs:
            compile_object(compiler, path, folder / name, options, include)

    return key, make


def _compile_model(
    work: Path, agent: Component, target: Target, compiler: Compiler, flags: list[str]
) -> list[Path]:
    """The object files of the model and its descriptor."""
    common = [*target.toolchain.flags, *agent.cflags, *CALLGRAPH_FLAGS]
    jobs = [("model.c", flags, MODEL_OBJECT, [work])]
    jobs += [("model_agent.c", common, DESCRIPTOR_OBJECT, [work, *agent.include])]
    return [
        compile_object(compiler, work / source, work / name, [*options, "-DSMIDGEN_HOOKS"], include)
        for source, options, name, include in jobs
    ]


def _link(
    work: Path,
    objects: list[Path],
    platform: Component,
    needs: Needs,
    target: Target,
    compiler: Compiler,
    flash: Memory,
    elf: Path,
) -> Path:
    script = memory_script(flash, region(target, "ram"), target.memory_of_kind(EXTERNAL))
    (work / "memory.ld").write_text(script, encoding="utf-8")
    reserve = _stack_reserve(needs)
    options = [
        *platform.ldflags,
        f"-L{work}",
        f"-Wl,-Map,{work / MAP}",
        f"-Wl,--defsym=__arena_bytes={needs.arena_bytes}",
        f"-Wl,--defsym=__stack_bytes={reserve}",
    ]
    if platform.linker_script is not None:
        options.append(f"-Wl,-T,{platform.linker_script}")
    arguments = [*target.toolchain.flags, *options, *map(str, objects), "-lgcc", "-o", str(elf)]
    try:
        run_tool(compiler.path, arguments, "linking the firmware")
    except ToolFailed as error:
        overflows = {kind: int(count) for kind, count in _OVERFLOW.findall(error.messages)}
        if not overflows:
            raise
        raise too_big(overflows, needs, reserve, target) from None
    return elf


def _stack_reserve(needs: Needs) -> int:
    """Bytes of stack that the image reserves: the model's bound and what the agent says it needs."""
    return -(-(needs.stack_bytes + agent_stack_bytes()) // STACK_ALIGNMENT) * STACK_ALIGNMENT


def _check_stack(objects: list[Path], elf: Path, needs: Needs, target: Target, compiler: Compiler) -> None:
    """BuildError when agent, model and hooks together can need more stack than the image reserves."""
    graphs = [path.with_suffix(".ci") for path in objects if path.with_suffix(".ci").exists()]
    model = read_callgraph([path for path in graphs if path.stem == Path(MODEL_OBJECT).stem])
    agent = read_callgraph([path for path in graphs if path.stem != Path(MODEL_OBJECT).stem])
    if target.bootloader is not None:
        agent.update(slots.services(target, compiler))
        agent[slots.CALLER].calls.add(slots.SERVICE)
    bound = image_stack_bound(AGENT_ENTRY, model, agent, linked_functions(elf, compiler))
    if bound > _stack_reserve(needs):
        what = f"the image can need {bound:,} bytes of stack and reserves {_stack_reserve(needs):,}"
        raise BuildError(Problem("stack", what, "raise SMIDGEN_AGENT_STACK_BYTES in smidgen_agent.h"))


def too_big(overflows: Mapping[str, int], needs: Needs, stack_bytes: int, target: Target) -> TooBig:
    """The error for regions, by kind, that are too small by so many bytes, with what is in them."""
    weights, arena = {"weights": needs.weights_bytes}, {"arena": needs.arena_bytes}
    is_outside = target.memory_of_kind(EXTERNAL) is not None
    contents = {
        "flash": {**weights, "model code": needs.code_bytes},
        "ram": {**({} if is_outside else arena), "stack": stack_bytes},
        EXTERNAL: {**weights, **arena},
    }
    problems = ProblemList()
    for kind, count in overflows.items():
        memory = region(target, kind)
        total = memory.length + count
        what = (
            f"the image is {count:,} bytes too big for {memory.name} ({total:,} of {memory.length:,} bytes)"
        )
        parts = {**contents[kind], "agent and board": total - sum(contents[kind].values())}
        listed = ", ".join(f"{name} {size:,}" for name, size in parts.items())
        problems.add(f"{target.name}, {kind}", what, f"it holds: {listed}\n    {_cure(kind, count, needs)}")
    return TooBig(problems.problems, overflows)


def _cure(kind: str, count: int, needs: Needs) -> str:
    """What would make an image fit that is `count` bytes too big."""
    if kind == "ram":
        left = needs.arena_bytes - count
        if left <= 0:
            return "even without an arena the agent would not fit: this needs a board with more RAM"
        return f"the arena may take at most {left:,} bytes: see 'smidgen analyze' for a smaller plan"
    for bits in (4, 2):
        saved = needs.weights_bytes * (8 - bits) // 8
        if saved >= count:
            return f"{bits}-bit weights would take up to {saved:,} bytes less than 8-bit ones"
    return "even 2-bit weights would not make it fit: this needs a smaller model or more memory"


def _image(elf: Path, linker_map: Path, target: Target) -> Image:
    """Sizes from the linked program: what is loaded from flash, and what lies in RAM."""
    ram = region(target, "ram")
    flash_bytes = ram_bytes = stack_bytes = 0
    constant: list[range] = []
    with elf.open("rb") as file:
        program = ELFFile(file)
        for segment in program.iter_segments():
            if segment["p_type"] == "PT_LOAD":
                flash_bytes += segment["p_filesz"]
                start = segment["p_vaddr"]
                if segment["p_filesz"] and not ram.origin <= start < ram.end:
                    constant.append(range(start, start + segment["p_filesz"]))
        for section in program.iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and ram.origin <= section["sh_addr"] < ram.end:
                # Up to its end, so that gaps between sections count.
                ram_bytes = max(ram_bytes, section["sh_addr"] + section["sh_size"] - ram.origin)
                stack_bytes += section["sh_size"] if section.name == ".stack" else 0
    # After the memory regions, the map lists every input section: address, size, object file.
    _, _, placed = linker_map.read_text(encoding="utf-8").partition("Linker script and memory map")
    by_object: Counter[str] = Counter()
    for address, size, path in _MAP_ENTRY.findall(placed):
        if any(int(address, 16) in part for part in constant):
            by_object[Path(path).name] += int(size, 16)
    model_bytes, descriptor_bytes = by_object[MODEL_OBJECT], by_object[DESCRIPTOR_OBJECT]
    return Image(flash_bytes, ram_bytes, stack_bytes, model_bytes, descriptor_bytes)
