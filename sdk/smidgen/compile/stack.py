"""A static bound on the stack: the compiler's frame sizes along the deepest path of the call graph.

Frames and calls come from GCC's `-fcallgraph-info=su` files. Functions that come from a library (libgcc)
have none; `disassembly` reads theirs from the linked program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smidgen.errors import BuildError, ProblemList

CALLGRAPH_FLAGS = ("-fcallgraph-info=su",)
INDIRECT = "__indirect_call"  # what GCC calls the unknown target of a pointer
HOOKS, POINTERS = "__hooks", "__pointers"
_NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]*)"')
_EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_FRAME = re.compile(r"(\d+) bytes \((\w+(?:,\w+)*)\)")


@dataclass
class Function:
    """frame: bytes; calls: titles of what it calls; problem: why its stack is not bounded, or ""."""

    frame: int
    calls: set[str] = field(default_factory=set)
    problem: str = ""


def read_callgraph(paths: Iterable[Path]) -> dict[str, Function]:
    """Functions by title (static ones are "file:name") from `.ci` files; declarations have no entry."""
    functions: dict[str, Function] = {}
    edges: list[tuple[str, str]] = []
    for path in paths:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if (node := _NODE.match(line)) and (frame := _FRAME.search(node[2])):
                bounded = "static" in frame[2] or "bounded" in frame[2]
                problem = "" if bounded else "its frame's size is only known when it runs"
                functions[node[1]] = Function(int(frame[1]), problem=problem)
            elif edge := _EDGE.match(line):
                edges.append((edge[1], edge[2]))
    for source, target in edges:
        if source in functions:
            functions[source].calls.add(target)
    return functions


def image_stack_bound(
    entry: str, model: Mapping[str, Function], agent: Mapping[str, Function], linked: Mapping[str, Function]
) -> int:
    """The most bytes of stack that a whole image can use, from its `entry` (a function of the agent).

    Pointers lead two ways only: from the agent to what model.c exports, and from both to the agent's hooks,
    static functions that nobody calls by name. model, agent: functions of model.c, and of all other
    sources; linked: see `stack_bound`.
    """
    called = {title for function in agent.values() for title in function.calls}
    hooks = {title for title in agent if ":" in title and title not in called}
    exported = {title for title in model if ":" not in title}
    together = {
        **{title: _redirected(function, HOOKS) for title, function in model.items()},
        **{title: _redirected(function, POINTERS) for title, function in agent.items()},
        HOOKS: Function(0, hooks),
        POINTERS: Function(0, hooks | exported),
    }
    return stack_bound(entry, together, linked)


def _redirected(function: Function, pointers: str) -> Function:
    """The function with its calls through pointers under another title."""
    calls = {pointers if title == INDIRECT else title for title in function.calls}
    return Function(function.frame, calls, function.problem)


def stack_bound(entry: str, compiled: Mapping[str, Function], linked: Mapping[str, Function]) -> int:
    """The most bytes of stack that `entry` and all it calls can use.

    compiled: from the call graph files; linked: from the disassembly, for what is not in those. Raises
    BuildError naming recursion, frames without a bound, calls through pointers and unknown functions.
    """
    problems = ProblemList()
    depth: dict[str, int] = {}
    path: list[str] = []

    def visit(title: str) -> int:
        if title in depth:
            return depth[title]
        if title in path:
            cycle = " -> ".join(part.split(":")[-1] for part in (*path[path.index(title) :], title))
            problems.add(entry, f"its stack has no bound: {cycle} is recursive")
            return 0
        function = compiled.get(title) or linked.get(title)
        if function is None:
            caller = path[-1].split(":")[-1] if path else entry
            what = "a function through a pointer" if title == INDIRECT else f"'{title}'"
            problems.add(entry, f"its stack has no bound: {caller} calls {what}, which is unknown")
            return 0
        if function.problem:
            problems.add(title.split(":")[-1], f"the stack has no bound: {function.problem}")
        path.append(title)
        below = max((visit(call) for call in sorted(function.calls)), default=0)
        path.pop()
        depth[title] = function.frame + below
        return depth[title]

    result = visit(entry)
    problems.stop_if_any(BuildError)
    return result
