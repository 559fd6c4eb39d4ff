"""smidgen boards"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.device.boards import Entry, is_free, is_virtual, read_hardware_map, target_of
from smidgen.device.boards.detecting import detect, to_yaml
from smidgen.errors import Problem, SmidgenError, UsageError
from smidgen.report.files import write_json
from smidgen.report.tables import print_table

HELP = "list: the boards of a hardware map; detect: what is attached to this machine, as such a map"
DEFAULT_MAP = Path("hardware_map.yaml")


def add_options(parser: Parser) -> None:
    parser.add_argument("action", choices=("list", "detect"), help="what to show")
    parser.add_argument(
        "--map", type=Path, default=DEFAULT_MAP, metavar="FILE",
        help=f"list: a hardware map in twister's YAML format (default: {DEFAULT_MAP})",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=options.output_file, metavar="FILE",
        help="detect: write the entries there instead of to the terminal; never over an existing file",
    )  # fmt: skip
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    return _list(arguments) if arguments.action == "list" else _detect(arguments)


def _list(arguments: argparse.Namespace) -> int:
    rows = [row for entry in read_hardware_map(arguments.map) for row in _rows(entry)]
    keys = ("id", "platform", "target", "product", "line", "fixtures", "state")
    table = [[row[key] if key != "fixtures" else ", ".join(row[key]) for key in keys] for row in rows]
    print_table(["board", *keys[1:]], table)
    if arguments.json:
        write_json(arguments.json, {"map": str(arguments.map), "boards": rows})
    return 0


def _rows(entry: Entry) -> list[dict[str, Any]]:
    return [_row(entry, platform) for platform in entry.platforms]


def _row(entry: Entry, platform: str) -> dict[str, Any]:
    row = {"id": entry.id, "platform": platform, "product": entry.product, "runner": entry.runner}
    row |= {"connected": entry.connected, "fixtures": list(entry.fixtures), **entry.extra}
    row |= {"target": "", "line": entry.serial or entry.serial_pty}
    try:
        target = target_of(platform)
    except SmidgenError as error:
        return row | {"state": f"target cannot be used: {error.problems[0].what}"}
    if target is None:
        return row | {"state": "no such target"}
    row["target"] = target.name
    if not row["line"]:
        if not is_virtual(target):
            return row | {"state": "no serial line"}
        row["line"] = f"({target.runner.kind})"
    if not entry.connected:
        return row | {"state": "not connected"}
    return row | {"state": "free" if is_free(entry) else "in use"}


def _detect(arguments: argparse.Namespace) -> int:
    found = detect()
    text = to_yaml(found)
    if arguments.output:
        if arguments.output.exists():
            fix = "choose another name, and copy the entries over that you want"
            raise UsageError(Problem(str(arguments.output), "is there already", fix))
        arguments.output.write_text(text, encoding="utf-8")
        print(f"{len(found)} boards written to {arguments.output}; fill in their platforms")
    elif found:
        print(text, end="")
    else:
        print("no serial port of a board was found; virtual boards need none (docs/testing.md)")
    if arguments.json:
        write_json(arguments.json, {"boards": found})
    return 0
