"""The stack bound: right on call graphs that have one, an error with the reason on those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from smidgen.compile.stack import (
    CALLGRAPH_FLAGS,
    INDIRECT,
    Function,
    image_stack_bound,
    read_callgraph,
    read_disassembly,
    stack_bound,
)
from smidgen.errors import BuildError
from smidgen.targets import load_target
from smidgen.toolchains import compile_object, find_compiler, run_tool

# Every function has a frame that the compiler cannot take away.
SOURCE = """
void keep(void *p);
#define FRAME(n) char frame[n]; __asm__ volatile("" : : "r"(frame) : "memory")
static __attribute__((noinline)) void leaf(void) { FRAME(64); }
static __attribute__((noinline)) void deep(void) { FRAME(32); leaf(); __asm__ volatile(""); }
static __attribute__((noinline)) void wide(void) { FRAME(160); }
void straight(void) { FRAME(16); deep(); wide(); __asm__ volatile(""); }
void indirect(void (*f)(void)) { FRAME(16); f(); __asm__ volatile(""); }
void variable(int n) { FRAME(n); }
void unknown(void) { keep(0); __asm__ volatile(""); }
int recursive(int n) { FRAME(16); return n < 2 ? n : recursive(n - 1) + recursive(n - 2); }
long long divide(long long a, long long b) { return a / b + 1; }
"""


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Function], dict[str, Function]]:
    folder = tmp_path_factory.mktemp("stack")
    target = load_target("midge-rv32imc")
    compiler = find_compiler(target.toolchain.compiler)
    source = folder / "stack.c"
    source.write_text(SOURCE)
    flags = [*target.toolchain.flags, "-O2", *CALLGRAPH_FLAGS]
    compile_object(compiler, source, folder / "stack.o", flags)
    elf = folder / "stack.elf"
    link = [*target.toolchain.flags, "-nostdlib", "-Wl,-e,divide", "-Wl,--defsym=keep=0x100"]
    run_tool(compiler.path, [*link, str(folder / "stack.o"), "-lgcc", "-o", str(elf)], "linking")
    listing = run_tool(compiler.tool("objdump"), ["-d", "--no-show-raw-insn", str(elf)], "reading")
    return read_callgraph([folder / "stack.ci"]), read_disassembly(listing)


def frame(functions, name: str) -> int:
    compiled = functions[0]
    return next(f.frame for title, f in compiled.items() if title.split(":")[-1] == name)


def test_the_deepest_path_counts(functions) -> None:
    paths = [
        frame(functions, "straight") + frame(functions, "deep") + frame(functions, "leaf"),
        frame(functions, "straight") + frame(functions, "wide"),
    ]
    assert min(paths) >= 16 + 64 + 32
    assert stack_bound("straight", *functions) == max(paths)


def test_library_functions_are_read_from_the_program(functions) -> None:
    assert "__divdi3" not in functions[0]
    assert stack_bound("divide", *functions) >= frame(functions, "divide")
    assert functions[1]["__divdi3"].problem == ""


@pytest.mark.parametrize("name", ["straight", "divide"])
def test_disassembly_bounds_what_the_compiler_says(functions, name: str) -> None:
    compiled, linked = functions
    assert stack_bound(name, {}, linked) >= stack_bound(name, compiled, linked)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("recursive", "recursive -> recursive is recursive"),
        ("indirect", "through a pointer"),
        ("variable", "only known when it runs"),
        ("unknown", "'keep', which is unknown"),
    ],
)
def test_what_has_no_bound_is_an_error(functions, name: str, reason: str) -> None:
    compiled, linked = functions
    with pytest.raises(BuildError, match=reason):
        stack_bound(name, compiled, linked)


def test_whole_image_counts_the_model_and_its_hooks_through_pointers() -> None:
    agent = {
        "agent_main": Function(10, {"serve"}),
        "serve": Function(20, {INDIRECT}),
        "agent.c:hook": Function(7, {"send"}),
        "agent.c:helper": Function(400),
        "agent_other": Function(0, {"agent.c:helper"}),
        "send": Function(3),
    }
    model = {"m_run": Function(100, {"model.c:layer"}), "model.c:layer": Function(50, {INDIRECT})}
    assert image_stack_bound("agent_main", model, agent, {}) == 10 + 20 + 100 + 50 + 7 + 3


def test_missing_callgraph_file_is_not_a_bound(tmp_path: Path) -> None:
    empty = tmp_path / "empty.ci"
    empty.write_text("")
    with pytest.raises(BuildError, match="unknown"):
        stack_bound("run", read_callgraph([empty]), {})
