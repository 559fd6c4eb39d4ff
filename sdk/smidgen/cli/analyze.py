"""smidgen analyze"""

from __future__ import annotations

import argparse
import sys

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.report import models
from smidgen.report.files import write_json
from smidgen.report.progress import Stages
from smidgen.report.tables import number, percent, print_pairs, print_table
from smidgen.run.analysis import Analysis, analyze

HELP = "operators, MACs, arena, flash and RAM; what does not fit or is not supported, and why"


def add_options(parser: Parser) -> None:
    options.add_model(parser)
    options.add_target(parser)
    options.add_optimize(parser)
    options.add_arena(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    with Stages() as stages:
        analysis = analyze(arguments.model, arguments.target, arguments.optimize, stages, arguments.arena)
    _print(analysis)
    if arguments.json:
        write_json(arguments.json, _json(arguments, analysis))
    for problem in analysis.problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if analysis.problems else 0


def _print(analysis: Analysis) -> None:
    print_table(["operator", "count"], analysis.operators().items(), title="Operators in the file")
    if analysis.plan is None or analysis.result is None:
        return
    models.print_layers(analysis.result)
    models.print_shares(analysis.shares())
    models.print_traffic(analysis.traffic())
    models.print_arena(analysis.plan.schedule)
    _print_plans(analysis)
    print_pairs(models.sizes(analysis.result, analysis.target), title="Sizes")


def _print_plans(analysis: Analysis) -> None:
    print_table(
        ["plan", "arena", "bands", "recomputed MACs", "of all"],
        [
            (
                name,
                f"{number(plan.schedule.arena_bytes)} bytes",
                f"{plan.bands} of the first {plan.layers} layers" if plan.layers else "-",
                number(plan.recomputed_macs),
                percent(plan.recomputed_share, 2),
            )
            for name, plan in analysis.plans.items()
        ],
        title="Plans",
    )


def _json(arguments: argparse.Namespace, analysis: Analysis) -> dict:
    known = analysis.result.to_json() if analysis.result else {}
    return {
        "target": analysis.target.name,
        "model": str(arguments.model),
        **known,
        "operators": analysis.operators(),
        "plans": {
            name: {
                "arena_bytes": plan.schedule.arena_bytes,
                "banded_layers": plan.layers,
                "bands": plan.bands,
                "recomputed_macs": plan.recomputed_macs,
                "recomputed_share": plan.recomputed_share,
            }
            for name, plan in analysis.plans.items()
        },
        "shares": [vars(share) for share in analysis.shares()],
        "traffic": [{**vars(layer), "ratio": layer.ratio} for layer in analysis.traffic()],
        "problems": [
            {"where": problem.where, "what": problem.what, "fix": problem.fix}
            for problem in analysis.problems
        ],
    }
