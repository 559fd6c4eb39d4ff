"""The models at 8, 4 and 2 bits on every emulated board that has room for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks import measure
from benchmarks.layers import BITS, with_bits
from benchmarks.table import Figures
from smidgen.errors import BuildError
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.report.tables import number, print_table
from smidgen.targets import Target, list_targets, load_target

# What to optimize for and which plan, tried in this order until the model fits.
BUILDS = (("speed", "fast"), ("size", "fast"), ("size", "small"))


@dataclass(frozen=True)
class Attempt:
    """instructions: of one inference, None when the model does not fit; text: with what it fits, or what
    is too big, and by how many bytes."""

    instructions: float | None
    text: str


def print_all(files: dict[str, Path], progress: measure.Progress) -> Figures:
    """int8 models are compared with TensorFlow Lite Micro, narrower ones with the reference."""
    ours: Figures = {}
    rows, misfits = [], []
    for target in emulated_boards():
        for name, path in files.items():
            graph = load_model(path)
            cells = []
            for bits in BITS:
                progress(f"{name}: {target.name}, weights of {bits} bits")
                model, against = (path, "tflm") if bits == 8 else (with_bits(graph, bits), "reference")
                attempt = run_where_it_fits(model, target, against)
                ours.setdefault(f"instructions, {target.name}, w{bits}", {})[name] = attempt.instructions
                if attempt.instructions is None:
                    misfits.append(f"{target.name}, {name}, weights of {bits} bits: {attempt.text}")
                    cells.append("does not fit")
                else:
                    cells.append(f"{number(attempt.instructions)} ({attempt.text})")
            rows.append((target.name, name, *cells))
    title = "Guest instructions per inference, every output byte and every layer's checksum as they should be"
    print_table(["board", "model", *(f"weights of {bits} bits" for bits in BITS)], rows, title=title)
    for misfit in misfits:
        print(misfit)
    return ours


def emulated_boards() -> list[Target]:
    """All boards that QEMU stands in for."""
    targets = [load_target(name) for name in list_targets()]
    return [target for target in targets if target.runner.kind == "qemu"]


def run_where_it_fits(model: Path | Graph, target: Target, against: str) -> Attempt:
    """One checked inference with the first way of building that fits."""
    what = ""
    for optimize, arena in BUILDS:
        try:
            # The smallest boards have no RAM left for the rows of a profile.
            result = measure.run_checked(model, target.name, 1, against, optimize, arena, layers=False)
        except BuildError as error:
            what = str(error)
        else:
            return Attempt(result.instructions, f"{optimize}, {arena} arena")
    return Attempt(None, what)
