"""smidgen build"""

from __future__ import annotations

import argparse
from pathlib import Path

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.compile.build import build
from smidgen.fpga.bitstream import add_bitstream
from smidgen.importers import load_model
from smidgen.report import models
from smidgen.report.files import write_json
from smidgen.report.progress import Stages
from smidgen.report.tables import print_pairs
from smidgen.run.session import static_result
from smidgen.targets import load_target

HELP = "build the bundle: C sources, firmware, bitstream for an FPGA, manifest, golden inputs and outputs"


def add_options(parser: Parser) -> None:
    options.add_model(parser)
    options.add_target(parser)
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="the bundle's folder")
    options.add_optimize(parser)
    options.add_arena(parser)
    parser.add_argument(
        "--no-bitstream", action="store_true",
        help="for a target with an FPGA: the program only, without placing and routing the system",
    )  # fmt: skip
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    target = load_target(arguments.target)
    graph = load_model(arguments.model)
    with Stages() as stages:
        bundle = build(
            graph, target, arguments.output, arguments.optimize, stages,
            arena=arguments.arena, source=arguments.model,
        )  # fmt: skip
        if target.fpga is not None and not arguments.no_bitstream:
            bundle = add_bitstream(bundle, target, stages)
    assert bundle.plan is not None
    result = static_result(arguments.model, target, bundle.plan, bundle, arguments.optimize)
    made = bundle.manifest.get("bitstream")
    print_pairs(
        models.sizes(result, target) + (models.bitstream(made) if made else []),
        title=f"{bundle.name} for {target.name}, in {arguments.output}",
    )
    if arguments.json:
        write_json(arguments.json, result.to_json() | ({"bitstream": made} if made else {}))
    return 0
