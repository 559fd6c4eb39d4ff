"""What is known about the library format of an ecosystem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from smidgen.libraries.content import EXAMPLES, Library
from smidgen.libraries.templates import fill, fill_file, fill_folder
from smidgen.paths import data_folder
from smidgen.targets import Engine

# A library's header would hide one of these from every other file.
C_HEADERS = frozenset({
    "alloca", "assert", "complex", "ctype", "endian", "errno", "fcntl", "fenv", "float", "getopt", "inttypes",
    "iso646", "limits", "locale", "malloc", "math", "memory", "poll", "pthread", "sched", "semaphore",
    "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbit", "stdbool", "stdckdint", "stddef",
    "stdint", "stdio", "stdlib", "stdnoreturn", "string", "strings", "tgmath", "threads", "time", "uchar",
    "unistd", "wchar", "wctype",
})  # fmt: skip


HOSTED_ENDS = ("    return 0;\n", "    return wrong != 0;\n")


@dataclass(frozen=True)
class Format:
    """One ecosystem's kind of library.

    specification: where the layout is written down; tool: what builds it; proven: whether the tests build it
    with that tool and run the golden test on the result; proof: how, or why not.
    program: where an example's program lies in its folder, @{example} stands for its name; entry: how the
    program's main function starts; ends: how it ends in each of `EXAMPLES`; values: more for the templates;
    reserved: names of libraries that mean something else there; longest_name: in characters; kernels: sets
    that are preferred to the target's, where something stands beside the processor; engine: which, where
    that is the neural engine.
    The files that only this ecosystem has are templates in the folder of its name, or what `own` makes.
    """

    name: str
    specification: str
    tool: str
    proven: bool
    proof: str
    program: str = "main.c"
    entry: str = "int main(void)"
    ends: tuple[str, str] = HOSTED_ENDS
    values: Mapping[str, str] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()
    longest_name: int = 63
    kernels: tuple[str, ...] = ()
    engine: Engine | None = None
    own: Callable[[Library], dict[str, str]] | None = None

    def files(self, library: Library) -> dict[str, str]:
        """All files of the library, by path."""
        values = {**library.values(), **self.values, "entry": self.entry}
        files = fill_folder(self.name, values) if self.own is None else self.own(library)
        files.update({f"src/{path}": text for path, text in library.sources.items()})
        language = self.program.rpartition(".")[2]
        for example, end in zip(EXAMPLES, self.ends, strict=True):
            program = f"examples/{example}/{fill(self.program, {'example': example})}"
            files[program] = fill_file(f"shared/{example}.{language}", {**values, "end": end})
            if example == "golden_test":
                files[f"{program.rpartition('/')[0]}/golden.h"] = library.golden
        # The kernels' licence goes wherever they go.
        files["LICENSE"] = data_folder("LICENSE").read_text(encoding="utf-8")
        return files

    def objection(self, name: str) -> str | None:
        """Why a library may not have this name, or None."""
        if name in C_HEADERS:
            return f"its header {name}.h would hide the C library's <{name}.h>"
        if name in self.reserved:
            return f"'{name}' means something else in this ecosystem"
        if len(name) > self.longest_name:
            return f"it has {len(name)} characters, the ecosystem allows {self.longest_name}"
        return None
