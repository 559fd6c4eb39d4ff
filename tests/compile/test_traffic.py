"""What the neural engine moves, from its lists: each byte once, and again what its buffers cannot hold."""

from __future__ import annotations

import numpy as np
import pytest
from compile_graphs import constant, graph, tensor

from smidgen.compile import lower_and_plan
from smidgen.compile.traffic import Traffic, traffic, whole_ratio
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D
from smidgen.graph.operators.base import Padding
from smidgen.targets import load_target

BUFFER = 32 << 10
MOST = 1.15
REQUANTIZATION = 4 + 8  # bias; multiplier and shift


def convolutions(size: int, channels: int, count: int = 1) -> Graph:
    """3 x 3, with as many outputs as inputs, one after the other."""
    generator = np.random.default_rng(size)
    shape = (1, size, size, channels)
    tensors, nodes = [tensor("t0", shape)], []
    for index in range(count):
        weights = generator.integers(-127, 128, (channels, 3, 3, channels)).astype(np.int8)
        tensors += [constant(f"w{index}", weights, 0.01), tensor(f"t{index + 1}", shape, 20.0)]
        tensors.append(constant(f"b{index}", np.arange(channels, dtype=np.int32), 0.005))
        names = (f"t{index}", f"w{index}", f"b{index}")
        nodes.append(Node(f"c{index}", Conv2D(padding=Padding(1, 1, 1, 1)), names, (f"t{index + 1}",)))
    return graph(tensors, nodes, ["t0"], [f"t{count}"])


def moved(model: Graph) -> list[Traffic]:
    target = load_target("fpga-sim-sdram")
    return traffic(lower_and_plan(model, target)[0], target.engine)


@pytest.mark.parametrize(
    ("size", "channels", "rows_again", "weights_again"),
    [(8, 32, False, False), (40, 32, True, False), (24, 64, True, True)],
    ids=["all fits", "rows do not fit", "neither rows nor weights fit"],
)
def test_a_layer_moves_each_byte_once_and_what_does_not_fit_again(
    size: int, channels: int, rows_again: bool, weights_again: bool
) -> None:
    (layer,) = moved(convolutions(size, channels))
    activations, weights = size * size * channels, channels * (9 * channels + REQUANTIZATION)
    assert rows_again == (2 * activations > BUFFER)
    assert layer.least == 2 * activations + weights
    assert layer.outputs == activations
    assert (layer.inputs > activations) == rows_again
    assert layer.weights >= weights
    assert (layer.weights > 1.5 * weights) == weights_again
    assert layer.inside == 0
    assert layer.moved <= MOST * (layer.least + layer.forced)
    assert layer.forced >= layer.inputs - activations


def test_what_stays_in_the_buffer_is_not_moved() -> None:
    size, channels, count = 8, 32, 3
    layers = moved(convolutions(size, channels, count))
    activations, weights = size * size * channels, channels * (9 * channels + REQUANTIZATION)
    assert [layer.name for layer in layers] == [f"c{index}" for index in range(count)]
    assert [layer.inside for layer in layers] == [activations, 2 * activations, activations]
    assert sum(layer.moved for layer in layers) <= MOST * (2 * activations + count * weights)
    assert 1 <= whole_ratio(layers) <= MOST
    assert all(layer.ratio < 1 for layer in layers)
