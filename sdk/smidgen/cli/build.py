"""smidgen build"""

from __future__ import annotations

import argparse
from pathlib import Path

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.compile.build import build
from smidgen.importers import load_model
from smidgen.report import models
from smidgen.report.files import write_json
from smidgen.report.progress import Stages
from smidgen.report.tables import print_pairs
from smidgen.run.session import static_result
from smidgen.targets import load_target

HELP = "build the bundle: C sources, firmware, manifest, golden inputs and outputs"


def add_options(parser: Parser) -> None:
    options.add_model(parser)
    options.add_target(parser)
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="the bundle's folder")
    options.add_optimize(parser)
    options.add_arena(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    target = load_target(arguments.target)
    graph = load_model(arguments.model)
    with Stages() as stages:
        bundle = build(
            graph, target, arguments.output, arguments.optimize, stages,
            arena=arguments.arena, source=arguments.model,
        )  # fmt: skip
    assert bundle.plan is not None
    result = static_result(arguments.model, target, bundle.plan, bundle, arguments.optimize)
    print_pairs(models.sizes(result, target), title=f"{bundle.name} for {target.name}, in {arguments.output}")
    if arguments.json:
        write_json(arguments.json, result.to_json())
    return 0
