"""The models at 8, 4 and 2 bits on the core with Xmidge, whole inferences from call to return."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks import measure
from benchmarks.layers import BITS, KINDS, Measured, with_bits
from benchmarks.table import MODELS, Figures, Peer, millions, peer, print_figures, quotient, reached
from smidgen.compress import prune_groups
from smidgen.importers import load_model
from smidgen.report.tables import number, print_table
from smidgen.run.result import Layer

TARGET, PLAIN_TARGET = "midge", "midge-rv32imc"
INPUTS = 3
PORT_BITS = 32
FULL_MATRIX = 128  # inputs and outputs from which on a fully connected layer is judged by the port's roof
DEPTHWISE_MODELS = ("kws", "vww")
MARVIN, MUST, AIM = "MaRVIn, 3-stage", "bar: must", "bar: aim"

BY_AREA = "MAC/cycle per 1,000 TRELLIS_COMB of Xmidge, w{}"

# (model, bits) -> what was measured
Results = Mapping[tuple[str, int], Measured]


def print_all(files: dict[str, Path], progress: measure.Progress) -> Figures:
    results, sparse = {}, {}
    for name, path in files.items():
        graph = load_model(path)
        for bits in BITS:
            progress(f"{name}: {TARGET}, weights of {bits} bits")
            one = with_bits(graph, bits)
            results[name, bits] = Measured(one, measure.run_checked(one, TARGET, INPUTS))
        progress(f"{name}: {TARGET}, half of the groups of weights zero")
        sparse[name] = measure.run_checked(prune_groups(graph, 0.5), TARGET, 1).cycles
    print_models(results)
    ours = figures(results)
    ours["cycles, w8, half of the groups of weights zero"] = sparse
    progress("the simulator's speed")
    simulation = measure.build_and_run(max(files.values(), key=_size), TARGET, "speed").simulation
    speed = simulation.cycles / simulation.cpu_seconds / 1e6
    ours["simulator with Xmidge, million cycles per CPU second"] = {"all": speed}
    print_figures(ours, [_marvin_unit(end) for end in ("least", "most")])
    _write_rates(results)
    return ours


def _write_rates(results: Results) -> None:
    """For `make -C hw synth`, which prints them by the area."""
    folder = measure.REPOSITORY / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    rates = {
        f"{name} w{bits}": {"macs": measured.result.macs, "cycles": measured.result.cycles}
        for (name, bits), measured in results.items()
    }
    (folder / "xmidge.json").write_text(json.dumps(rates, indent=2) + "\n", encoding="utf-8")


def print_models(results: Results) -> None:
    """Cycles of whole inferences, millions, beside the bars and MaRVIn's."""
    rows = []
    for name in dict.fromkeys(name for name, _ in results):
        ours = [results[name, bits].result for bits in BITS]
        cycles = [result.cycles for result in ours]
        must, aim, marvin = (
            [_peer_cycles(whose, name, bits) for bits in BITS] for whose in (MUST, AIM, MARVIN)
        )
        rows.append(
            (
                name,
                number(ours[0].macs / 1e6, 2),
                millions(marvin),
                millions(must),
                millions(aim),
                millions(cycles),
                " / ".join(reached(*one) for one in zip(cycles, must, aim, strict=True)),
                _texts(quotient(*pair) for pair in zip(marvin, cycles, strict=True)),
                _texts(quotient(result.macs, result.cycles) for result in ours),
                " / ".join(number(result.mismatched_bytes) for result in ours),
            )
        )
    headings = ["model", "M MAC", MARVIN, "must", "aim", "ours", "reached", "MaRVIn / ours", "MAC/cycle"]
    title = (
        f"Million cycles on {TARGET}, weights of {' / '.join(map(str, BITS))} bits; {INPUTS} inputs of each"
    )
    print_table([*headings, "wrong bytes"], rows, title=title)


def figures(results: Results) -> Figures:
    """Everything beyond the cycles themselves."""
    ours: Figures = {}

    def put(quantity: str, column: str, value: float | None) -> None:
        ours.setdefault(quantity, {})[column] = value

    for (name, bits), measured in results.items():
        put(f"cycles, w{bits}", name, measured.result.cycles)
    for quantity, whose in (
        ("times fewer cycles than TFLM's reference kernels, w8", "TFLM, reference kernels, Ibex max"),
        ("times fewer cycles than CMSIS-NN's plain C, w8", "TFLM, CMSIS-NN plain C, Ibex max"),
    ):
        theirs = peer("cycles", whose)
        for name in MODELS:
            if (name, 8) in results:
                put(quantity, name, quotient(theirs.get(name), results[name, 8].result.cycles))
    for bits in BITS:
        _put_kinds(put, results, bits)
    for (name, bits), measured in results.items():
        error = measured.result.prediction_error
        put(f"error of the predicted cycles, %, w{bits}", name, None if error is None else 100 * error)
    for (name, bits), measured in results.items():
        errors = [100 * (layer.prediction_error or 0) for layer in measured.result.predicted]
        put(f"the same, the worst layer, %, w{bits}", name, max(errors, key=abs, default=None))
    _put_area(put, results)
    return ours


def _put_kinds(put, results: Results, bits: int) -> None:
    """MAC/cycle by kind of layer, and the two figures that have bars of their own."""
    here = {name: measured for (name, width), measured in results.items() if width == bits}
    for kind in KINDS:
        for name, measured in here.items():
            layers = [layer for _, layer in measured.layers(kind)]
            if layers:
                put(f"MAC/cycle, {kind}, w{bits}", name, _rate(layers))
    if set(DEPTHWISE_MODELS) <= set(here):
        both = [layer for name in DEPTHWISE_MODELS for _, layer in here[name].layers("depthwise")]
        put(f"MAC/cycle, depthwise of kws and vww together, w{bits}", "all", _rate(both))
    for name, measured in here.items():
        rates = [
            _rate([layer]) or 0
            for node, layer in measured.layers("fully connected")
            if min(measured.graph.tensor(node.inputs[1]).shape) >= FULL_MATRIX
        ]
        if rates:
            roof = PORT_BITS / bits
            put(f"large fully connected layers, % of the port's roof, w{bits}", name, 100 * min(rates) / roof)


def _put_area(put, results: Results) -> None:
    """What Xmidge takes of an FPGA: the core with it less the core without."""
    with_it, without = measure.synthesis(TARGET), measure.synthesis(PLAIN_TARGET)
    known = with_it is not None and without is not None
    comb = with_it.trellis_comb - without.trellis_comb if known else None
    put("Xmidge, TRELLIS_COMB", "all", comb)
    put("Xmidge, multipliers", "all", with_it.multipliers - without.multipliers if known else None)
    put("Xmidge, block RAMs", "all", with_it.block_rams - without.block_rams if known else None)
    put("Fmax with Xmidge, MHz", "all", with_it and with_it.fmax_mhz)
    put(
        "Fmax with Xmidge, % of that without",
        "all",
        100 * with_it.fmax_mhz / without.fmax_mhz if known else None,
    )
    for (name, bits), measured in results.items():
        rate = quotient(measured.result.macs, measured.result.cycles)
        put(BY_AREA.format(bits), name, quotient(rate, comb and comb / 1000))


def _marvin_unit(end: str) -> Peer:
    """MaRVIn's MAC/cycle, its least or most over models and widths, by the area of its unit."""
    rate, luts, carries = (
        peer(f"multiply-accumulate unit, {what}", "MaRVIn")
        for what in (f"MAC/cycle, {end}", "LUT4", "carry cells")
    )
    per_thousand = 1000 * rate["all"] / (luts["all"] + carries["all"])
    conditions = f"{luts['conditions']}; LUT4 and carry cells counted, {rate['all']} MAC/cycle"
    whose = f"MaRVIn's unit, {end}"
    return {
        **luts,
        "quantity": BY_AREA.format(8),
        "whose": whose,
        "all": per_thousand,
        "conditions": conditions,
    }


def _size(path: Path) -> int:
    return path.stat().st_size


def _peer_cycles(whose: str, name: str, bits: int) -> float | None:
    return peer(f"cycles, w{bits}", whose).get(name)


def _rate(layers: list[Layer]) -> float | None:
    return quotient(sum(layer.macs for layer in layers), sum(layer.cycles or 0 for layer in layers))


def _texts(values: Iterable[float | None]) -> str:
    return " / ".join(number(value, 2) for value in values)
