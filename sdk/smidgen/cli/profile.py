"""smidgen profile"""

from __future__ import annotations

import argparse

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.cli.sessions import model_file, open_chosen
from smidgen.importers import load_model
from smidgen.report import models
from smidgen.report.engine import print_engine
from smidgen.report.files import write_json
from smidgen.report.html import write_page
from smidgen.report.progress import Stages, track
from smidgen.report.tables import print_pairs
from smidgen.run.inputs import get_inputs
from smidgen.run.profiling import profile

HELP = "per layer: cycles, instructions, MACs, MAC/cycle, bytes"
DEFAULT_INPUTS = 1


def add_options(parser: Parser) -> None:
    options.add_model_or_bundle(parser)
    options.add_target(parser)
    options.add_port(parser)
    options.add_input(parser)
    options.add_optimize(parser)
    options.add_arena(parser)
    options.add_json(parser)
    options.add_report(parser)


def run(arguments: argparse.Namespace) -> int:
    limit = arguments.limit or DEFAULT_INPUTS
    inputs = get_inputs(load_model(model_file(arguments)), arguments.input, limit)
    with Stages() as stages, open_chosen(arguments, stages) as session:
        stages.done()
        profiled = profile(session, inputs, track)
    models.print_layers(profiled.result)
    print_engine(profiled.result)
    print_pairs(models.run_summary(profiled.result, inputs.source))
    print_pairs(models.sizes(profiled.result, session.target), title="Sizes")
    print_pairs(models.high_water(profiled.memory), title="On the device")
    for note in profiled.result.notes:
        print(note)
    if arguments.json:
        write_json(arguments.json, profiled.result.to_json())
    if arguments.report:
        write_page(arguments.report, "Profile", profiled.result, session.schedule, session.target)
    return 0
