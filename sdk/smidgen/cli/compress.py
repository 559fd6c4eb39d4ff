"""smidgen compress"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.compress.evidence import Evidence
from smidgen.compress.quantize.ranges import METHODS
from smidgen.compress.requantize import BITS
from smidgen.exporters.tflite import save_tflite
from smidgen.report.files import write_json
from smidgen.report.progress import track
from smidgen.report.tables import number, percent, print_pairs, print_table, short
from smidgen.run.compressing import CALIBRATE, Compression, compress

HELP = "quantize a float model to 8, 4 or 2 bits, and say what it cost on data that it was not made with"


def add_options(parser: Parser) -> None:
    parser.add_argument(
        "-m", "--model", required=True, type=Path, metavar="FILE", help="a float .tflite model"
    )
    parser.add_argument(
        "--data", required=True, type=Path, metavar="FILE",
        help="an .npz file with x (N, ...) as the float model takes it, and optionally labels y",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", required=True, type=options.output_file, metavar="FILE",
        help="the .tflite file to write",
    )  # fmt: skip
    parser.add_argument(
        "--bits", type=int, choices=tuple(BITS), default=8, help="of the weights, in every layer (default: 8)"
    )
    parser.add_argument(
        "--calibrate", type=int, metavar="N",
        help=f"quantize with the first N samples, report on the others (default: {CALIBRATE}, at most half)",
    )  # fmt: skip
    parser.add_argument(
        "--ranges", choices=METHODS, default="mse", help="how to choose activations' ranges (default: mse)"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    def warn(text: str) -> None:
        print(f"warning: {arguments.data}: {text}", file=sys.stderr, flush=True)

    result = compress(
        arguments.model, arguments.data, arguments.bits, arguments.calibrate, arguments.ranges, warn, track
    )
    save_tflite(result.graph, arguments.output)
    _print(result, arguments)
    if arguments.json:
        write_json(arguments.json, _json(result, arguments))
    return 0


def _print(result: Compression, arguments: argparse.Namespace) -> None:
    evidence = result.evidence
    print_table(
        ["layer", "type", "bits", "weight bytes", "SQNR dB"],
        [
            (layer.id, layer.type, layer.bits or "-", number(layer.weight_bytes), number(layer.sqnr, 1))
            for layer in evidence.layers
        ],
    )
    low, high = evidence.answers.interval
    same = f"{percent(evidence.answers.value, 2)} (95 %: {percent(low, 2)} to {percent(high, 2)})"
    weights, float_weights = evidence.weight_bytes, evidence.float_weight_bytes
    float_bytes, file_bytes = arguments.model.stat().st_size, arguments.output.stat().st_size
    print_pairs(
        [
            ("samples", f"{number(result.calibrated)} to quantize, {number(evidence.samples)} to report"),
            *_accuracy(evidence),
            ("same answer as float", same),
            ("output SQNR", f"{short(evidence.sqnr)} dB"),
            ("weights and biases", f"{number(weights)} B of {number(float_weights)} B"),
            ("file", f"{number(file_bytes)} B of {number(float_bytes)} B, written to {arguments.output}"),
        ]
    )  # fmt: skip


def _accuracy(evidence: Evidence) -> list[tuple[str, str]]:
    accuracy = evidence.accuracy
    if accuracy is None:
        return []

    def share(which) -> str:
        low, high = which.interval
        return f"{percent(which.value, 2)} (95 %: {percent(low, 2)} to {percent(high, 2)})"

    low, high = accuracy.interval
    change = f"{100 * accuracy.difference:+.2f} points (95 %: {100 * low:+.2f} to {100 * high:+.2f})"
    test = f"p = {accuracy.mcnemar:.3g} ({accuracy.lost} right answers lost, {accuracy.gained} gained)"
    return [
        ("accuracy, float", share(accuracy.before)),
        ("accuracy, quantized", share(accuracy.after)),
        ("difference", change),
        ("McNemar's test", test),
    ]


def _json(result: Compression, arguments: argparse.Namespace) -> dict:
    return {
        "model": str(arguments.model),
        "data": str(arguments.data),
        "output": str(arguments.output),
        "bits": arguments.bits,
        "ranges": arguments.ranges,
        "calibrated": result.calibrated,
        "file_bytes": arguments.output.stat().st_size,
        "warnings": list(result.warnings),
        **result.evidence.to_json(),
    }
