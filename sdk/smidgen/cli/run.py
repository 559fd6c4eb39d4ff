"""smidgen run"""

from __future__ import annotations

import argparse

import numpy as np

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.cli.sessions import model_file, open_chosen
from smidgen.importers import load_model
from smidgen.report import models
from smidgen.report.files import write_json
from smidgen.report.progress import Stages, track
from smidgen.report.tables import number, print_pairs, print_table
from smidgen.run.inputs import get_inputs, real_values, save_outputs
from smidgen.run.running import accuracy, run_all, with_counts
from smidgen.run.session import Session

HELP = "run inputs on a target; outputs to an .npz file or the terminal"
SHOWN_INPUTS = 10
SHOWN_VALUES = 12


def add_options(parser: Parser) -> None:
    options.add_model_or_bundle(parser)
    options.add_target(parser)
    options.add_port(parser)
    options.add_input(parser)
    parser.add_argument(
        "-o", "--output", type=options.output_file, metavar="FILE",
        help="an .npz file for the outputs: y (N, ...) in the model's output type",
    )  # fmt: skip
    options.add_optimize(parser)
    options.add_arena(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    inputs = get_inputs(load_model(model_file(arguments)), arguments.input, arguments.limit)
    with Stages() as stages, open_chosen(arguments, stages) as session:
        stages.done()
        runs = run_all(session.device, track(inputs.samples, "running"))
        result = with_counts(session.result(), runs)
    outputs = [run.outputs for run in runs]
    result = models.with_accuracy(result, accuracy([output[0] for output in outputs], inputs.labels))
    print_pairs(models.run_summary(result, inputs.source))
    if arguments.output:
        save_outputs(session.graph, outputs, arguments.output)
        print(f"outputs written to {arguments.output}")
    else:
        _print_outputs(session, outputs)
    if arguments.json:
        write_json(arguments.json, result.to_json())
    return 0


def _print_outputs(session: Session, outputs: list[tuple[np.ndarray, ...]]) -> None:
    rows = []
    for index, arrays in enumerate(outputs[:SHOWN_INPUTS]):
        for name, array in zip(session.graph.outputs, arrays, strict=True):
            values = real_values(array, session.graph.tensor(name)).reshape(-1)
            text = " ".join(f"{value:.3g}" for value in values[:SHOWN_VALUES])
            rest = f" and {number(values.size - SHOWN_VALUES)} more" if values.size > SHOWN_VALUES else ""
            rows.append((index, name, int(np.argmax(values)), text + rest))
    print_table(["input", "output", "largest", "values"], rows)
    if len(outputs) > SHOWN_INPUTS:
        print(f"and {len(outputs) - SHOWN_INPUTS} more; --output FILE keeps them all")
