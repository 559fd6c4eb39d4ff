"""smidgen validate"""

from __future__ import annotations

import argparse

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.cli.sessions import model_file, open_chosen
from smidgen.importers import load_model
from smidgen.oracles import NAMES
from smidgen.report import models
from smidgen.report.files import write_json
from smidgen.report.html import write_page
from smidgen.report.progress import Stages, track
from smidgen.report.tables import print_pairs
from smidgen.run.inputs import get_inputs
from smidgen.run.validate import Validation, validate

HELP = "compare a target with an oracle, byte for byte; labels in the input file give accuracy"


LAYERS = (
    "compare every layer's tensors as well; layers that share a list of the neural engine run one by one then"
)


def add_options(parser: Parser) -> None:
    options.add_model_or_bundle(parser)
    options.add_target(parser)
    options.add_port(parser)
    options.add_input(parser)
    parser.add_argument("--layers", action="store_true", help=LAYERS)
    parser.add_argument(
        "--against", choices=NAMES, default="reference",
        help="reference: Smidgen's own, in NumPy (default); tflm: TensorFlow Lite Micro's reference kernels; "
        "litert: LiteRT's built-in reference kernels",
    )  # fmt: skip
    options.add_optimize(parser)
    options.add_arena(parser)
    options.add_json(parser)
    options.add_report(parser)


def run(arguments: argparse.Namespace) -> int:
    inputs = get_inputs(load_model(model_file(arguments)), arguments.input, arguments.limit)
    with Stages() as stages, open_chosen(arguments, stages, not arguments.layers) as session:
        stages.done()
        validation = validate(session, inputs, arguments.against, arguments.layers, track)
    _print(validation, inputs.source, arguments.layers)
    if arguments.json:
        write_json(arguments.json, validation.result.to_json())
    if arguments.report:
        write_page(arguments.report, "Validation", validation.result, session.schedule, session.target)
    return 0 if validation.passed else 1


def _print(validation: Validation, source: str, layers: bool) -> None:
    result = validation.result
    if layers:
        models.print_compared_layers(result)
    models.print_outputs(result)
    print_pairs(models.run_summary(result, source))
    for note in result.notes:
        print(note)
    if result.bit_exact:
        print(f"bit-exact: {result.inputs} inputs equal {result.oracle} in every byte")
    else:
        verdict = "differs, explained" if validation.explained else "differs"
        print(f"{verdict}: {result.mismatched_bytes:,} output bytes; first: {validation.first_difference}")
