"""Cross-layer equalization: channels of an activation that differ in size are made alike.

One scale per tensor spends its integers on the largest channel. What a layer writes may be multiplied channel
by channel where the layers that read it divide their weights by the same factors: the model computes what it
did (M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv
1906.04721). There the ranges of two layers' weights are made alike; here weights have a scale per output
channel, so what a layer writes costs it nothing, and the trade is between the activation's rounding and that
of the weights that read it. Factors are largest^-a * weights^b, with a and b that leave the least noise, by
formula, in what those layers compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from smidgen.compress.batches import Sample, Track, untracked
from smidgen.compress.channels import ChannelGroup, by_input, channel_groups, input_factors, with_factors
from smidgen.compress.layers import WEIGHTS
from smidgen.compress.quantize.statistics import ChannelStatistics, gather_channels
from smidgen.compress.quantize.weights import round_to, rows_of, search_scale
from smidgen.graph import Graph, Node

_EXPONENTS = (0.0, 0.5, 1.0)
# Of the largest channel: smaller ones are not raised further, since samples may have missed what is in them.
_SMALLEST = 1 / 64
# A channel may become so many times what was seen of it before a ReLU6 cuts it.
_HEADROOM = 1.25
_STEPS = 255  # of an int8 activation's range

Statistics = Mapping[str, ChannelStatistics]


def equalize(
    graph: Graph, samples: Sequence[Sample], bits: int | Mapping[str, int] = 8, track: Track = untracked
) -> Graph:
    """The float graph with factors where they help; names stay, outputs too but for float's rounding.

    Behind a ReLU6, where a channel is raised only as far as the samples leave room, this holds for the
    samples and for what exceeds them by a quarter. bits: of the weights that the graph is to get, as
    `quantize` takes them.
    Raises ModelError when the model gives a value that is no finite number.
    """
    groups = channel_groups(graph)
    if not groups:
        return graph
    readers = {node.id: node for node in graph.nodes if any(node.id in group.readers for group in groups)}
    names = {name for group in groups for name in group.tensors}
    names |= {node.outputs[0] for node in readers.values()}
    statistics = gather_channels(graph, samples, sorted(names), track)
    for group in groups:
        factors = choose_factors(graph, group, statistics, bits)
        if (factors != 1).any():
            graph = with_factors(graph, group, factors)
    return graph


def choose_factors(
    graph: Graph, group: ChannelGroup, statistics: Statistics, bits: int | Mapping[str, int]
) -> np.ndarray:
    """The factors that leave the least noise; ones where none helps."""
    readers = [node for node in graph.nodes if node.id in group.readers]
    largest = np.max([statistics[name].largest for name in group.tensors], axis=0)
    weights = np.max([_largest_weights(graph, node, group.channels) for node in readers], axis=0)
    best = np.ones(group.channels)
    if not largest.max() or not weights.max():
        return best
    least = _noise(graph, group, readers, statistics, best, bits)
    for a, b in product(_EXPONENTS, _EXPONENTS):
        factors = _bounded(group, statistics, _relative(largest) ** -a * _relative(weights) ** b)
        noise = _noise(graph, group, readers, statistics, factors, bits)
        if noise < least:
            best, least = factors, noise
    return best


def _relative(sizes: np.ndarray) -> np.ndarray:
    return np.maximum(sizes / sizes.max(), _SMALLEST)


def _largest_weights(graph: Graph, node: Node, channels: int) -> np.ndarray:
    weights = graph.tensor(node.inputs[WEIGHTS]).data
    assert weights is not None
    return np.abs(by_input(node, weights, channels)).reshape(channels, -1).max(axis=1).astype(np.float64)


def _bounded(group: ChannelGroup, statistics: Statistics, factors: np.ndarray) -> np.ndarray:
    """Factors under which no ReLU6 cuts more than it did: it has one bound for all channels, so those that
    reach it keep their size, and the others grow as far as there is room."""
    for name, bound in group.bounds.items():
        room = bound / np.maximum(statistics[name].largest * _HEADROOM, bound * _SMALLEST)
        factors = np.clip(factors, 1.0, np.maximum(room, 1.0))
    return factors


def _noise(
    graph: Graph,
    group: ChannelGroup,
    readers: Sequence[Node],
    statistics: Statistics,
    factors: np.ndarray,
    bits: int | Mapping[str, int],
) -> float:
    """Power of the noise that rounding activations and weights leaves in what the readers compute, each of
    its output's power; inputs are taken to be independent."""
    steps = [(statistics[name].largest * factors).max() / _STEPS for name in group.tensors]
    activation = sum(step**2 for step in steps) / 12
    total = 0.0
    for node in readers:
        weights = graph.tensor(node.inputs[WEIGHTS]).data
        assert weights is not None
        scaled = weights / input_factors(node, weights, factors)
        rows = rows_of(node, scaled)
        number = bits.get(node.id, 8) if isinstance(bits, Mapping) else bits
        scale = search_scale(rows, number)
        scale = np.where(scale > 0, scale, 1.0)
        errors = round_to(rows, scale, number) * scale[:, None] - rows
        power = input_factors(node, weights, statistics[node.inputs[0]].power * factors**2)
        read = rows_of(node, np.broadcast_to(power, weights.shape))
        noise = activation * np.square(rows).sum() + (np.square(errors) * read).sum()
        total += float(noise) / max(float(statistics[node.outputs[0]].power.sum()), 1e-30)
    return total
