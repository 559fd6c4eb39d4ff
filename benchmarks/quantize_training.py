"""Accuracy that few bits cost when training is allowed, beside the bars: float less ours on the same images.

For each seed the given float model is trained first, on the same images with the same changes to them; the
quantized model is trained as long, from what post-training quantization of the given float model gives,
towards the labels and the trained float model's answers. So what is compared is the bits. Wake words are
trained on the first 3,000 images and reported on the other 2,000, CIFAR-10 trained on training images and
reported on 5,000 test images; nothing is chosen on what is reported. A run that was stopped goes on at the
epoch where it was.

    python -m benchmarks.quantize_training --json training.json
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.pictures import Data, load_cifar10, load_wake_words
from benchmarks.rows import SHARED, open_rows
from benchmarks.table import reached
from smidgen.compress.batches import BatchReference
from smidgen.compress.evidence import compare, quantize_samples
from smidgen.compress.layers import weight_layers
from smidgen.compress.quantize import gather, quantize, reconstruct
from smidgen.graph import DType, Graph
from smidgen.importers import load_model
from smidgen.report.progress import track
from smidgen.report.tables import print_table
from smidgen.train.augment import Augmentation
from smidgen.train.qat import Options, fine_tune
from smidgen.train.tensorflow import tf

CALIBRATE = 1024
EPOCHS = 8
TRAINING_IMAGES = 40_000  # of CIFAR-10, so that three seeds take less than three hours on two cores
THREADS = 2

Row = dict[str, object]


@dataclass(frozen=True)
class Setting:
    """How one network is trained, float and quantized: chosen on a part of the images to train with."""

    load: Callable[[Path, int], Data]
    batch: int
    augmentation: Augmentation
    float_rate: float
    float_distillation: float


SETTINGS = {
    "vww": Setting(lambda folder, images: load_wake_words(folder), 32, Augmentation(True), 5e-4, 0.5),
    "ic": Setting(load_cifar10, 64, Augmentation(True, 2), 1e-3, 0.0),
}


@dataclass(frozen=True)
class Bar:
    """bits: of the weights, `ends` those of the first and the last layer; must, aim: points of accuracy that
    may be lost; rate, distillation: how the quantized model is trained."""

    bits: int
    ends: int
    must: float
    aim: float
    rate: float
    distillation: float


BARS = {
    "vww": (Bar(4, 4, 1.2, 0.5, 1e-3, 0.5),),
    "ic": (Bar(4, 4, 0.8, 0.2, 3e-3, 0.5), Bar(2, 8, 4.0, 2.5, 1e-2, 0.5)),
}


class Bench:
    """One network: its data, its float graph, and rows that are measured once."""

    def __init__(self, name: str, options: argparse.Namespace, rows: dict[str, Row], save) -> None:
        self.name, self.rows, self.save, self.state = name, rows, save, options.state
        self.setting, self.epochs = SETTINGS[name], options.epochs
        self.data = self.setting.load(options.data, options.images)
        self.given = load_model(options.data / "mlperf_tiny" / f"{name}_float.tflite")
        self._histograms = None
        self._answered: dict[str, np.ndarray] = {}

    def run(self, seeds: list[int]) -> None:
        for bar in BARS[self.name]:
            wanted = [seed for seed in seeds if not self._is_measured(bar, seed)]
            if not wanted:
                continue
            start = self._start(bar)
            for seed in wanted:
                self._measure(bar, seed, start)

    def _is_measured(self, bar: Bar, seed: int) -> bool:
        row = self.rows.get(_key(self.name, bar, seed), {})
        return (row.get("images"), row.get("epochs")) == (len(self.data.known), self.epochs)

    def _start(self, bar: Bar) -> Graph:
        """What post-training quantization gives."""
        calibration = self.data.known[:CALIBRATE]
        self._histograms = self._histograms or gather(self.given, calibration, track)
        layers = [node.id for node in weight_layers(self.given)]
        bits = {**dict.fromkeys(layers, bar.bits), layers[0]: bar.ends, layers[-1]: bar.ends}
        return reconstruct(
            self.given, quantize(self.given, self._histograms, bits, "mse"), calibration, track
        )

    def _measure(self, bar: Bar, seed: int, start: Graph) -> None:
        began = time.monotonic()
        setting = self.setting
        train = partial(self._train, seed=seed)
        teacher = train(
            self.given, self.given, "float", rate=setting.float_rate, share=setting.float_distillation
        )
        student = train(teacher, start, f"{bar.bits}", rate=bar.rate, share=bar.distillation)
        labels = self.data.labels
        graphs = {"given": self.given, f"float {seed}": teacher, f"start {bar.bits}": start, "ours": student}
        right = [self._answers(what, graph) == labels for what, graph in graphs.items()]
        del self._answered["ours"]
        comparison = compare(right[1], right[3])
        self.rows[_key(self.name, bar, seed)] = {
            **comparison.to_json(),
            "given_float": float(right[0].mean()),
            "post_training": float(right[2].mean()),
            "images": len(self.data.known),
            "epochs": self.epochs,
            "seconds": time.monotonic() - began,
        }
        self.save()

    def _train(
        self, teacher: Graph, student: Graph, what: str, *, rate: float, share: float, seed: int
    ) -> Graph:
        setting = self.setting
        return fine_tune(
            teacher,
            student,
            self.data.known,
            self.data.known_labels,
            epochs=self.epochs,
            seed=seed,
            options=Options(setting.batch, rate, share, augmentation=setting.augmentation),
            state=self.state / f"{self.name}-{what}-{seed}-{len(self.data.known)}x{self.epochs}.npz",
            track=lambda items, text: track(items, f"{text}, {what}, seed {seed}"),
        )

    def _answers(self, what: str, graph: Graph) -> np.ndarray:
        """Of each unseen sample; remembered by what the graph is called."""
        if what not in self._answered:
            quantized = graph.tensor(graph.inputs[0]).dtype is not DType.F32
            samples = quantize_samples(graph, self.data.unseen) if quantized else self.data.unseen
            outputs = BatchReference(graph).outputs(samples, track, f"running {what}")
            self._answered[what] = outputs[0].reshape(len(samples), -1).argmax(axis=1)
        return self._answered[what]


def _key(name: str, bar: Bar, seed: int) -> str:
    return f"{name} {bar.bits} {seed}"


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
                        f"{100 * row['post_training']:.2f}",
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
        "model", "bits", "seed", "given float %", "post-training %", "float %", "ours %", "points", "95 %",
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
    parser.add_argument("--epochs", type=int, default=EPOCHS, choices=range(1, EPOCHS + 1), metavar="N",
                        help=f"of each training, at most {EPOCHS}")  # fmt: skip
    parser.add_argument("--images", type=int, default=TRAINING_IMAGES, metavar="N",
                        help="CIFAR-10 images to train with")  # fmt: skip
    parser.add_argument("--json", type=Path, default=Path("training.json"), metavar="FILE",
                        help="rows measured before, and now (%(default)s)")  # fmt: skip
    parser.add_argument("--state", type=Path, metavar="DIR",
                        help="for trainings that were stopped (the JSON file with .state)")  # fmt: skip
    options = parser.parse_args()
    options.state = options.state or options.json.with_suffix(".state")
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rows, save = open_rows(options.json)
    for name in options.only:
        Bench(name, options, rows, save).run(options.seeds)
    print_rows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
