"""Frames and calls of a linked program's functions, read from its disassembly.

For functions that come from a library (libgcc): of those the compiler has left no stack-usage file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from smidgen.compile.stack import Function
from smidgen.toolchains import Compiler, run_tool

# What lies between functions: padding, and constants among Thumb code.
_NO_CODE = re.compile(r":\s+(?:nop|unimp|\.\w+)\b|^\s*(?:\.\.\.)?$")
_FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")


@dataclass(frozen=True)
class _Machine:
    """What to look for in a line of `objdump -d --no-show-raw-insn`.

    down: the stack pointer goes down, and some group says by how many bytes or by which registers; other: it
    gets any other value; transfer: a jump or call to the function of group 1; indirect: one through a
    register that may leave the function; end: what no instruction is carried out after.
    """

    down: re.Pattern[str]
    other: re.Pattern[str]
    transfer: re.Pattern[str]
    indirect: re.Pattern[str]
    end: re.Pattern[str]


_MACHINES = {
    "EM_RISCV": _Machine(
        down=re.compile(r"\b(?:addi|c\.addi16sp|add)\s+sp,(?:sp,)?-(\d+)"),
        other=re.compile(r"^\s+[0-9a-f]+:\s+(?:\S+\s+)?(?:add|sub|mv)\s+sp,(?!sp,-?\d)"),
        transfer=re.compile(
            r"\b(?:jal?|call|tail|beqz?|bnez?|bltz?|bgez?|bgtz?|blez?|bltu|bgeu)\b.*<([^>+]+)>$"
        ),
        indirect=re.compile(r"\b(?:jalr|jr)\s+(?!ra\b)\w+"),
        end=re.compile(r":\s+(?:ret|j|jr|tail)\b"),
    ),
    # Thumb. A switch jumps by `mov pc`, `ldr pc` and `tbb`, and stays in its function; calls through
    # pointers are blx, tail calls bx. A branch into the middle of another function counts as a call of it.
    "EM_ARM": _Machine(
        down=re.compile(
            r"\bsubw?(?:\.w)?\s+sp,\s*(?:sp,\s*)?#(\d+)"
            r"|\s\w+(?:\.w)?\s.*\[sp, #-(\d+)\]!"
            r"|\b(?:push|vpush|v?stmdb)(?:\.w)?\s+(?:sp!,\s*)?\{([^}]*)\}"
        ),
        other=re.compile(r":\s+(?:mov|subs?|adds?|ldr)(?:\.w)?\s+sp,(?!\s*(?:sp,\s*)?#)"),
        transfer=re.compile(r":\s+(?:bl?x?|b[a-z]{2}|cbn?z)(?:\.[nw])?\s.*<([^>+]+)(?:\+0x[0-9a-f]+)?>$"),
        indirect=re.compile(r":\s+(?:blx|bx)\w*\s+(?!lr\b)[a-z]\w*$"),
        end=re.compile(
            r":\s+(?:bx\s|b(?:\.[nw])?\s|(?:mov|ldr)(?:\.w)?\s+pc,|(?:pop|ldmia)(?:\.w)?\s.*\bpc\b)"
        ),
    ),
}


def linked_functions(elf: Path, compiler: Compiler) -> dict[str, Function]:
    """Frames and calls of all functions of a linked program.

    Of machines that are not known here none can be read; a library's function is then an error, not a guess.
    """
    with elf.open("rb") as file:
        program = ELFFile(file)
        machine = str(program["e_machine"])
        if machine not in _MACHINES:
            return {}
        aliases = _aliases(program)
    listing = run_tool(
        compiler.tool("objdump"), ["-d", "--no-show-raw-insn", str(elf)], "reading the program"
    )
    functions = read_disassembly(listing, machine)
    return functions | {
        alias: functions[name] for name in tuple(functions) for alias in aliases.get(name, ())
    }


def _aliases(program: ELFFile) -> dict[str, list[str]]:
    """The other names of each symbol: the disassembly shows one name for each address."""
    table = program.get_section_by_name(".symtab")
    names: dict[int, list[str]] = {}
    for symbol in table.iter_symbols() if table is not None else ():
        if symbol.name and symbol["st_shndx"] != "SHN_UNDEF":
            # The lowest bit of an address of Thumb code is set.
            names.setdefault(symbol["st_value"] & ~1, []).append(symbol.name)
    return {name: [one for one in group if one != name] for group in names.values() for name in group}


def read_disassembly(text: str, machine: str) -> dict[str, Function]:
    """Functions by symbol from `objdump -d --no-show-raw-insn`; machine: as an ELF file names it.

    A frame is the sum of everything that is ever subtracted from the stack pointer, which can only be too
    large. A function that runs into the next one calls it.
    """
    patterns = _MACHINES[machine]
    functions: dict[str, Function] = {}
    name, ended = "", True
    for raw in text.splitlines():
        line = raw.partition("@")[0].rstrip()
        if start := _FUNCTION.match(line):
            if not ended:
                functions[name].calls.add(start[1])
            name, ended = start[1], True
            functions[name] = Function(0)
        elif name and not _NO_CODE.search(line):
            function = functions[name]
            ended = patterns.end.search(line) is not None
            if down := patterns.down.search(line):
                function.frame += _bytes(down[down.lastindex or 0])
            elif patterns.other.search(line):
                function.problem = "its frame's size is only known when it runs"
            elif (transfer := patterns.transfer.search(line)) and transfer[1] != name:
                function.calls.add(transfer[1])
            elif patterns.indirect.search(line):
                function.problem = "it jumps through a pointer"
    return functions


def _bytes(amount: str) -> int:
    """A number of bytes, or what a register list takes, for example "r4, r5, lr" or "d8-d11"."""
    if amount.isdecimal():
        return int(amount)
    total = 0
    for part in amount.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        count = int(last[1:]) - int(first[1:]) + 1 if last else 1
        total += count * {"d": 8, "q": 16}.get(first[0], 4)
    return total
