"""Accuracy that quantization costs, beside the bars: float less ours on the same images.

Everything is chosen on one part of the data and reported on another: wake words on the first 3,000 images
and the other 2,000, CIFAR-10 on training images and 5,000 test images, keywords on spoken digits and 500
keywords. `--development` reports on images of the first part that nothing was calibrated with: methods are
chosen there. Rows that the JSON file holds already are not measured again, so a run that was stopped goes on
where it was.

    python -m benchmarks.quantize --json results.json
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import pictures
from benchmarks.pictures import Data
from benchmarks.rows import SHARED, open_rows
from benchmarks.speech import digit_features
from benchmarks.table import reached
from smidgen.compress.batches import BatchReference, Sample
from smidgen.compress.evidence import compare, quantize_samples
from smidgen.compress.quantize import equalize, gather, quantize, reconstruct
from smidgen.graph import DType, Graph
from smidgen.graph.reference.quantize import dequantize_array
from smidgen.importers import load_model
from smidgen.report.progress import track
from smidgen.report.tables import print_table
from smidgen.run.recipe import CALIBRATE

_SEED = 1
DEVELOPMENT = 5000  # of CIFAR-10's training images
_UNLABELLED = np.full(CALIBRATE, -1)
_METHODS = ("nearest", "reconstructed", "equalized")

# What may be lost, in points of accuracy (must, aim); of keywords, how many % of the answers may differ.
BARS = {
    ("vww", 8, "equalized"): (0.7, 0.3),
    ("ic", 8, "equalized"): (0.7, 0.3),
    ("vww", 4, "equalized"): (2.5, 1.0),
    ("ic", 4, "equalized"): (2.0, 0.8),
    ("kws", 8, "equalized"): (2.0, 2.0),
}


def load_wake_words(folder: Path, development: bool = False) -> Data:
    data = pictures.load_wake_words(folder, pictures.WAKE_WORDS - CALIBRATE if development else 0)
    return replace(data, known=data.known[:CALIBRATE], known_labels=data.known_labels[:CALIBRATE])


def load_cifar10(folder: Path, development: bool = False) -> Data:
    return pictures.load_cifar10(folder, CALIBRATE, DEVELOPMENT if development else 0)


def load_keywords(folder: Path, development: bool = False) -> Data:
    """Features from spoken digits to choose on; the keyword inputs, which are int8, to report on.

    In development other digits stand for them, as of no class: only how many answers differ means anything.
    """
    if development:
        digits = digit_features(folder / "fsdd" / "recordings.zip", CALIBRATE + 500, _SEED)
        return Data(digits[:CALIBRATE], _UNLABELLED, digits[CALIBRATE:], np.full(500, -1))
    quantized = load_model(folder / "mlperf_tiny" / "kws_int8.tflite")
    x = quantized.tensor(quantized.inputs[0])
    with np.load(folder / "mlperf_tiny" / "kws_inputs.npz") as arrays:
        samples = [[dequantize_array(one[None], x)] for one in arrays["x"]]
        labels = arrays["y"].astype(np.int64)
    digits = digit_features(folder / "fsdd" / "recordings.zip", CALIBRATE, _SEED)
    return Data(digits, _UNLABELLED, samples, labels)


LOADERS: dict[str, Callable[..., Data]] = {"vww": load_wake_words, "ic": load_cifar10, "kws": load_keywords}


def compressed(graph: Graph, data: Data, bits: int, method: str) -> Graph:
    """The integer model; "equalized" is all that `smidgen compress` does."""
    if method == "equalized":
        graph = equalize(graph, data.known, bits, track)
    integer = quantize(graph, gather(graph, data.known, track), bits, "mse")
    return integer if method == "nearest" else reconstruct(graph, integer, data.known, track)


def measure(name: str, options: argparse.Namespace, rows: dict[str, dict], save: Callable[[], None]) -> None:
    """Measure one model at each number of bits by each method, and save after each row."""
    wanted = [(b, method) for b in options.bits for method in options.methods]
    wanted = [(b, method) for b, method in wanted if f"{name} {b} {method}" not in rows]
    if not wanted:
        return
    data = LOADERS[name](options.data, options.development)
    graph = load_model(options.data / "mlperf_tiny" / f"{name}_float.tflite")
    expected = answers_of(graph, data.unseen)
    for number, method in wanted:
        start = time.process_time()
        integer = compressed(graph, data, number, method)
        seconds = time.process_time() - start
        answers = answers_of(integer, data.unseen)
        comparison = compare(expected == data.labels, answers == data.labels)
        differ = float((answers != expected).mean())
        rows[f"{name} {number} {method}"] = {**comparison.to_json(), "differ": differ, "seconds": seconds}
        save()


def answers_of(graph: Graph, samples: list[Sample]) -> np.ndarray:
    """Of a float or an integer model to float samples."""
    if graph.tensor(graph.inputs[0]).dtype is not DType.F32:
        samples = quantize_samples(graph, samples)
    outputs = BatchReference(graph).outputs(samples, track, f"running {graph.name}")
    return outputs[0].reshape(len(samples), -1).argmax(axis=1)


def print_rows(rows: dict[str, dict]) -> None:
    table = []
    for key, row in rows.items():
        name, bits, method = key.split()
        low, high = (100 * bound for bound in row["difference_interval"])
        must, aim = BARS.get((name, int(bits), method), (None, None))
        lost = 100 * row["differ"] if name == "kws" else -100 * row["difference"]
        table.append(
            (
                name,
                bits,
                method,
                f"{100 * row['float']['share']:.2f}",
                f"{100 * row['quantized']['share']:.2f}",
                f"{100 * row['difference']:+.2f}",
                f"{low:+.2f} to {high:+.2f}",
                f"{row['mcnemar_p']:.3g}",
                f"{100 * row['differ']:.1f}",
                f"{row['seconds']:.0f}",
                "-" if must is None else f"{must} / {aim}",
                reached(lost, must, aim),
            )
        )
    columns = (
        "model", "bits", "method", "float %", "ours %", "points", "95 %", "McNemar p", "differ %", "CPU s",
        "must / aim", "bar",
    )  # fmt: skip
    print_table(columns, table)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quantize",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=SHARED, metavar="DIR",
                        help="folder with mlperf_tiny, vww96 and cifar10")  # fmt: skip
    parser.add_argument("--only", choices=tuple(LOADERS), nargs="+", default=tuple(LOADERS))
    parser.add_argument("--bits", type=int, choices=(8, 4, 2), nargs="+", default=[8, 4])
    parser.add_argument("--methods", choices=_METHODS, nargs="+", default=_METHODS)
    parser.add_argument("--development", action="store_true",
                        help="on data to choose on, instead of those to report on")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="rows measured before, and now")
    options = parser.parse_args()
    rows, save = open_rows(options.json)
    for name in options.only:
        measure(name, options, rows, save)
    print_rows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
