"""Accuracy that few bits cost when training is allowed, beside the bars: float less ours on the same images.

For each seed the given float model is trained, on the same images with the same changes to them, for as many
epochs in all as ours. Ours trains the first half of its epochs in float; what post-training quantization then
gives it trains with the bits that it will have, towards the labels and the trained float model's answers. So
what is compared is the bits. Wake words are trained on the first 3,000 images and reported on the other
2,000, CIFAR-10 trained on training images and reported on 5,000 test images. To choose how to train,
`--development` reports on images that are held back from those to train with, and sees no other (the given
CIFAR-10 model has seen them in its own training, so float looks better there than it is). A run that was
stopped goes on at the epoch where it was.

    python -m benchmarks.quantize_training
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.quantize import answers_of
from benchmarks.rows import SHARED, open_rows
from benchmarks.table import reached
from benchmarks.training import EPOCHS, IMAGES, MOST_EPOCHS, SETTINGS, STATE, train
from smidgen.compress.evidence import compare
from smidgen.compress.layers import weight_layers
from smidgen.compress.quantize import gather, quantize, reconstruct
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.report.progress import track
from smidgen.report.tables import print_table

CALIBRATE = 1024

Row = dict[str, object]


@dataclass(frozen=True)
class Bar:
    """bits: of the weights, `ends` those of the first and the last layer; must, aim: points of accuracy that
    may be lost; rate: the learning rate of the quantized model."""

    bits: int
    ends: int
    must: float
    aim: float
    rate: float


BARS = {
    "vww": (Bar(4, 4, 1.2, 0.5, SETTINGS["vww"].narrow_rate),),
    "ic": (Bar(4, 4, 0.8, 0.2, SETTINGS["ic"].narrow_rate), Bar(2, 8, 4.0, 2.5, 1e-2)),
}


class Bench:
    """One network: its data, its float graph, and rows that are measured once."""

    def __init__(self, name: str, options: argparse.Namespace, rows: dict[str, Row], save) -> None:
        self.name, self.rows, self.save, self.state = name, rows, save, options.state
        self.setting, self.epochs = SETTINGS[name], options.epochs
        held_back = self.setting.development if options.development else 0
        self.data = self.setting.load(options.data, options.images, held_back)
        self.given = load_model(options.data / "mlperf_tiny" / f"{name}_float.tflite")
        self._answered: dict[str, np.ndarray] = {}

    def measure(self, bar: Bar, seed: int) -> None:
        key = f"{self.name} {bar.bits} {seed}"
        conditions = {"images": len(self.data.known), "epochs": self.epochs}
        if conditions.items() <= self.rows.get(key, {}).items():
            return
        began = time.monotonic()
        trained = train(
            self.name,
            self.given,
            self.data,
            partial(self._quantized, bar=bar),
            epochs=self.epochs,
            seed=seed,
            rate=bar.rate,
            state=self.state,
            what=f"{bar.bits}",
        )
        given, unquantized = self._right("given", self.given), self._right(str(seed), trained.unquantized)
        before, ours = self._right(f"{key} before", trained.start), self._right(key, trained.ours)
        self.rows[key] = {
            **compare(unquantized, ours).to_json(),
            "given_float": float(given.mean()),
            "before": float(before.mean()),
            **conditions,
            "seconds": time.monotonic() - began,
        }
        self.save()

    def _right(self, what: str, graph: Graph) -> np.ndarray:
        """Which answers are right, for each image to report on; run once for each name."""
        if what not in self._answered:
            self._answered[what] = answers_of(graph, self.data.unseen) == self.data.labels
        return self._answered[what]

    def _quantized(self, graph: Graph, bar: Bar) -> Graph:
        calibration = self.data.known[:CALIBRATE]
        layers = [node.id for node in weight_layers(graph)]
        bits = {**dict.fromkeys(layers, bar.bits), layers[0]: bar.ends, layers[-1]: bar.ends}
        rounded = quantize(graph, gather(graph, calibration, track), bits, "mse")
        return reconstruct(graph, rounded, calibration, track)


def print_rows(rows: dict[str, Row]) -> None:
    table = []
    for name, bars in BARS.items():
        for bar in bars:
            found = {key: row for key, row in rows.items() if key.split()[:2] == [name, str(bar.bits)]}
            differences = [100 * row["difference"] for row in found.values()]
            for key, row in found.items():
                low, high = (100 * bound for bound in row["difference_interval"])
                table.append(
                    (
                        *key.split(),
                        f"{100 * row['given_float']:.2f}",
                        f"{100 * row['before']:.2f}",
                        f"{100 * row['float']['share']:.2f}",
                        f"{100 * row['quantized']['share']:.2f}",
                        f"{100 * row['difference']:+.2f}",
                        f"{low:+.2f} to {high:+.2f}",
                        f"{row['images']} x {row['epochs']}",
                        f"{row['seconds']:.0f}",
                        "",
                        "",
                    )
                )
            if differences:
                mean = float(np.mean(differences))
                cells = (
                    name,
                    str(bar.bits),
                    f"mean of {len(differences)}",
                    "",
                    "",
                    "",
                    "",
                    f"{mean:+.2f}",
                    "",
                )
                bars_of = (f"{bar.must} / {bar.aim}", reached(-mean, bar.must, bar.aim))
                table.append((*cells, "", "", *bars_of))
    columns = (
        "model", "bits", "seed", "given float %", "before %", "float %", "ours %", "points", "95 %",
        "images x epochs", "s", "must / aim", "bar",
    )  # fmt: skip
    print_table(columns, table)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quantize_training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=SHARED, metavar="DIR",
                        help="folder with mlperf_tiny, vww96 and cifar10")  # fmt: skip
    parser.add_argument("--only", choices=tuple(BARS), nargs="+", default=tuple(BARS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=EPOCHS, choices=range(2, MOST_EPOCHS + 1),
                        metavar="N", help=f"of each training, at most {MOST_EPOCHS}")  # fmt: skip
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N",
                        help="CIFAR-10 images to train with")  # fmt: skip
    parser.add_argument("--development", action="store_true",
                        help="report on images held back from those to train with")  # fmt: skip
    parser.add_argument("--json", type=Path, default=Path("build/training.json"), metavar="FILE",
                        help="rows measured before, and now (%(default)s)")  # fmt: skip
    parser.add_argument("--state", type=Path, default=STATE, metavar="DIR",
                        help="for trainings, finished or stopped (%(default)s)")  # fmt: skip
    options = parser.parse_args()
    rows, save = open_rows(options.json)
    for name in options.only:
        bench = Bench(name, options, rows, save)
        for seed in options.seeds:
            for bar in BARS[name]:
                bench.measure(bar, seed)
    print_rows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
