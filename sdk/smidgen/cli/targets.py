"""smidgen targets"""

from __future__ import annotations

import argparse

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.errors import SmidgenError
from smidgen.report.files import write_json
from smidgen.report.tables import print_table
from smidgen.targets import Target, list_targets, load_target

HELP = "list the targets that can be found by name"


def add_options(parser: Parser) -> None:
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    rows = []
    for name, path in list_targets().items():
        try:
            target = load_target(path)
        except SmidgenError as error:
            rows.append(
                {"name": name, "core": None, "description": f"cannot be used: {error}", "path": str(path)}
            )
            continue
        memories = {memory.name: memory.length for memory in target.memories}
        row = {"name": name, "core": target.core.isa, "memories": memories, "kernels": list(target.kernels)}
        row |= {"runs": _runs(target), "proven": target.proven}
        rows.append(row | {"description": target.description, "path": str(path)})
    print_table(
        ["target", "core", "memories", "kernels", "runs", "proven", "description"],
        [
            (
                row["name"],
                row["core"] or "",
                ", ".join(f"{name} {size // 1024} KiB" for name, size in row.get("memories", {}).items()),
                ", ".join(row.get("kernels", ())),
                row.get("runs", ""),
                {True: "yes", False: "no"}.get(row.get("proven"), ""),
                row["description"],
            )
            for row in rows
        ],
    )
    if arguments.json:
        write_json(arguments.json, {"targets": rows})
    return 0


def _runs(target: Target) -> str:
    """Where firmware for the target runs."""
    kind = target.runner.kind
    return {"host": "here", "verilator": "in simulation", "qemu": "in QEMU", "serial": "on the board"}.get(
        kind, f"in {kind}"
    )
