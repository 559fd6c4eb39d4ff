"""Why LiteRT differs: its FULLY_CONNECTED rounds the requantization once, TensorFlow Lite Micro's twice.

TensorFlow Lite Micro takes a rounding doubling high multiply and then a rounding shift; LiteRT 2.3 rounds the
64-bit product once. A difference is explained when every operator, given LiteRT's own input tensors, gives
LiteRT's own output with our arithmetic, or, for FULLY_CONNECTED, with one rounding instead of two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import FullyConnected, Lstm
from smidgen.graph.reference import Reference
from smidgen.graph.reference.matmul import fully_connected_parameters
from smidgen.oracles import open_oracle


@dataclass(frozen=True)
class Explanation:
    """complete: the rounding accounts for every byte that differs; text: in words."""

    complete: bool
    text: str


def explain(model: Path, graph: Graph, samples: Sequence[Sequence[np.ndarray]]) -> Explanation:
    """Check every operator on LiteRT's own tensors."""
    rounded: dict[str, int] = {}
    unexplained: dict[str, int] = {}
    with closing(open_oracle("litert", model, graph, keep_tensors=True)) as oracle:
        for sample in samples:
            tensors = {**oracle.run(sample).tensors, **dict(zip(graph.inputs, sample, strict=True))}
            for node in graph.nodes:
                _check(graph, node, tensors, rounded, unexplained)
    if unexplained:
        listed = ", ".join(f"'{name}' ({count} bytes)" for name, count in unexplained.items())
        return Explanation(False, f"These operators differ from LiteRT's on the same inputs: {listed}.")
    layers = ", ".join(f"'{node.id}'" for node in graph.nodes if isinstance(node.operator, Lstm))
    if layers:
        what = "LiteRT's integer LSTM rounds unlike TensorFlow Lite Micro's, which Smidgen's equals"
        return Explanation(False, f"{what}. The model has {layers}; every other operator was compared.")
    total = sum(rounded.values())
    if not total:
        return Explanation(False, "Every operator agrees with LiteRT's on the same inputs.")
    return Explanation(
        True,
        "Explained: LiteRT rounds FULLY_CONNECTED once, TensorFlow Lite Micro (and Smidgen) twice. Given "
        f"LiteRT's own tensors, {total:,} bytes of {len(rounded)} FULLY_CONNECTED operators differ by that "
        "rounding alone; every other operator gives the same bytes.",
    )


def _check(
    graph: Graph,
    node: Node,
    tensors: Mapping[str, np.ndarray],
    rounded: dict[str, int],
    unexplained: dict[str, int],
) -> None:
    """Count the bytes of one operator that differ, by cause."""
    names = [name for name in node.inputs if name is not None and not graph.tensor(name).is_constant]
    if not all(name in tensors for name in (*names, *node.outputs)):
        return
    unique = tuple(dict.fromkeys(names))
    alone = Graph(node.id, graph.tensors, (node,), unique, node.outputs)
    inputs = [tensors[name].reshape(graph.tensor(name).shape) for name in unique]
    ours = Reference(alone).run(inputs).outputs
    for name, array in zip(node.outputs, ours, strict=True):
        theirs = tensors[name].reshape(array.shape)
        different = int((array != theirs).sum())
        if not different:
            continue
        if isinstance(node.operator, FullyConnected) and np.array_equal(
            _rounded_once(graph, node, inputs[0]), theirs
        ):
            rounded[node.id] = rounded.get(node.id, 0) + different
        else:
            unexplained[node.id] = unexplained.get(node.id, 0) + different


def _rounded_once(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray | None:
    """FULLY_CONNECTED with LiteRT's rounding; None where it is not an int8 one with constant weights."""
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    if output.dtype is not DType.I8 or weights.data is None:
        return None
    p = fully_connected_parameters(graph, node)
    values = x.reshape(-1, weights.shape[1]).astype(np.int64) - p.input_zero_point
    total = (values.astype(np.float64) @ weights.data.T.astype(np.float64)).astype(np.int64)
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        total = total + graph.tensor(node.inputs[2]).data
    total_shift = 31 - p.shift.astype(np.int64)
    product = total * p.multiplier.astype(np.int64)
    result = (product + (np.int64(1) << (total_shift - 1))) >> total_shift
    return np.clip(result + p.output_zero_point, *p.clamp).astype(np.int8).reshape(output.shape)
