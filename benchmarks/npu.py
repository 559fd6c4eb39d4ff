"""The models at 8, 4 and 2 bits on the core with the neural engine beside it: cycles, use of the array and
what it waited for, layer by layer; then with weights, inputs and outputs in external memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import measure
from benchmarks.layers import BITS, KINDS, kind_of, with_bits
from benchmarks.table import Figures, millions, peer, print_figures, quotient
from smidgen.compile import lower_and_plan
from smidgen.compile.traffic import Traffic, traffic, whole_ratio
from smidgen.graph import Graph, Node
from smidgen.importers import load_model
from smidgen.report.engine import FIGURES, figures
from smidgen.report.tables import number, percent, print_table
from smidgen.run.engine import EngineUse
from smidgen.run.result import Result
from smidgen.targets import load_target

TARGET, EXTERNAL = "fpga-sim", ("fpga-sim-sdram",)
INPUTS = 2
JUDGED = ("convolution", "pointwise", "depthwise")
JUDGED_INPUTS = 16  # channels from which on a layer is judged by its use of the array
AT_MOST, AT_LEAST = "bar: at most", "bar: at least"
CYCLES = "cycles with the engine"
USE = "use of the array, {}, %"
SPEED = "simulator with the engine, million cycles per CPU second"
SLOWER = "cycles from {}, to those from block RAM"
MOVED = "bytes moved from and to {}, to the least, worst layer"


@dataclass(frozen=True, eq=False)
class Row:
    """One layer on the engine. bar: least use of the array, where the layer is judged by it."""

    kind: str
    use: EngineUse
    bar: float | None

    @property
    def met(self) -> str:
        return "-" if self.bar is None else "yes" if (self.use.array_use or 0) >= self.bar else "no"


@dataclass(frozen=True, eq=False)
class Outside:
    """A model on a target with external memory."""

    result: Result
    layers: list[Traffic]


# (model, bits) -> what was measured; (target, model) -> the same from external memory
Results = Mapping[tuple[str, int], tuple[Result, list[Row]]]
OutsideResults = Mapping[tuple[str, str], Outside]


def print_all(files: dict[str, Path], progress: measure.Progress) -> Figures:
    results, outside = {}, {}
    for name, path in files.items():
        graph = load_model(path)
        for bits in BITS:
            progress(f"{name}: {TARGET}, weights of {bits} bits")
            one = with_bits(graph, bits)
            result = measure.run_checked(one, TARGET, INPUTS)
            results[name, bits] = result, list(_rows(one, result))
        for target in EXTERNAL:
            progress(f"{name}: {target}")
            loaded = load_target(target)
            plan, _ = lower_and_plan(graph, loaded, "speed")
            moved = traffic(plan, loaded.engine) if loaded.engine else []
            outside[target, name] = Outside(measure.run_checked(graph, target, 1), moved)
    progress("the simulator's speed")
    largest = max(files.values(), key=lambda path: path.stat().st_size)
    simulation = measure.build_and_run(largest, TARGET, "speed").simulation
    for (name, bits), (_, rows) in results.items():
        _print_layers(f"{name}, weights of {bits} bits", rows)
    for (target, name), one in outside.items():
        _print_traffic(f"{name} on {target}", one)
    _print_worst(results)
    _print_models(results)
    ours = _figures(results, outside)
    ours[SPEED] = {"all": simulation.cycles / simulation.cpu_seconds / 1e6}
    print_figures({quantity: row for quantity, row in ours.items() if quantity[-4:-1] != ", w"})
    return ours


def _rows(graph: Graph, result: Result) -> Iterator[Row]:
    nodes = {node.id: node for node in graph.nodes}
    for layer in result.layers:
        for use in layer.engine.parts or (layer.engine,) if layer.engine else ():
            node = nodes[use.name]
            kind = kind_of(graph, node)
            is_judged = kind in JUDGED and _input_channels(graph, node) >= JUDGED_INPUTS
            yield Row(kind, use, peer(USE.format(kind), AT_LEAST)["all"] / 100 if is_judged else None)


def _input_channels(graph: Graph, node: Node) -> int:
    return graph.tensor(node.inputs[0]).shape[-1]


def _print_models(results: Results) -> None:
    """Cycles of whole inferences, millions, beside the bars."""
    bars, rows = peer(CYCLES, AT_MOST), []
    for name in dict.fromkeys(name for name, _ in results):
        ours = [results[name, bits][0] for bits in BITS]
        judged = [row for bits in BITS for row in results[name, bits][1] if row.bar is not None]
        rows.append(
            (
                name,
                number(ours[0].macs / 1e6, 2),
                millions([bars.get(name)]),
                millions(result.cycles for result in ours),
                " / ".join(_within(result.cycles, bars.get(name)) for result in ours),
                " / ".join(number(quotient(result.macs, result.cycles), 1) for result in ours),
                " / ".join(number(result.mismatched_bytes) for result in ours),
                f"{sum(row.met == 'yes' for row in judged)} of {len(judged)}",
            )
        )
    headings = [
        "model",
        "M MAC",
        "bar",
        "ours",
        "within",
        "MAC/cycle",
        "wrong bytes",
        "layers that reach their bar",
    ]
    widths = " / ".join(map(str, BITS))
    title = f"Million cycles on {TARGET}, input to output, weights of {widths} bits; {INPUTS} inputs of each"
    print_table(headings, rows, title=title)


def _print_layers(title: str, rows: list[Row]) -> None:
    """Every layer on the engine: use of the array, and where its cycles went."""
    if not rows:
        print(f"{title}: no layer runs on the engine\n")
        return
    cells = [(row.use.name, row.kind, row.use.shape, *figures(row.use), *_bar(row)) for row in rows]
    print_table(["layer", "kind", "shapes", *FIGURES, "bar", "met"], cells, title=title)


def _print_worst(results: Results) -> None:
    """Of each kind that has a bar, model and width: the layer that uses the array least."""
    cells = []
    for kind in JUDGED:
        for (name, bits), (_, rows) in results.items():
            judged = [row for row in rows if row.kind == kind and row.bar is not None]
            if judged:
                worst = min(judged, key=lambda row: row.use.array_use or 0)
                cells.append(
                    (kind, name, bits, worst.use.name, worst.use.shape, *figures(worst.use), *_bar(worst))
                )
    title = (
        f"The layers with the least use of the array, of those with {JUDGED_INPUTS} and more input channels"
    )
    print_table(["kind", "model", "bits", "layer", "shapes", *FIGURES, "bar", "met"], cells, title=title)


def _print_traffic(title: str, outside: Outside) -> None:
    """Every layer on the engine: what it moves from and to external memory."""
    columns = ("weights", "inputs", "outputs", "moved", "least", "forced", "inside")
    cells = [
        (
            layer.name,
            layer.type_name,
            *(number(getattr(layer, name)) for name in columns),
            number(layer.ratio, 3),
        )
        for layer in outside.layers
    ]
    if not cells:
        print(f"{title}: no layer runs on the engine\n")
        return
    headings = ["layer", "type", *(f"{name} B" for name in columns), "moved / (least + forced)"]
    whole = number(whole_ratio(outside.layers), 3)
    print_table(headings, cells, title=f"{title}; all together {whole}")


def _bar(row: Row) -> tuple[str, str]:
    return percent(row.bar, 0), row.met


def _within(cycles: float | None, bar: float | None) -> str:
    return "-" if bar is None or cycles is None else "yes" if cycles <= bar else "no"


def _figures(results: Results, outside: OutsideResults) -> Figures:
    """Those with a width in their name are in the tables above."""
    ours: Figures = {}

    def put(quantity: str, column: str, value: float | None) -> None:
        ours.setdefault(quantity, {})[column] = value

    for (name, bits), (result, rows) in results.items():
        put(f"{CYCLES}, w{bits}", name, result.cycles)
        for kind in KINDS:
            uses = [row.use.array_use for row in rows if row.kind == kind and row.use.array_use is not None]
            if uses:
                put(f"{USE.format(kind)}, least, w{bits}", name, 100 * min(uses))
        error = result.prediction_error
        put(f"error of the predicted cycles, %, w{bits}", name, None if error is None else 100 * error)
    for (target, name), one in outside.items():
        put(SLOWER.format(target), name, quotient(one.result.cycles, results[name, 8][0].cycles))
        if one.layers:
            put(MOVED.format(target), name, max(layer.ratio for layer in one.layers))
    return ours
