"""smidgen ops"""

from __future__ import annotations

import argparse

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.report.files import write_json
from smidgen.report.support import support_matrix
from smidgen.report.tables import print_table

HELP = "list the operators that are supported: names in model files, types, kernel sets"


def add_options(parser: Parser) -> None:
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    matrix = support_matrix()
    print_table(matrix.columns, matrix.rows)
    if arguments.json:
        write_json(arguments.json, {"operators": matrix.records()})
    return 0
