"""smidgen bench"""

from __future__ import annotations

import argparse
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.cli.sessions import model_file
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.report.files import write_json
from smidgen.report.progress import Stages, track
from smidgen.run.mlperf import (
    DEFAULT_INFERENCES,
    INFERENCES,
    SHORTEST_WINDOW_SECONDS,
    Accuracy,
    Performance,
    Runner,
    open_agent,
)
from smidgen.run.mlperf_data import Dataset, check_windows, load_dataset
from smidgen.run.session import Session, open_bundle_session, open_session

HELP = "run a benchmark the way its own runner does: MLPerf Tiny's accuracy and performance modes"
SUITES = ("mlperf",)


def add_options(parser: Parser) -> None:
    parser.add_argument(
        "suite", choices=SUITES, metavar="SUITE", help="mlperf: MLPerf Tiny, over its text commands"
    )
    options.add_model_or_bundle(parser)
    options.add_target(parser)
    options.add_port(parser)
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR",
        help="a data set's folder as MLPerf Tiny's runner has it, with y_labels.csv; its name (kws01, "
        "ic01, vww01, ad01) is the benchmark's",
    )  # fmt: skip
    parser.add_argument(
        "--mode", choices=("accuracy", "performance", "both"), default="both", help="(default: both)"
    )
    parser.add_argument("--limit", type=options.count, metavar="N", help="use the first N files")
    parser.add_argument(
        "--inferences", type=options.count, metavar="N",
        help="in each window of performance mode, instead of what MLPerf Tiny's runner asks for",
    )  # fmt: skip
    parser.add_argument(
        "--warmups", type=options.count, metavar="N", help="before each window, instead of its runner's"
    )
    options.add_optimize(parser)
    options.add_arena(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    dataset = load_dataset(arguments.data, arguments.limit)
    graph = load_model(model_file(arguments))
    check_windows(dataset, graph)
    with (
        Stages() as stages,
        _session(arguments, graph, dataset, stages) as session,
        open_agent(session) as device,
    ):
        stages.done()
        runner = Runner(device)
        measured: dict[str, Accuracy | Performance] = {}
        if arguments.mode != "performance":
            measured["accuracy"] = runner.accuracy(dataset, track)
        if arguments.mode != "accuracy":
            inferences, warmups = INFERENCES.get(dataset.benchmark, DEFAULT_INFERENCES)
            inferences, warmups = arguments.inferences or inferences, arguments.warmups or warmups
            measured["performance"] = runner.performance(dataset, inferences, warmups, track)
    for result in measured.values():
        _print(result)
    if arguments.json:
        document = {"target": session.target.name, "benchmark": dataset.benchmark}
        write_json(arguments.json, document | {name: _as_json(result) for name, result in measured.items()})
    return 0


def _session(
    arguments: argparse.Namespace, graph: Graph, dataset: Dataset, stages: Stages
) -> AbstractContextManager[Session]:
    if arguments.bundle is not None:
        return open_bundle_session(arguments.bundle, arguments.target, stages, arguments.port)
    # The firmware's name for its model says which benchmark it is.
    graph = replace(load_model(arguments.model), name=dataset.benchmark)
    return open_session(graph, arguments.target, arguments.optimize, stages, arguments.arena, arguments.port)


def _print(result: Accuracy | Performance) -> None:
    """The lines that MLPerf Tiny's runner prints."""
    if isinstance(result, Accuracy):
        _line(f"Top 1% = {result.top_1:.1f}")
        _line(
            "AUC = unknown: all files are of one class" if result.auc is None else f"AUC = {result.auc:.3f}"
        )
        return
    if result.throughput is None:
        count = result.instructions
        counted = "" if count is None else f"; one inference takes {count:,} instructions"
        _line(f"Median throughput is unknown: the board has no clock{counted}")
        return
    shortest = min(seconds for seconds in result.seconds if seconds)
    _line("-" * 57)
    _line(f"Median throughput is {result.throughput:>10.3f} inf./sec.")
    _line("-" * 57)
    if shortest < SHORTEST_WINDOW_SECONDS:
        print(
            f"a window took {shortest:.3f} s; a submission needs {SHORTEST_WINDOW_SECONDS:g} s (--inferences)"
        )


def _line(text: str) -> None:
    print(f"{time.strftime('%m%d.%H%M%S')} ulp-mlperf: {text}")


def _as_json(result: Accuracy | Performance) -> dict:
    extra = {"throughput": result.throughput} if isinstance(result, Performance) else {}
    return asdict(result) | extra
