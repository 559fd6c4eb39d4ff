"""smidgen doctor"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.doctor import examine
from smidgen.report.files import write_json
from smidgen.report.tables import print_table

HELP = "say what is installed, what is missing and how to get it"


def add_options(parser: Parser) -> None:
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    findings = examine()
    print_table(
        ["", "what", "for", "found"],
        [
            ("ok" if item.found else "missing", item.name, item.purpose, item.found or item.fix)
            for item in findings
        ],
    )
    if arguments.json:
        write_json(arguments.json, {"findings": [asdict(item) for item in findings]})
    return 0 if all(item.found or not item.required for item in findings) else 1
