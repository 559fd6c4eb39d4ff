"""The stack bound: right on call graphs that have one, an error with the reason on those that do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from smidgen.compile.disassembly import linked_functions, read_disassembly
from smidgen.compile.stack import (
    CALLGRAPH_FLAGS,
    INDIRECT,
    Function,
    image_stack_bound,
    read_callgraph,
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
int quotient(int a, int b) { return a / b + 1; }
"""


# RISC-V, Thumb-2 and the few instructions of a Cortex-M0, where even a multiplication may come from libgcc.
@pytest.fixture(scope="module", params=["midge-rv32imc", "mps2-an386", "microbit"])
def functions(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Function], dict[str, Function]]:
    folder = tmp_path_factory.mktemp("stack")
    target = load_target(request.param)
    if shutil.which(target.toolchain.compiler) is None:
        pytest.skip(f"{target.toolchain.compiler} is not installed")
    compiler = find_compiler(target.toolchain.compiler)
    source = folder / "stack.c"
    source.write_text(SOURCE)
    flags = [*target.toolchain.flags, "-O2", *CALLGRAPH_FLAGS]
    compile_object(compiler, source, folder / "stack.o", flags)
    elf = folder / "stack.elf"
    link = [
        *target.toolchain.flags,
        "-nostdlib",
        "-Wl,-e,divide",
        "-Wl,-u,quotient",
        "-Wl,--defsym=keep=0x100",
    ]
    run_tool(compiler.path, [*link, str(folder / "stack.o"), "-lgcc", "-o", str(elf)], "linking")
    return read_callgraph([folder / "stack.ci"]), linked_functions(elf, compiler)


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
    compiled, linked = functions
    library = next(iter(functions[0]["divide"].calls))
    assert library in linked and library not in compiled
    assert stack_bound("divide", *functions) >= frame(functions, "divide") + stack_bound(library, {}, linked)


def test_a_library_function_has_several_names(functions) -> None:
    """Where the core cannot divide, __aeabi_idiv is __divsi3 under another name."""
    compiled, linked = functions
    assert all(call in linked for call in compiled["quotient"].calls)
    assert stack_bound("quotient", *functions) >= frame(functions, "quotient")


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


THUMB = """
00000100 <saves>:
     100:	push	{r4, r5, lr}
     102:	stmdb	sp!, {r6, r7, r8, r9}
     106:	vpush	{d8-d11}
     10a:	str.w	r0, [sp, #-8]!
     10e:	sub	sp, #24
     110:	sub.w	sp, sp, #1024	@ 0x400
     114:	bl	200 <called>
     118:	add	sp, #24
     11a:	cbz	r0, 11e <saves+0x1e>
     11c:	tbb	[pc, r3]
     11e:	.word	0x00000000
     122:	pop	{r4, r5, pc}
00000180 <runs_on>:
     180:	push	{r3, lr}
     182:	nop
00000184 <called>:
     184:	bne.n	202 <middle+0x2>
     186:	b.w	200 <tail>
00000190 <by_pointer>:
     190:	blx	r3
     192:	bx	lr
000001a0 <by_register>:
     1a0:	sub	sp, r3
     1a2:	bx	lr
000001b0 <by_frame>:
     1b0:	mov	sp, r7
     1b2:	pop	{r7, pc}
"""


def test_thumb_is_read_as_objdump_writes_it() -> None:
    functions = read_disassembly(THUMB, "EM_ARM")
    assert functions["saves"] == Function(12 + 16 + 32 + 8 + 24 + 1024, {"called"})
    assert functions["runs_on"] == Function(8, {"called"})
    assert functions["called"] == Function(0, {"middle", "tail"})
    assert "pointer" in functions["by_pointer"].problem
    for name in ("by_register", "by_frame"):
        assert "only known when it runs" in functions[name].problem


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
