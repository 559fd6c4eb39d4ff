"""What the engine's kernels refuse and why, how they move data, and which layers go to the core."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import npu_layers
import numpy as np
import pytest

from smidgen.compile import lower_and_plan
from smidgen.compile.divide import divide
from smidgen.compile.kernels import kernels_for
from smidgen.compile.kernels.npu import WEIGHTS
from smidgen.compress import requantize_weights
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Add, AveragePool2D, Conv2D, DepthwiseConv2D, FullyConnected, Padding
from smidgen.importers import load_model
from smidgen.npu.descriptor import Load, Store, decode
from smidgen.targets import load_target

SEED = 11


def convolution(
    x: tuple[int, ...],
    weights: tuple[int, ...],
    y: tuple[int, ...],
    operator: Conv2D | DepthwiseConv2D | None = None,
) -> tuple[Graph, Node]:
    rng = np.random.default_rng(SEED)
    axis = 3 if isinstance(operator, DepthwiseConv2D) else 0
    constants = npu_layers.constants(rng, weights, axis, 8, 9)[:2]
    tensors = [npu_layers.tensor(rng, "x", x), *constants]
    return npu_layers.layer(operator or Conv2D(), tensors, npu_layers.tensor(rng, "y", y))


REFUSED = {
    "its 6 output channels are not a multiple of 4": convolution((1, 4, 4, 8), (6, 1, 1, 8), (1, 4, 4, 6)),
    "it has 2 images": convolution((2, 4, 4, 8), (8, 1, 1, 8), (2, 4, 4, 8)),
    "it has groups": convolution((1, 4, 4, 8), (8, 1, 1, 4), (1, 4, 4, 8)),
    "it is dilated": convolution((1, 5, 5, 8), (8, 3, 3, 8), (1, 1, 1, 8), Conv2D((1, 1), (2, 2))),
    "a row of its windows has 4096 bytes, the engine takes 4080": convolution(
        (1, 4, 4, 1024), (8, 1, 4, 1024), (1, 4, 1, 8)
    ),
    "the weights of 4 output channels need 36928 bytes, the weight buffer has 32768": convolution(
        (1, 4, 4, 1024), (8, 3, 3, 1024), (1, 2, 2, 8)
    ),
    "the rows for one row of outputs need 40960 bytes, the activation buffer has 32768": convolution(
        (1, 4, 1024, 8), (8, 4, 1, 8), (1, 1, 1024, 8)
    ),
    "its kernel is 5 columns wide, the engine's 4": convolution(
        (1, 8, 8, 8), (1, 5, 5, 8), (1, 4, 4, 8), DepthwiseConv2D()
    ),
    "it has several output channels per input channel": convolution(
        (1, 8, 8, 4), (1, 3, 3, 8), (1, 6, 6, 8), DepthwiseConv2D()
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_the_engine_cannot_do_is_refused_with_a_reason(reason: str) -> None:
    assert npu_layers.refusal(*REFUSED[reason]) == reason


def test_other_refusals() -> None:
    rng = np.random.default_rng(SEED)
    a, b = npu_layers.tensor(rng, "a", (1, 4, 4, 8)), npu_layers.tensor(rng, "b", (1, 1, 1, 8))
    assert (
        npu_layers.refusal(*npu_layers.layer(Add(), [a, b], replace(a, name="y"))) == "its inputs broadcast"
    )
    y = replace(a, name="y")
    average = AveragePool2D((3, 3), (1, 1), Padding(1, 1, 1, 1))
    assert npu_layers.refusal(*npu_layers.layer(average, [a], y)) == "its image is padded"
    x = npu_layers.tensor(rng, "x", (1, 8))
    dynamic = npu_layers.tensor(rng, "weights", (4, 8))
    graph, node = npu_layers.layer(FullyConnected(), [x, dynamic], npu_layers.tensor(rng, "y", (1, 4)))
    assert npu_layers.refusal(graph, node) == "its weights 'weights' are computed at run time"


def transfers(graph: Graph, node: Node) -> tuple[list[Load], list[Store]]:
    descriptors = [decode(words) for words in npu_layers.lowered(graph, node).blobs[0].data.reshape(-1, 16)]
    loads = [one for one in descriptors if isinstance(one, Load)]
    return loads, [one for one in descriptors if isinstance(one, Store)]


def test_what_fits_is_moved_once() -> None:
    graph, node = convolution(
        (1, 16, 16, 32), (32, 3, 3, 32), (1, 16, 16, 32), Conv2D((1, 1), (1, 1), Padding(1, 1, 1, 1))
    )
    loads, stores = transfers(graph, node)
    weights = npu_layers.lowered(graph, node).blobs[1].data.nbytes
    assert sum(one.bytes for one in loads if one.base == WEIGHTS) == weights
    assert sum(one.bytes for one in loads if one.base != WEIGHTS) == 16 * 16 * 32
    assert sum(one.bytes for one in stores) == 16 * 16 * 32


def test_rows_that_no_window_sees_are_not_loaded() -> None:
    graph, node = convolution((1, 32, 32, 16), (32, 1, 1, 16), (1, 16, 16, 32), Conv2D((2, 2)))
    loads, _ = transfers(graph, node)
    assert sum(one.bytes for one in loads if one.base != WEIGHTS) == 16 * 32 * 16


def test_narrow_weights_are_loaded_narrow() -> None:
    rng = np.random.default_rng(SEED)
    bytes_of = {}
    for bits in (8, 4, 2):
        x = npu_layers.tensor(rng, "x", (1, 256))
        constants = npu_layers.constants(rng, (128, 256), 0, bits, 256)[:2]
        y = npu_layers.tensor(rng, "y", (1, 128))
        loads, _ = transfers(*npu_layers.layer(FullyConnected(), [x, *constants], y))
        bytes_of[bits] = sum(one.bytes for one in loads if one.base == WEIGHTS) - 128 // 4 * 64
    assert bytes_of == {8: 128 * 256, 4: 128 * 256 // 2, 2: 128 * 256 // 4}


@pytest.mark.parametrize("bits", [8, 2])
def test_layers_go_where_they_are_faster(repository: Path, bits: int) -> None:
    graph = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    target = load_target("fpga-sim")
    graph = graph if bits == 8 else requantize_weights(graph, bits)
    plan, _ = lower_and_plan(graph, target, joins=False)
    shares = divide(plan, kernels_for(target.kernels))
    assert len(shares) == len(plan.schedule.calls)
    assert {True, False} == {share.on_engine for share in shares}
    for share in shares:
        assert share.why
        if share.engine_cycles is not None and share.core_cycles is not None:
            assert share.on_engine == (share.engine_cycles <= share.core_cycles), share


def test_a_target_without_the_engine_has_nothing_to_divide(repository: Path) -> None:
    graph = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    target = load_target("midge")
    plan, _ = lower_and_plan(graph, target)
    assert divide(plan, kernels_for(target.kernels)) == []
