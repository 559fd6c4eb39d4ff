"""Single layers of many shapes on a board for each set of Cortex-M kernels: how slow can one be, and why?"""

from __future__ import annotations

import statistics

from benchmarks import measure
from benchmarks.layers import kind_of
from benchmarks.samples import LARGER, SHOWN, TYPES, Sample, measure_all, one_graph
from benchmarks.table import Figures, print_figures
from smidgen.report.tables import number, print_table
from smidgen.run.result import Layer

TARGETS = {"M0": "pico", "M3": "mps2-an385", "M4": "mps2-an386", "M55": "mps3-an547"}


def print_all(progress: measure.Progress) -> Figures:
    ours: Figures = {}
    for core, target in TARGETS.items():
        for dtype in TYPES:
            measured = measure_all(target, dtype, progress)
            measured.sort(key=lambda pair: pair[1].instructions_per_mac or 0, reverse=True)
            title = f"{core} ({target}): the {SHOWN} worst of {len(measured)} shapes, weights {dtype.value}"
            _print_worst(measured, title)
            for least, text in ((0, "of a shape"), (LARGER, f"of a shape with {LARGER:,} MACs and more")):
                rates = [layer.instructions_per_mac for _, layer in measured if layer.macs >= least]
                ours[f"worst instructions per MAC {text}, {core}, w{dtype.bits}"] = {"all": max(rates)}
    print_figures(ours)
    return ours


def _print_worst(measured: list[tuple[Sample, Layer]], title: str) -> None:
    usual = usual_rates(measured)
    rows = [
        (
            sample.text,
            layer.kernel,
            number(layer.macs),
            number(layer.instructions),
            number(layer.instructions_per_mac, 2),
            why(layer, usual[_kind(sample)]),
        )
        for sample, layer in measured[:SHOWN]
    ]
    headings = ["layer", "kernel", "MACs", "instructions", "instructions per MAC", "why"]
    print_table(headings, rows, title=title)


def usual_rates(measured: list[tuple[Sample, Layer]]) -> dict[str, float]:
    """The median of instructions per MAC over the larger shapes, by kind of layer."""
    by_kind: dict[str, list[float]] = {}
    for sample, layer in measured:
        if layer.macs >= LARGER:
            by_kind.setdefault(_kind(sample), []).append(layer.instructions_per_mac or 0)
    return {kind: statistics.median(rates) for kind, rates in by_kind.items()}


def why(layer: Layer, usual: float) -> str:
    """What the instructions go into that a larger layer of its kind would not need."""
    assert layer.instructions is not None
    larger = usual * layer.macs
    rest = layer.instructions - larger
    return (
        f"{layer.macs / layer.output_bytes:.1f} MACs for each of {number(layer.output_bytes)} outputs: at "
        f"the {usual:.2f} instructions per MAC of larger layers they would take {number(larger)}; "
        f"{number(rest)} more, {rest / layer.output_bytes:.1f} for each output, go into the call, gathering "
        "inputs, edges and requantization"
    )


def _kind(sample: Sample) -> str:
    return kind_of(one_graph([sample], "one"), sample.node)
