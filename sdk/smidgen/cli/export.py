"""smidgen export"""

from __future__ import annotations

import argparse
from pathlib import Path

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.importers import load_model
from smidgen.libraries import FORMATS, export_library
from smidgen.report.files import write_json
from smidgen.report.models import sizes
from smidgen.report.progress import Stages
from smidgen.report.tables import print_pairs
from smidgen.run.session import static_result
from smidgen.targets import load_target

HELP = "write the model as a library for CMake, Arduino, PlatformIO, Zephyr, ESP-IDF, CMSIS packs or Zynq"


def add_options(parser: Parser) -> None:
    options.add_model(parser)
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="DIR", help="the library's folder, new or empty"
    )
    parser.add_argument(
        "--format", required=True, choices=tuple(FORMATS), help="the ecosystem that it is for"
    )
    parser.add_argument(
        "-t", "--target", default="host", metavar="NAME|FILE",
        help="take the fastest kernels for this target and check that it can hold the model (see 'smidgen "
        "targets'; default: host, whose portable kernels run everywhere)",
    )  # fmt: skip
    parser.add_argument(
        "--name", help="the library's name and the start of its C names (default: the file's)"
    )
    parser.add_argument(
        "--library-version", default="1.0.0", metavar="X.Y.Z", help="the library's version (default: 1.0.0)"
    )
    options.add_optimize(parser)
    options.add_arena(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    target = load_target(arguments.target)
    graph = load_model(arguments.model)
    with Stages() as stages:
        bundle = export_library(
            graph,
            target,
            FORMATS[arguments.format],
            arguments.output,
            arguments.name,
            arguments.library_version,
            arguments.optimize,
            arguments.arena,
            stages,
        )
    assert bundle.plan is not None
    result = static_result(arguments.model, target, bundle.plan, bundle, arguments.optimize)
    title = f"{bundle.prefix} for {arguments.format}, in {arguments.output} (README.md says how to use it)"
    print_pairs(sizes(result, target), title=title)
    if arguments.json:
        write_json(arguments.json, result.to_json())
    return 0
