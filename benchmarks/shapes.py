"""Single layers of many shapes on the core with Xmidge: how slow can a layer be, and why?"""

from __future__ import annotations

from benchmarks import measure
from benchmarks.samples import LARGER, SHOWN, TYPES, Sample, measure_all, one_graph
from benchmarks.table import Figures, print_figures
from smidgen.compile.kernels.midge.trim import trimmed
from smidgen.graph import Tensor
from smidgen.graph.operators import DepthwiseConv2D, FullyConnected
from smidgen.report.tables import number, percent, print_table, signed_percent
from smidgen.run.result import Layer

TARGET = "midge"
BAR = 0.5  # MAC/cycle


def print_all(progress: measure.Progress) -> Figures:
    ours: Figures = {}
    for dtype in TYPES:
        measured = measure_all(TARGET, dtype, progress)
        measured.sort(key=lambda pair: pair[1].macs_per_cycle or 0)
        _print_worst(measured[:SHOWN], f"The {SHOWN} worst of {len(measured)} shapes, weights {dtype.value}")
        for text, rates in (
            ("of a shape", [layer.macs_per_cycle for _, layer in measured]),
            (
                "of a shape that can reach it",
                [one.macs_per_cycle for sample, one in measured if _best(sample, one) >= BAR],
            ),
            (
                f"of a shape with {LARGER:,} MACs and more",
                [one.macs_per_cycle for _, one in measured if one.macs >= LARGER],
            ),
        ):
            ours[f"worst MAC/cycle {text}, w{dtype.bits}"] = {"all": min(rates)}
    print_figures(ours)
    return ours


def _print_worst(measured: list[tuple[Sample, Layer]], title: str) -> None:
    rows = [
        (
            sample.text,
            layer.kernel,
            number(layer.macs),
            number(layer.cycles),
            number(layer.macs_per_cycle, 2),
            number(layer.roof_macs_per_cycle, 2),
            percent(layer.roof_share),
            (layer.bound or "-").replace("_", " "),
            signed_percent(layer.prediction_error),
            why(sample, layer),
        )
        for sample, layer in measured
    ]
    print_table(
        [
            "layer",
            "kernel",
            "MACs",
            "cycles",
            "MAC/cycle",
            "roof, MAC/cycle",
            "of roof",
            "bound by",
            "error of the prediction",
            "why",
        ],
        rows,
        title=title,
    )


def why(sample: Sample, layer: Layer) -> str:
    """What most of the cycles go into."""
    if layer.roof_cycles is None or layer.cycles is None:
        return "a portable kernel: no instructions of Xmidge"
    if (layer.macs_per_cycle or 0) < BAR:
        parts = _least(sample)
        total = sum(parts.values())
        listed = ", ".join(f"{name} {number(cycles)}" for name, cycles in parts.items())
        return (
            f"its instructions alone take {number(total)} cycles ({listed}): {layer.macs / total:.2f} at best"
        )
    if layer.roof_cycles >= layer.cycles / 2:
        return f"the {(layer.bound or '').replace('_', ' ')} is busy most of the time"
    rest = layer.cycles - layer.roof_cycles
    return (
        f"{number(rest)} cycles, {rest / layer.output_bytes:.1f} for each output, go into the call, its "
        "parameters, the loops around the work, and filling and draining the pipelines"
    )


def _best(sample: Sample, layer: Layer) -> float:
    """MAC/cycle that the instructions for its operator allow."""
    return layer.macs / sum(_least(sample).values())


def _least(sample: Sample) -> dict[str, float]:
    """The cycles of those instructions that the layer cannot do without (docs/xmidge.md), with nothing around
    them but the jumps to it and back (docs/midge.md). Multiplier and shift belong to each channel here, and
    depthwise weights may lie in memory as bytes, whatever their width."""
    weights, y = _weights(sample), sample.tensors[-1]
    channels, bits = y.shape[-1], weights.dtype.bits
    windows = y.elements // channels
    is_one = windows == 1
    parts = {"call and return": 3 + 3, "parameters": 3 + 2 * channels + -(-channels // 4)}
    if isinstance(sample.node.operator, DepthwiseConv2D):
        blocks, (height, width) = -(-channels // 4), weights.shape[1:3]
        # shape, output, window, position; steps of columns and outputs
        parts["registers"] = 2 * (4 if is_one else 6)
        parts["weights"] = 4 * blocks * (1 + min(width * -(-height // 4), height * -(-width // 4)))
        parts["columns"] = 2 * blocks * windows
        calls = blocks * -(-windows // 16)
    else:
        inputs = weights.elements // channels
        steps = -(-inputs * bits // 32)
        # shape, output; steps of pixels and outputs
        parts["registers"] = 2 * (2 if is_one else 4)
        parts["weights"] = -(-windows // 4) * steps * channels
        parts["inputs"] = -(-inputs // 4) * windows
        calls = -(-channels // (64 if is_one else 16)) * -(-windows // 4)
    return {**parts, "requantization": y.elements + 7 * calls}


def _weights(sample: Sample) -> Tensor:
    """Without rows and columns that see nothing but padding."""
    if isinstance(sample.node.operator, FullyConnected):
        return sample.tensors[1]
    graph, node = trimmed(one_graph([sample], "shape"), sample.node)
    return graph.tensor(node.inputs[1])
