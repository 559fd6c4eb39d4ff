"""Tables of what placed and routed systems take of an ECP5, and of what the parts of an extension cost."""

from __future__ import annotations

import json
import statistics
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Logic cells (TRELLIS_COMB) that nextpnr makes of a cell of Yosys's netlist.
LOGIC_CELLS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
PART_CELLS = ("LUT4", "CCU2C", "TRELLIS_DPR16X4", "TRELLIS_FF", "MULT18X18D", "DP16KD")


@dataclass(frozen=True)
class Placed:
    """A configuration after place and route: cells by type, and Fmax in MHz for each seed."""

    configuration: str
    cells: Mapping[str, int]
    speeds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.speeds)


def print_placed(systems: list[Placed]) -> None:
    """A row for each resource; with two systems also what the second takes beyond the first."""
    pair = len(systems) == 2
    row = [system.configuration for system in systems] + ["difference"] * pair
    print(f"{'':36}" + "".join(f"{text:>18}" for text in row))
    for name in systems[0].cells:
        counts = [system.cells[name] for system in systems]
        row = [f"{count:,}" for count in counts] + ([f"{counts[1] - counts[0]:+,}"] if pair else [])
        print(f"{name:36}" + "".join(f"{text:>18}" for text in row))
    row = [" ".join(f"{speed:.1f}" for speed in system.speeds) for system in systems]
    print(f"{'Fmax of each seed, MHz':36}" + "".join(f"{text:>18}" for text in row))
    row = [f"{system.median:.1f}" for system in systems]
    row += [f"{100 * systems[1].median / systems[0].median:.1f} %"] if pair else []
    print(f"{'Fmax, median, MHz':36}" + "".join(f"{text:>18}" for text in row))


def cells_of_parts(statistics_file: Path, top: str, below_parts: set[str]) -> dict[str, Counter[str]]:
    """Cells by type of each kind of module, all instances together, from `stat -json` of a hierarchy.

    Modules are named `kind$path.of.the.instance`, the top module without a path. The cells of a module whose
    kind is in `below_parts` count as those of the module around it.
    """
    modules = json.loads(statistics_file.read_text())["modules"]
    kinds = {path or top: kind for kind, _, path in (name.lstrip("\\").partition("$") for name in modules)}
    parts: dict[str, Counter[str]] = {}
    for name, module in modules.items():
        path = name.partition("$")[2] or top
        while kinds.get(path, next(iter(below_parts), "")) in below_parts:
            path = path.rpartition(".")[0]
        cells = parts.setdefault(kinds[path], Counter())
        cells.update({cell: count for cell, count in module["num_cells_by_type"].items() if cell.isupper()})
    return parts


def logic_cells(cells: Counter[str]) -> int:
    return sum(size * cells[cell] for cell, size in LOGIC_CELLS.items())


def print_parts(without: dict[str, Counter[str]], with_it: dict[str, Counter[str]]) -> None:
    """What each kind of module takes more in the second system, the largest first."""
    grown = {part: Counter(cells) for part, cells in with_it.items()}
    for part, cells in grown.items():
        cells.subtract(without.get(part, Counter()))
    print("\nBy module, each mapped on its own, before packing:")
    print(f"{'':36}{'TRELLIS_COMB':>14}" + "".join(f"{cell:>17}" for cell in PART_CELLS))
    for part, more in sorted(grown.items(), key=lambda one: -logic_cells(one[1])):
        if any(more[cell] for cell in PART_CELLS):
            print(f"{part:36}{logic_cells(more):>14,}" + "".join(f"{more[cell]:>17,}" for cell in PART_CELLS))


def print_rates(logic: int, rates: Path, peers: Path) -> None:
    """MAC/cycle as `make bench` measured them, for the logic of the extension, beside MaRVIn's unit.

    logic: TRELLIS_COMB, carries and distributed RAM included. rates: {name: {"macs", "cycles"}}.
    """
    print("\nMAC/cycle per 1,000 logic cells:")
    if rates.exists():
        for name, measured in json.loads(rates.read_text()).items():
            rate = measured["macs"] / measured["cycles"]
            print(f"  {name:12} {1000 * rate / logic:.2f} ({rate:.2f} MAC/cycle)")
    else:
        print("  ours is left out: `make bench` has not measured MAC/cycle yet")
    unit = "multiply-accumulate unit, "
    peer = {
        figure["quantity"].removeprefix(unit): figure["all"]
        for figure in tomllib.loads(peers.read_text())["figure"]
        if figure["quantity"].startswith(unit) and figure["whose"] == "MaRVIn"
    }
    least, most = peer["MAC/cycle, least"], peer["MAC/cycle, most"]
    theirs = peer["LUT4"] + peer["carry cells"]
    size = f"{peer['LUT4']:,} LUT4, {peer['carry cells']} carry cells, {peer['DSP']} DSP, a second clock"
    rates_of_both = f"{1000 * least / theirs:.2f} to {1000 * most / theirs:.2f}"
    print(f"  {'MaRVIn':12} {rates_of_both} ({least} to {most} MAC/cycle; {size})")
