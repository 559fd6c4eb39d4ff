"""smidgen compress"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.compress.quantize.ranges import METHODS
from smidgen.compress.requantize import BITS
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.explore.budgets import NAMES, parse_budgets
from smidgen.explore.engine import ENGINES
from smidgen.exporters.tflite import save_tflite
from smidgen.report import compression
from smidgen.report.files import write_json
from smidgen.report.progress import track
from smidgen.run.compressing import Workers, compress
from smidgen.run.data import DataSource, is_function
from smidgen.run.recipe import CALIBRATE, SEARCH_STEPS, USUAL_STEPS, Recipe, read_recipe

HELP = "quantize a float model to 8, 4 or 2 bits or a mix of them, and say what it cost on unseen data"


def add_options(parser: Parser) -> None:
    parser.add_argument(
        "-m", "--model", required=True, type=Path, metavar="FILE",
        help="a float model: .tflite, .onnx, .keras or .h5",
    )  # fmt: skip
    parser.add_argument(
        "--data", metavar="DATA",
        help="an .npz file with x (N, ...) as the float model takes it and optionally labels y, a folder of "
        "images with a labels.csv (image,label), or a Python function, module:function, that gives x and y",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", required=True, type=options.output_file, metavar="FILE",
        help="the .tflite file to write",
    )  # fmt: skip
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="a TOML file that names steps, data, budgets and seeds"
    )
    parser.add_argument(
        "--bits", type=int, choices=tuple(BITS), help="of the weights, in every layer (default: 8)"
    )
    parser.add_argument(
        "--budget", nargs="+", metavar="NAME=VALUE",
        help="choose bits layer by layer under these budgets, such as accuracy=-1.0 (points below float) "
        f"cycles=0.5x (of int8) flash=64K time=20ms; names: {', '.join(NAMES)}",
    )  # fmt: skip
    parser.add_argument(
        "-t", "--target", metavar="NAME|FILE",
        help="the target to measure on (see 'smidgen targets'); without one only weights can be limited",
    )  # fmt: skip
    parser.add_argument(
        "--calibrate", type=int, metavar="N",
        help=f"quantize with the first N samples (default: {CALIBRATE}, at most half)",
    )  # fmt: skip
    parser.add_argument("--ranges", choices=METHODS, help="how to choose activations' ranges (default: mse)")
    parser.add_argument(
        "--engine", choices=ENGINES, default="local",
        help="where a search runs: processes here (default), or Ray's workers (RAY_ADDRESS, or here)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=options.count, metavar="N", default=os.cpu_count() or 1,
        help="processes for a search (default: one for each core)",
    )  # fmt: skip
    options.add_json(parser)
    options.add_report(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.output.exists() and arguments.model.exists() and arguments.output.samefile(arguments.model):
        fix = "name another file, so that the float model is left"
        raise UsageError(Problem("-o", f"'{arguments.output}' is the model itself", fix))
    recipe = _recipe(arguments)

    def warn(text: str) -> None:
        print(f"warning: {text}", file=sys.stderr, flush=True)

    result = compress(arguments.model, recipe, Workers(arguments.engine, arguments.workers), warn, track)
    save_tflite(result.graph, arguments.output)
    compression.print_result(result, arguments.model, arguments.output)
    if arguments.json:
        write_json(arguments.json, compression.to_json(result, arguments.model, arguments.output))
    if arguments.report:
        compression.write_page(arguments.report, result, arguments.model, arguments.output)
    return 0


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """From the recipe's file, or from the options that stand for the common ones."""
    simple = ("bits", "budget", "calibrate", "ranges", "target")
    if arguments.recipe is not None:
        problems = ProblemList()
        for name in simple:
            if getattr(arguments, name) is not None:
                problems.add(f"--{name}", "is the recipe's business", "write it there, or leave one out")
        problems.stop_if_any(UsageError)
        recipe = read_recipe(arguments.recipe)
    else:
        budgets = parse_budgets(arguments.budget or ())
        if budgets and arguments.bits is not None:
            problems = ProblemList()
            problems.add("--bits", "leaves nothing to choose for --budget", "leave one of them out")
            problems.stop_if_any(UsageError)
        recipe = Recipe(
            steps=SEARCH_STEPS if budgets else USUAL_STEPS,
            bits=arguments.bits or 8,
            calibrate=arguments.calibrate,
            ranges=arguments.ranges or "mse",
            budgets=budgets,
            target=arguments.target,
        )
    return recipe if arguments.data is None else replace(recipe, data=_data(recipe, arguments.data))


def _data(recipe: Recipe, source: str) -> DataSource:
    """The data named on the command line; how a recipe says they are to be read still counts."""
    known = recipe.data or DataSource("")
    folder = Path() if is_function(source) else known.folder
    return replace(known, source=source, folder=folder)
