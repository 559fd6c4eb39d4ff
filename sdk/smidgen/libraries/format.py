"""What is known about the library format of an ecosystem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smidgen.libraries.content import Library

# A library's header would hide one of these from every other file.
C_HEADERS = frozenset({
    "alloca", "assert", "complex", "ctype", "endian", "errno", "fcntl", "fenv", "float", "getopt", "inttypes",
    "iso646", "limits", "locale", "malloc", "math", "memory", "poll", "pthread", "sched", "semaphore",
    "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbit", "stdbool", "stdckdint", "stddef",
    "stdint", "stdio", "stdlib", "stdnoreturn", "string", "strings", "tgmath", "threads", "time", "uchar",
    "unistd", "wchar", "wctype",
})  # fmt: skip


@dataclass(frozen=True)
class Format:
    """One ecosystem's kind of library.

    layout: all files of the library, by path; specification: where the layout is written down; tool: what
    builds it; proven: whether the tests build it with that tool and run the golden test on the result; proof:
    how; reserved: names that mean something else there; longest_name: in characters.
    """

    name: str
    layout: Callable[[Library], dict[str, str]]
    specification: str
    tool: str
    proven: bool
    proof: str
    reserved: frozenset[str] = frozenset()
    longest_name: int = 63

    def objection(self, name: str) -> str | None:
        """Why a library may not have this name, or None."""
        if name in C_HEADERS:
            return f"its header {name}.h would hide the C library's <{name}.h>"
        if name in self.reserved:
            return f"'{name}' means something else in this ecosystem"
        if len(name) > self.longest_name:
            return f"it has {len(name)} characters, the ecosystem allows {self.longest_name}"
        return None
