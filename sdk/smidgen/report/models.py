"""What the commands show about a model: sizes, layers, arena, differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from smidgen.compile.divide import Share
from smidgen.compile.schedule import Schedule
from smidgen.compile.traffic import Traffic, whole_ratio
from smidgen.device import MemoryUse
from smidgen.report.tables import number, percent, print_table, short, signed_percent
from smidgen.run.metrics import COLUMNS
from smidgen.run.result import Layer, Result
from smidgen.targets import Target
from smidgen.targets.types import EXTERNAL

Pairs = list[tuple[str, str]]
Columns = Mapping[str, Callable[[Layer], str]]

# What is known or was measured of a layer; a dash where there is no figure.
LAYER_FIGURES: Columns = {
    "MACs": lambda layer: number(layer.macs),
    "cycles": lambda layer: number(layer.cycles),
    "instructions": lambda layer: number(layer.instructions),
    "MAC/cycle": lambda layer: number(layer.macs_per_cycle, 2),
    "instructions/MAC": lambda layer: number(layer.instructions_per_mac, 2) if layer.cycles is None else "-",
    "roof, MAC/cycle": lambda layer: number(layer.roof_macs_per_cycle, 2),
    "of roof": lambda layer: percent(layer.roof_share),
    "bound by": lambda layer: (layer.bound or "-").replace("_", " "),
    "predicted cycles": lambda layer: number(layer.predicted_cycles),
    "error": lambda layer: signed_percent(layer.prediction_error),
    "weights B": lambda layer: number(layer.weights_bytes),
    "output B": lambda layer: number(layer.output_bytes),
}


# Cells of an ECP5 by nextpnr's names.
_CELLS = {
    "TRELLIS_COMB": "logic cells",
    "TRELLIS_FF": "flip-flops",
    "MULT18X18D": "multipliers",
    "DP16KD": "block RAMs",
}


def with_accuracy(result: Result, accuracy: float | None) -> Result:
    return replace(result, accuracy=accuracy)


def sizes(result: Result, target: Target) -> Pairs:
    """What is known before anything runs; lines without a figure are left out."""
    flash, ram, external = (target.memory_of_kind(kind) for kind in ("flash", "ram", EXTERNAL))
    outside = (result.weights_bytes or 0) + (result.arena_bytes or 0) if external else None
    bound = number(result.arena_lower_bound_bytes)
    arena = (
        f"{_bytes(result.arena_bytes)} (tensors {number(result.arena_tensors_bytes)}, lower bound {bound})"
    )
    lines = [
        ("MACs", number(result.macs)),
        ("weights", _bytes(result.weights_bytes)),
        ("model code", _bytes(result.code_bytes)),
        ("agent code", _bytes(result.agent_code_bytes)),
        ("arena", arena),
        ("stack bound", _bytes(result.stack_bytes)),
        ("flash", _of(result.flash_bytes, flash.length if flash else None)),
        ("RAM", _of(result.ram_bytes, ram.length if ram else None)),
        ("external memory", _of(outside, external.length if external else None)),
    ]
    return [(name, text) for name, text in lines if text != "-"]


def bitstream(made: Mapping[str, Any]) -> Pairs:
    """What a bundle's bitstream takes of the FPGA, and the clock that it reaches."""
    cells = []
    for kind, name in _CELLS.items():
        used, available = (made["cells"].get(kind, {}).get(key) for key in ("used", "available"))
        if used:
            cells.append((name, f"{number(used)} of {number(available)} ({percent(used / available)})"))
    clocks = [
        (f"clock {name}", f"{clock['reached_mhz']:.1f} MHz reached, {clock['wanted_mhz']:.1f} MHz wanted")
        for name, clock in made["clocks"].items()
    ]
    return [("FPGA", f"{made['device']}, seed {made['seed']}"), *cells, *clocks]


def run_summary(result: Result, source: str) -> Pairs:
    """Inputs, accuracy, cycles and instructions."""
    cycles = number(result.cycles) + _spread(result.cycles_min, result.cycles_max)
    instructions = number(result.instructions)
    if result.cycles is None:
        instructions += _spread(result.instructions_min, result.instructions_max)
    ratio = result.cycles / result.instructions if result.cycles and result.instructions else None
    accuracy = percent(result.accuracy, 2)
    if result.oracle_accuracy is not None:
        accuracy += f" (oracle {percent(result.oracle_accuracy, 2)})"
    lines = [
        ("inputs", source),
        ("accuracy", accuracy),
        ("cycles", cycles),
        ("instructions", instructions),
        ("cycles per instruction", number(ratio, 3)),
        ("instructions per MAC", number(result.instructions_per_mac, 2) if result.cycles is None else "-"),
    ]
    return [(name, text) for name, text in lines if text != "-"]


def high_water(memory: MemoryUse) -> Pairs:
    """What the device itself saw of its memory."""
    lines = [
        ("stack used", _of(memory.stack_used_bytes, memory.stack_bytes)),
        ("stack of the model", _bytes(memory.stack_run_bytes)),
        ("arena used", _of(memory.arena_used_bytes, memory.arena_bytes)),
    ]
    return [(name, text) for name, text in lines if text != "-"]


def print_layers(result: Result) -> None:
    """Every layer with its costs."""
    total = sum(layer.taken or 0 for layer in result.layers)
    columns: Columns = {
        "#": lambda layer: str(layer.id),
        "layer": lambda layer: _tail(layer.name),
        "type": lambda layer: layer.type,
        "shapes": lambda layer: layer.shape,
        "%": lambda layer: percent(layer.taken / total) if layer.taken is not None and total else "-",
        **LAYER_FIGURES,
    }
    _print_columns(columns, result.layers)


def print_compared_layers(result: Result) -> None:
    """Every layer with how it differs from the oracle."""
    columns: Columns = {
        "#": lambda layer: str(layer.id),
        "layer": lambda layer: _tail(layer.name),
        "type": lambda layer: layer.type,
        "bits": lambda layer: {True: "bit-exact", False: "differs", None: "-"}[layer.bit_exact],
        "bytes": lambda layer: number(layer.mismatched_bytes),
        **{name: lambda layer, name=name: short((layer.differences or {}).get(name)) for name in COLUMNS},
    }
    _print_columns(columns, result.layers)


def print_outputs(result: Result) -> None:
    """Every output with how it differs from the oracle."""
    print_table(
        ["output", "mismatched", *COLUMNS],
        [
            (output["name"], number(output["mismatched_bytes"]), *(short(output[name]) for name in COLUMNS))
            for output in result.outputs
        ],
    )


def print_shares(shares: Sequence[Share]) -> None:
    """Which layers run on the neural engine and which on the core; nothing where there is no engine."""
    rows = [
        (
            index,
            _tail(share.name),
            share.type_name,
            "engine" if share.on_engine else "core",
            number(share.engine_cycles),
            number(share.core_cycles),
            share.why,
        )
        for index, share in enumerate(shares)
    ]
    if rows:
        headings = ["#", "layer", "type", "runs on", "cycles on the engine", "on the core", "why"]
        print_table(headings, rows, title="Neural engine and core, predicted")


def print_traffic(layers: Sequence[Traffic]) -> None:
    """What the engine moves from and to external memory; nothing where there is none."""
    columns = ("weights", "inputs", "outputs", "moved", "least", "forced", "inside")

    def row(name: str, type_name: str, ratio: float, of: Sequence[Traffic]) -> tuple[str, ...]:
        counts = (number(sum(getattr(one, column) for one in of)) for column in columns)
        return name, type_name, *counts, number(ratio, 3)

    if layers:
        rows = [row(_tail(one.name), one.type_name, one.ratio, [one]) for one in layers]
        rows.append(row("all, less what stays in the buffer", "", whole_ratio(layers), layers))
        meanings = ("each byte once", "read again", "stays in the buffer")
        headings = ["layer", "type", *columns[:4], *meanings, "ratio"]
        print_table(headings, rows, title="External memory, bytes")


def print_arena(schedule: Schedule) -> None:
    """Where every buffer lies, and from which layer to which."""
    buffers = sorted(schedule.buffers.values(), key=lambda buffer: (buffer.first, buffer.offset or 0))
    rows = [
        (_tail(b.name), b.role.value, number(b.offset), number(b.bytes), f"{b.first} to {b.last}")
        for b in buffers
    ]
    print_table(["buffer", "role", "offset", "bytes", "layers"], rows, title="Arena")


def filled(columns: Columns, layers: Iterable[Layer]) -> dict[str, list[str]]:
    """The cells of every column; those that no layer has a figure for are left out."""
    layers = list(layers)
    cells = {name: [cell(layer) for layer in layers] for name, cell in columns.items()}
    return {name: column for name, column in cells.items() if any(text != "-" for text in column)}


def _print_columns(columns: Columns, layers: Iterable[Layer]) -> None:
    cells = filled(columns, layers)
    print_table(list(cells), zip(*cells.values(), strict=True))


def _spread(least: int | None, most: int | None) -> str:
    return "" if least is None or least == most else f" ({number(least)} to {number(most)})"


def _bytes(count: int | None) -> str:
    return "-" if count is None else f"{count:,} bytes"


def _of(count: int | None, whole: int | None) -> str:
    if count is None or not whole:
        return _bytes(count)
    return f"{count:,} of {whole:,} bytes ({100 * count / whole:.1f} %)"


def _tail(name: str, length: int = 36) -> str:
    """The end of a long name, which is what tells layers apart."""
    return name if len(name) <= length else "…" + name[1 - length :]
