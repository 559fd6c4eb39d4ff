"""Mixed precision beside the bars: cycles on `midge` and bytes of weights against int8, at what accuracy.

Bytes of weights are those of the weights alone, packed; beside them stands all that is stored with them
(biases, padding), which the bits hardly change.

Bits are chosen on one part of the data and reported on another: wake words on the first 3,000 images and the
other 2,000, CIFAR-10 on training images and 5,000 test images. First what post-training alone reaches, then
(with `--seeds`) int8 and the mix trained alike, as `quantize_training` does it. Rows that the JSON file holds
already are not measured again, and a search goes on where it was stopped.

    python -m benchmarks.mixed --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks.quantize import answers_of
from benchmarks.rows import SHARED, open_rows
from benchmarks.table import reached
from benchmarks.training import EPOCHS, IMAGES, SETTINGS, STATE, train
from smidgen.compress.evidence import compare
from smidgen.compress.layers import stored_constants
from smidgen.compress.quantize import gather, quantize, reconstruct
from smidgen.errors import UsageError
from smidgen.explore.choosing import meeting
from smidgen.explore.costs import measure_costs
from smidgen.explore.engine import open_engine
from smidgen.explore.evaluate import digest, evaluate, prepare
from smidgen.explore.latency import measure_layers, measure_model
from smidgen.explore.search import EVALUATIONS, Found, search
from smidgen.explore.store import Store
from smidgen.graph import Graph
from smidgen.graph.packing import storage_bytes
from smidgen.importers import load_model
from smidgen.paths import cache_folder
from smidgen.report.progress import track
from smidgen.report.tables import number, print_table
from smidgen.run.recipe import SEARCH_CALIBRATE, SEARCH_SAMPLES
from smidgen.targets import load_target

TARGET = "midge"
CALIBRATE = 1024
LOST = 1.0  # points below int8 that a mix may lose
# Cycles and bytes of weights, of int8's.
BARS = {
    "ic": {"must": (0.78, 0.50), "aim": (0.70, 0.40)},
    "vww": {"must": (0.90, 0.55), "aim": (0.84, 0.45)},
}

Row = dict[str, object]


class Bench:
    """One model: its data, its float graph, and rows that are measured once."""

    def __init__(
        self, name: str, options: argparse.Namespace, rows: dict[str, Row], save: Callable[[], None]
    ) -> None:
        self.name, self.rows, self.save, self.state = name, rows, save, options.state
        self.data = SETTINGS[name].load(options.data, IMAGES, 0)
        self.teacher = load_model(options.data / "mlperf_tiny" / f"{name}_float.tflite")
        self.calibration = self.data.known[:CALIBRATE]

    def made(self, bits: dict[str, int] | int, graph: Graph | None = None) -> Graph:
        """Quantized and reconstructed with all calibration samples."""
        graph = graph or self.teacher
        student = quantize(graph, gather(graph, self.calibration, track), bits, "mse")
        return reconstruct(graph, student, self.calibration, track)

    def search(self, bar: str, evaluations: int, workers: int) -> None:
        """The front, seen closest where the bar is, and the most accurate choice under its limits."""
        key = f"{self.name} search {bar}"
        if key in self.rows:
            return
        target, known = load_target(TARGET), self.data.known
        end = CALIBRATE + SEARCH_SAMPLES
        labels = self.data.known_labels[CALIBRATE:end]
        start, spent = time.monotonic(), _cpu_seconds()
        setup = prepare(self.teacher, known[:SEARCH_CALIBRATE], known[CALIBRATE:end], labels, track=track)
        prepared = time.monotonic()
        measure_layers(setup.base, target, track=track)  # once for each target, so it is not timed
        start += time.monotonic() - prepared
        costs = measure_costs(setup.base, target, track=track)
        cycles, weights = BARS[self.name][bar]
        others = costs.base.weight_bytes - weight_bytes(setup.base)
        limits = {
            "taken": cycles * costs.base.taken,
            "weights": weights * weight_bytes(setup.base) + others,
        }
        path = cache_folder() / "search" / f"{digest(setup)}.sqlite"
        with Store(path) as store, open_engine("local", workers, evaluate, setup) as engine:
            found = search(setup, costs, limits, engine, store, evaluations, track)
        times = {"seconds": time.monotonic() - start, "cpu_seconds": _cpu_seconds() - spent}
        row: Row = {**times, "layers": costs.layers, "base": asdict(costs.base)}
        row["bits"] = _chosen(found, limits)
        row["front"] = [{**asdict(point), "accuracy": point.accuracy} for point in found.front]
        self.rows[key] = row
        self.save()

    def report(self, bar: str, seed: int | None, epochs: int) -> None:
        """int8 and the mix for one bar, both without training or both trained, on unseen images."""
        key = f"{self.name} {bar} {'post-training' if seed is None else f'trained {seed}'}"
        searched = self.rows[f"{self.name} search {bar}"]
        bits = searched["bits"]
        if key in self.rows or bits is None:
            return
        mix = dict(zip(searched["layers"], bits, strict=True))
        right, costs, weights = {}, {}, {}
        for kind, wanted in (("int8", 8), ("mix", mix)):
            if seed is None:
                graph = self.made(wanted)
            else:
                what = kind if kind == "int8" else f"{kind}-{''.join(map(str, bits))}"
                graph = self._trained(wanted, what, seed, epochs)
            right[kind] = answers_of(graph, self.data.unseen) == self.data.labels
            costs[kind] = measure_model(graph, load_target(TARGET))
            weights[kind] = weight_bytes(graph)
        comparison = compare(right["int8"], right["mix"])
        self.rows[key] = {
            "cycles": costs["mix"].taken / costs["int8"].taken,
            "weights": weights["mix"] / weights["int8"],
            "stored": costs["mix"].weight_bytes / costs["int8"].weight_bytes,
            "bits": bits,
            **comparison.to_json(),
        }
        self.save()

    def _trained(self, bits: dict[str, int] | int, what: str, seed: int, epochs: int) -> Graph:
        return train(
            self.name,
            self.teacher,
            self.data,
            partial(self.made, bits),
            epochs=epochs,
            seed=seed,
            rate=SETTINGS[self.name].narrow_rate,
            state=self.state,
            what=what,
        ).ours


def weight_bytes(graph: Graph) -> int:
    """Of the weights of all layers, packed, without biases."""
    weights = [tensor for node in graph.nodes for tensor in stored_constants(graph, node)[0]]
    return sum(storage_bytes(tensor.dtype, tensor.elements) for tensor in weights)


def _cpu_seconds() -> float:
    """Of this process and of those that it has started and that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _chosen(found: Found, limits: dict[str, float]) -> list[int] | None:
    try:
        return list(meeting(found, limits, "cycles")[0].bits)
    except UsageError:
        return None


def print_rows(rows: dict[str, Row]) -> None:
    table = []
    for key, row in rows.items():
        name, bar, *how = key.split()
        if bar == "search":
            took = f"{row['seconds']:.0f} s ({row['cpu_seconds']:.0f} s of processor time)"
            print(f"{name}, {how[0]}: the front of {len(row['front'])} choices was found in {took}")
            continue
        must, aim, lost = BARS[name]["must"], BARS[name]["aim"], -100 * row["difference"]
        low, high = (100 * bound for bound in row["difference_interval"])
        table.append(
            (
                name,
                bar,
                " ".join(how),
                number(row["cycles"], 3),
                number(row["weights"], 3),
                number(row["stored"], 3),
                f"{100 * row['float']['share']:.2f}",
                f"{100 * row['quantized']['share']:.2f}",
                f"{-lost:+.2f}",
                f"{low:+.2f} to {high:+.2f}",
                reached(row["cycles"], must[0], aim[0]),
                reached(row["weights"], must[1], aim[1]),
                "yes" if lost <= LOST else "no",
            )
        )
    columns = (
        "model", "limits", "how", "cycles", "weights", "stored", "int8 %", "mix %", "points", "95 %",
        "cycles bar", "weights bar", f"at most {LOST} lost",
    )  # fmt: skip
    print_table(columns, table)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mixed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=SHARED, metavar="DIR",
                        help="folder with mlperf_tiny, vww96 and cifar10")  # fmt: skip
    parser.add_argument("--only", choices=tuple(BARS), nargs="+", default=tuple(BARS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[], help="train with these, too")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the training")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="of each search")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of a search")
    parser.add_argument("--limits", choices=("must", "aim"), nargs="+", default=("must", "aim"),
                        help="what to search for and report")  # fmt: skip
    parser.add_argument("--json", type=Path, default=Path("build/mixed.json"), metavar="FILE",
                        help="rows measured before, and now (%(default)s)")  # fmt: skip
    parser.add_argument("--state", type=Path, default=STATE, metavar="DIR",
                        help="for trainings, finished or stopped (%(default)s)")  # fmt: skip
    options = parser.parse_args()
    rows, save = open_rows(options.json)
    for name in options.only:
        bench = Bench(name, options, rows, save)
        for bar in options.limits:
            bench.search(bar, options.evaluations, options.workers)
        for seed in (None, *options.seeds):
            for bar in options.limits:
                bench.report(bar, seed, options.epochs)
    print_rows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
