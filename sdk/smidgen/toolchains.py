"""C compilers: finding them, and running them with errors that a person can act on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smidgen.errors import BuildError, Problem

# Debian and Ubuntu package of each compiler; nothing else needs to be known about it.
PACKAGES = {
    "gcc": "gcc",
    "g++": "g++",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
}
MESSAGE_LINES = 12


@dataclass(frozen=True)
class Compiler:
    """A compiler that is there: its path, and the first line of what it says about its version."""

    path: Path
    version: str

    def tool(self, name: str) -> Path:
        """A program of the same binutils, for example "objcopy"."""
        prefix = self.path.name.removesuffix("gcc")
        tool = shutil.which(str(self.path.with_name(prefix + name))) or shutil.which(prefix + name)
        if tool is None:
            raise BuildError(
                Problem(
                    prefix + name, "this program is not installed", "install binutils beside the compiler"
                )
            )
        return Path(tool)


def install_hint(compiler: str) -> str:
    """How to get a compiler that is missing."""
    package = PACKAGES.get(Path(compiler).name)
    if package is None:
        return "install it, or name another one as toolchain.compiler in the target file"
    more = ", or 'make arm' in Smidgen's source tree" if package == "gcc-arm-none-eabi" else ""
    return f"on Debian and Ubuntu: sudo apt install {package}{more}"


def find_compiler(name: str) -> Compiler:
    """The compiler of this name on the search path. Raises BuildError that says how to get it."""
    path = shutil.which(name)
    if path is None:
        raise BuildError(Problem(name, "this compiler is not installed", install_hint(name)))
    return _describe(Path(path))


@cache
def _describe(path: Path) -> Compiler:
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    lines = answer.stdout.splitlines()
    if answer.returncode or not lines:
        raise BuildError(Problem(str(path), "this compiler does not run", answer.stderr.strip()[:500]))
    return Compiler(path, lines[0])


def compile_object(
    compiler: Compiler,
    source: Path,
    output: Path,
    flags: Sequence[str],
    include: Iterable[Path] = (),
) -> Path:
    """Compile one source file to an object file; gives its path. Raises BuildError with the messages."""
    folders = [f"-I{folder}" for folder in include]
    run_tool(
        compiler.path, [*flags, *folders, "-c", str(source), "-o", str(output)], f"compiling {source.name}"
    )
    return output


def defined_macros(compiler: Compiler, flags: Sequence[str]) -> dict[str, str]:
    """What the compiler defines on its own with these flags, for example __ARM_FEATURE_DSP."""
    text = run_tool(compiler.path, [*flags, "-dM", "-E", "-x", "c", os.devnull], "asking the compiler")
    pairs = (line.split(maxsplit=2)[1:] for line in text.splitlines())
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def run_tool(program: Path, arguments: Sequence[str], what: str) -> str:
    """Run a program of the toolchain; gives its standard output. Raises BuildError with its messages."""
    try:
        answer = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(Problem(str(program), f"{what} failed: {error.strerror}")) from error
    if answer.returncode:
        messages = (answer.stderr or answer.stdout).strip().splitlines()
        shown = "\n    ".join(messages[:MESSAGE_LINES])
        more = (
            f"\n    and {len(messages) - MESSAGE_LINES} more lines" if len(messages) > MESSAGE_LINES else ""
        )
        raise ToolFailed(Problem(program.name, f"{what} failed", shown + more), answer.stderr)
    return answer.stdout


class ToolFailed(BuildError):
    """A program of the toolchain ended with an error; `messages` is all that it wrote."""

    def __init__(self, problem: Problem, messages: str) -> None:
        super().__init__(problem)
        self.messages = messages
