"""Models with 8-, 4- and 2-bit weights, through every stage: the reference's bytes from small weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from compress_graphs import LAYERS, inputs_of, small_model

from smidgen.compile import compile_model
from smidgen.compile.build import build, weights_bytes
from smidgen.compress import prune_groups, requantize_weights, weight_layers
from smidgen.device import open_device
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.run.inputs import Inputs
from smidgen.run.session import open_session
from smidgen.run.validate import validate
from smidgen.targets import load_target

SEED = 21
BITS: dict[str, int | Mapping[str, int]] = {
    "w4": 4,
    "w2": 2,
    "mixed": {"conv": 4, "sliding": 2, "depthwise": 4, "dense": 2},
    "mixed the other way": {"conv": 2, "sliding": 4, "pointwise": 4, "depthwise": 2},
}
TARGETS = ("host", "midge-rv32imc", "midge")


def equal_on(graph: Graph, target: str, optimize: str, folder: Path, count: int = 2) -> None:
    board, reference = load_target(target), Reference(graph)
    with open_device(board, build(graph, board, folder, optimize)) as device:
        result = device.selftest()
        assert result.passed, f"layer {result.layer} differs from the reference"
        for sample in inputs_of(graph, SEED, count):
            for want, got in zip(reference.run(sample).outputs, device.run(sample).outputs, strict=True):
                np.testing.assert_array_equal(got, want)


# For size the mixed ones, with convolutions at 4 and at 2 bits; tests/kernels has every kind at both.
VARIANTS = [*((bits, "speed") for bits in BITS), ("mixed", "size"), ("mixed the other way", "size")]


@pytest.mark.parametrize(("bits", "optimize"), VARIANTS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_gives_the_references_bytes(
    target: str, bits: str, optimize: str, tmp_path: Path
) -> None:
    equal_on(requantize_weights(small_model(), BITS[bits]), target, optimize, tmp_path)


@pytest.mark.parametrize("target", TARGETS)
def test_pruned_groups_give_the_references_bytes(target: str, tmp_path: Path) -> None:
    pruned = prune_groups(small_model(), 0.5)
    equal_on(requantize_weights(pruned, BITS["mixed"]), target, "speed", tmp_path)


@pytest.mark.parametrize("bits", [4, 2])
def test_an_imported_model(bits: int, shared_data: Path, tmp_path: Path) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / "ad_int8.tflite")
    equal_on(requantize_weights(graph, bits), "midge-rv32imc", "speed", tmp_path, count=1)


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "target"), [(4, "host"), (2, "host"), ("mixed", "midge-rv32imc")])
@pytest.mark.parametrize("model", ["kws", "vww", "ic", "sww"])
def test_all_imported_models(
    model: str, bits: int | str, target: str, shared_data: Path, tmp_path: Path
) -> None:
    graph = imported(shared_data, model, bits)
    equal_on(graph, target, "speed", tmp_path, count=1)


def imported(shared_data: Path, model: str, bits: int | str) -> Graph:
    """An MLPerf Tiny model with all weights at some bits, or with 8, 4 and 2 bits by turns."""
    graph = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    if isinstance(bits, int):
        return requantize_weights(graph, bits)
    layers = weight_layers(graph)
    return requantize_weights(graph, {node.id: (8, 4, 2)[i % 3] for i, node in enumerate(layers)})


@pytest.mark.parametrize("bits", [4, 2, "mixed"])
@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad", "sww"])
def test_stored_weights_are_as_small_as_their_bits(model: str, bits: int | str, shared_data: Path) -> None:
    """5 % for what is left of words and bytes, and 9 bytes per output channel: bias, multiplier, shift."""
    graph = imported(shared_data, model, bits)
    schedule = compile_model(graph, load_target("midge-rv32imc"))
    weights = channels = 0
    for node in weight_layers(graph):
        tensor = graph.tensor(node.inputs[1])
        weights += tensor.elements * tensor.dtype.bits // 8
        channels += graph.tensor(node.outputs[0]).shape[-1]
    assert weights_bytes(schedule) <= 1.05 * weights + 9 * channels
    assert schedule.arena_bytes <= schedule.arena_lower_bound_bytes + 1024


@pytest.mark.parametrize("target", TARGETS)
def test_validate_names_the_first_layer_that_differs(target: str) -> None:
    """The device has the depthwise layer at 2 bits, the oracle at 4: layers before it agree."""
    graph = requantize_weights(small_model(), {"conv": 4, "sliding": 2, "depthwise": 2})
    other = requantize_weights(small_model(), {"conv": 4, "sliding": 2, "depthwise": 4})
    inputs = Inputs(inputs_of(graph, SEED), None, "seeded")
    with open_session(graph, target) as session:
        same = validate(session, inputs, layers=True)
        different = validate(replace(session, graph=other), inputs, layers=True)
    assert same.passed and same.first_difference is None
    assert [layer.bit_exact for layer in same.result.layers] == [True] * len(LAYERS)
    assert different.first_difference.startswith(
        "layer 3 (DEPTHWISE_CONV_2D 'depthwise'), tensor 'depthwise.y'"
    )
    assert [layer.bit_exact for layer in different.result.layers] == [True, True, True, False, False]
