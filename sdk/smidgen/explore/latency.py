"""What one layer costs on a target at 8, 4 and 2 bits: built into firmware, run and counted, once.

A layer is measured by itself, with its weights rounded to each width: which kernel is the fastest that is
exact depends on weights and scales, too. Layers that are not in the cache are measured together, beside each
other in one image.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from smidgen.compile import lower_and_plan
from smidgen.compile.build import build, weights_bytes
from smidgen.compile.cache import cached, content_key
from smidgen.compile.emit import emit
from smidgen.compile.figures import Figures
from smidgen.compile.firmware import TooBig
from smidgen.compile.runtime import model_flags
from smidgen.compile.sources import kernel_headers
from smidgen.compress.batches import Track, untracked
from smidgen.compress.layers import weight_layers
from smidgen.compress.requantize import BITS, requantize_weights
from smidgen.device import open_device
from smidgen.device.simulators import verilator
from smidgen.errors import BuildError, Problem, UsageError
from smidgen.golden import golden_inputs
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.packing import storage_bytes
from smidgen.paths import cache_folder
from smidgen.targets import Target
from smidgen.targets.types import MEMORY_KINDS
from smidgen.toolchains import find_compiler

_SEED = 3
_KIND = "latency"
_COUNTING = ("verilator", "qemu", "rp2040js")
# Of the target's memories, for layers that are measured together; the agent needs some, too.
_SHARE = 0.4
_TOGETHER = 24


@dataclass(frozen=True)
class LayerCost:
    """taken: cycles, or instructions where the target counts no cycles; weight_bytes: weights, biases and
    requantization parameters as the target stores them."""

    taken: float
    weight_bytes: int


@dataclass(frozen=True)
class ModelCost:
    """A whole model, built and run: `taken` as above, from call to return, and bytes of the image."""

    unit: str
    taken: float
    weight_bytes: int
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int


# (layer's id, bits) -> cost
Latencies = Mapping[tuple[str, int], LayerCost]


def check_counts(target: Target) -> None:
    """Raise UsageError unless the target counts cycles or instructions without a board at hand."""
    if target.runner.kind not in _COUNTING:
        fix = "choose one that runs in a simulator or an emulator (see `smidgen targets`)"
        raise UsageError(
            Problem(f"target '{target.name}'", "counts neither cycles nor instructions here", fix)
        )


def measure_layers(
    graph: Graph, target: Target, optimize: str = "speed", track: Track = untracked
) -> Latencies:
    """The cost of every layer that has weights, at every width.

    graph: the int8 model. A layer that does not fit alone at some width, with which no model can be built,
    takes there what it takes at the next narrower one. Raises UsageError for a target that counts nothing,
    BuildError for a layer that does not fit alone at any width.
    """
    check_counts(target)
    at = {bits: graph if bits == 8 else requantize_weights(graph, bits) for bits in BITS}
    layers = [node.id for node in weight_layers(graph)]
    wanted = {(layer, bits): _alone(at[bits], layer) for layer in layers for bits in BITS}
    tools = _tools(target, optimize)
    keys = {
        layer: content_key([*tools, *_sources(alone, target, optimize)]) for layer, alone in wanted.items()
    }
    missing = {key: wanted[layer] for layer, key in keys.items() if not _path(key).is_file()}
    chunks = list(_chunks(list(missing.items()), target))
    too_big: set[str] = set()
    for chunk in track(chunks, f"measuring layers on {target.name}") if chunks else ():
        costs = _measured([alone for _, alone in chunk], target, optimize)
        for (key, _), cost in zip(chunk, costs, strict=True):
            if cost is None:
                too_big.add(key)
            else:
                _store(key, cost)
    latencies: dict[tuple[str, int], LayerCost] = {}
    for layer in layers:
        taken = None
        for bits in sorted(BITS):
            key, alone = keys[layer, bits], wanted[layer, bits]
            if key not in too_big:
                cost = LayerCost(**json.loads(_path(key).read_text()))
            elif taken is not None:
                cost = LayerCost(taken, _needs([alone])["flash"])
            else:
                what = f"does not fit target '{target.name}' alone, even with {bits}-bit weights"
                fix = "make the model smaller, or take a target with more memory"
                raise BuildError(Problem(f"layer '{layer}'", what, fix))
            latencies[layer, bits], taken = cost, cost.taken
    return latencies


def measure_model(graph: Graph, target: Target, optimize: str = "speed") -> ModelCost:
    """Build and run the whole integer model; its input does not change what it takes by much.

    Raises UsageError for a target that counts nothing, BuildError when the model does not fit.
    """
    check_counts(target)
    with tempfile.TemporaryDirectory(prefix="smidgen-") as folder:
        bundle = build(graph, target, folder, optimize)
        assert bundle.plan is not None
        schedule = bundle.plan.schedule
        with open_device(target, bundle) as device:
            ran = device.run(golden_inputs([(port.shape, port.dtype) for port in schedule.inputs], _SEED))
        figures = bundle.figures
    taken = ran.instructions if ran.cycles is None else ran.cycles
    assert taken is not None and figures.flash_bytes is not None and figures.ram_bytes is not None
    return ModelCost(
        unit="instructions" if ran.cycles is None else "cycles",
        taken=taken,
        weight_bytes=figures.weights_bytes,
        flash_bytes=figures.flash_bytes,
        ram_bytes=figures.ram_bytes,
        arena_bytes=schedule.arena_bytes,
    )


def _path(key: str) -> Path:
    return cache_folder() / _KIND / key / "cost.json"


def _store(key: str, cost: LayerCost) -> None:
    cached(_KIND, key, lambda folder: _write(folder / "cost.json", cost))


def _write(path: Path, cost: LayerCost) -> None:
    path.write_text(json.dumps(asdict(cost)), encoding="utf-8")


def _alone(graph: Graph, layer: str) -> Graph:
    """One layer of the graph by itself."""
    node = next(node for node in graph.nodes if node.id == layer)
    names = [name for name in (*node.inputs, *node.outputs) if name is not None]
    tensors = {name: graph.tensor(name) for name in names}
    return Graph("layer", tensors, (replace(node, id="layer"),), (names[0],), node.outputs)


def _tools(target: Target, optimize: str) -> list[str]:
    """What builds, runs and counts: a layer's cost depends on these, too."""
    tools = [find_compiler(target.toolchain.compiler).version, *model_flags(target, optimize)]
    if target.runner.kind == "verilator":
        tools.append(verilator.build(target.runner.configuration).name)
    return [*tools, target.runner.kind, target.runner.machine]


def _sources(alone: Graph, target: Target, optimize: str) -> list[str]:
    schedule = lower_and_plan(alone, target, optimize)[0].schedule
    sources = emit(schedule, Figures(weights_bytes(schedule)), target.name, optimize, ())
    return [f"{name}\n{text}" for name, text in (*sources.items(), *kernel_headers(schedule).items())]


def _chunks(missing: Sequence[tuple[str, Graph]], target: Target) -> Iterator[list[tuple[str, Graph]]]:
    """Layers that fit the target's memories together, by the size of their tensors and weights."""
    limits = {
        kind: _SHARE * memory.length for kind in MEMORY_KINDS if (memory := target.memory_of_kind(kind))
    }
    chunk: list[tuple[str, Graph]] = []
    for key, alone in missing:
        needs = _needs([*(graph for _, graph in chunk), alone])
        full = len(chunk) == _TOGETHER or any(needs[kind] > limit for kind, limit in limits.items())
        if chunk and full:
            yield chunk
            chunk = []
        chunk.append((key, alone))
    if chunk:
        yield chunk


def _needs(graphs: Sequence[Graph]) -> dict[str, int]:
    """Bytes that layers take beside each other, by kind of memory."""
    inputs = {name: graph.tensor(name).elements for graph in graphs for name in graph.inputs}
    outputs = [graph.tensor(name).elements for graph in graphs for name in graph.outputs]
    constants = [tensor for graph in graphs for tensor in graph.tensors.values() if tensor.is_constant]
    return {
        "flash": sum(storage_bytes(tensor.dtype, tensor.elements) for tensor in constants),
        "ram": sum(inputs.values()) + sum(outputs),
    }


def _beside(graphs: Sequence[Graph]) -> Graph:
    """One graph of many layers, each with an output of its own; what several read they share."""
    tensors: dict[str, Tensor] = {}
    nodes: list[Node] = []
    for index, graph in enumerate(graphs):
        (node,) = graph.nodes
        names = {name: name if name in graph.inputs else f"{name} {index}" for name in graph.tensors}
        tensors |= {names[name]: replace(tensor, name=names[name]) for name, tensor in graph.tensors.items()}
        inputs, outputs = (
            tuple(None if name is None else names[name] for name in side)
            for side in (node.inputs, node.outputs)
        )
        nodes.append(Node(f"layer{index}", node.operator, inputs, tuple(map(str, outputs))))
    inputs = tuple(dict.fromkeys(str(node.inputs[0]) for node in nodes))
    return Graph("layers", tensors, tuple(nodes), inputs, tuple(node.outputs[0] for node in nodes))


def _measured(layers: Sequence[Graph], target: Target, optimize: str) -> list[LayerCost | None]:
    """What each layer takes, None for one that does not fit; beside each other where they fit so."""
    try:
        return [*_measure(_beside(layers), target, optimize)]
    except TooBig:
        if len(layers) == 1:
            return [None]
        return [cost for layer in layers for cost in _measured([layer], target, optimize)]


def _measure(graph: Graph, target: Target, optimize: str) -> list[LayerCost]:
    """The cost of each node of the graph."""
    taken, stored = dict.fromkeys((node.id for node in graph.nodes), 0.0), {}
    with tempfile.TemporaryDirectory(prefix="smidgen-") as folder:
        bundle = build(graph, target, folder, optimize)
        assert bundle.plan is not None
        schedule = bundle.plan.schedule
        with open_device(target, bundle) as device:
            inputs = golden_inputs([(port.shape, port.dtype) for port in schedule.inputs], _SEED)
            counts = device.profile(inputs).layers
    for call, count in zip(schedule.calls, counts, strict=True):
        spent = count.instructions if count.cycles is None else count.cycles
        assert spent is not None
        (layer,) = {node.split("_")[0] for node in call.nodes}
        taken[layer] += spent
        blobs = {name for name in (*call.blobs, *call.reads) if name in schedule.blobs}
        stored[layer] = stored.get(layer, 0) + sum(schedule.blobs[name].bytes for name in blobs)
    return [LayerCost(taken[node.id], stored[node.id]) for node in graph.nodes]
