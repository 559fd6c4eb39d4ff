"""The models at 8, 4 and 2 bits on a Cortex-M4 and a Cortex-M55 in QEMU: guest instructions per inference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import measure
from benchmarks.layers import BITS, KINDS, Measured, with_bits
from benchmarks.table import Figures, millions, peer, print_figures, quotient, reached
from smidgen.importers import load_model
from smidgen.report.tables import number, print_table

TARGETS = {"M4": "mps2-an386", "M55": "mps3-an547"}
INPUTS = 2
CMSIS_NN, MUST, AIM = "TFLM, CMSIS-NN", "bar: must", "bar: aim"

# (core, model, bits) -> what was measured
Results = Mapping[tuple[str, str, int], Measured]


def print_all(files: dict[str, Path], progress: measure.Progress) -> Figures:
    results = {}
    for name, path in files.items():
        graph = load_model(path)
        for core, target in TARGETS.items():
            for bits in BITS:
                progress(f"{name}: {target}, weights of {bits} bits")
                one = with_bits(graph, bits)
                results[core, name, bits] = Measured(one, measure.run_checked(one, target, INPUTS))
    for core in TARGETS:
        print_models(results, core)
    ours = figures(results)
    for name, path in files.items():
        progress(f"{name}: {TARGETS['M4']}, size")
        put_sizes(ours, name, path, results["M4", name, 8])
    print_figures(ours)
    return ours


def print_models(results: Results, core: str) -> None:
    """Instructions of whole inferences, millions, beside the bars and the peers."""
    rows = []
    for name in dict.fromkeys(name for one, name, _ in results if one == core):
        ours = [results[core, name, bits].result for bits in BITS]
        instructions = ours[0].instructions
        quantity = f"instructions, {core}, w8"
        theirs, must, aim = (peer(quantity, whose).get(name) for whose in (CMSIS_NN, MUST, AIM))
        rows.append(
            (
                name,
                number(ours[0].macs / 1e6, 3),
                millions([theirs]),
                millions([must]),
                millions([aim]),
                millions(result.instructions for result in ours),
                reached(instructions, must, aim),
                number(quotient(theirs, instructions), 2),
                " / ".join(number(quotient(one.instructions, one.macs), 2) for one in ours),
                " / ".join(number(result.mismatched_bytes) for result in ours),
            )
        )
    headings = ["model", "M MAC", CMSIS_NN, "must, w8", "aim, w8", "ours", "reached, w8"]
    headings += ["CMSIS-NN / ours, w8", "instructions per MAC", "wrong bytes"]
    title = (
        f"Million guest instructions on {TARGETS[core]} in QEMU, "
        f"weights of {' / '.join(map(str, BITS))} bits; {INPUTS} inputs of each"
    )
    print_table(headings, rows, title=title)


def figures(results: Results) -> Figures:
    """Instructions, by kind of layer too, and how much of their limit the stored weights take."""
    ours: Figures = {}
    for (core, name, bits), measured in results.items():
        result = measured.result
        ours.setdefault(f"instructions, {core}, w{bits}", {})[name] = result.instructions
        limit = measure.weights_limit(measured.graph)
        share = quotient(result.weights_bytes, limit)
        ours.setdefault(f"weights bytes, % of the limit, {core}, w{bits}", {})[name] = share and 100 * share
        for kind in KINDS:
            layers = [layer for _, layer in measured.layers(kind)]
            if layers:
                macs = sum(layer.macs for layer in layers)
                instructions = sum(layer.instructions or 0 for layer in layers)
                row = ours.setdefault(f"instructions per MAC, {kind}, {core}, w{bits}", {})
                row[name] = quotient(instructions, macs)
    return ours


def put_sizes(ours: Figures, name: str, path: Path, fastest: Measured) -> None:
    """Code for speed and for size, and the arena of the fastest and of the smallest plan, on the M4."""
    for_size = measure.run_checked(path, TARGETS["M4"], 1, optimize="size")
    smallest = measure.run_checked(path, TARGETS["M4"], 1, arena="small")
    for quantity, value in (
        ("code bytes, M4, speed", fastest.result.code_bytes),
        ("code bytes, M4, size", for_size.code_bytes),
        ("arena bytes, M4, fastest plan", fastest.result.arena_bytes),
        ("arena bytes, M4, smallest plan", smallest.arena_bytes),
        ("instructions, M4, w8, smallest plan", smallest.instructions),
        ("MACs computed again, %, M4, smallest plan", 100 * (smallest.macs / fastest.result.macs - 1)),
    ):
        ours.setdefault(quantity, {})[name] = value
