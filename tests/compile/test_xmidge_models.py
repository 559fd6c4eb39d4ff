"""Whole models on the core with Xmidge: every tensor equals the reference at each width of the weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from smidgen.compile import compile_model
from smidgen.compress import requantize_weights, weight_layers
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.run.inputs import random_inputs
from smidgen.run.session import open_session
from smidgen.run.validate import validate
from smidgen.targets import load_target

MODELS = ("kws", "vww", "ic", "ad", "sww")
WIDTHS = ("8", "4", "2", "mixed")


def at_width(graph: Graph, width: str) -> Graph:
    """The model with weights of 8, 4 or 2 bits, or of 8, 4, 2, 8, ... bits from layer to layer."""
    if width == "8":
        return graph
    if width != "mixed":
        return requantize_weights(graph, int(width))
    layers = weight_layers(graph)
    return requantize_weights(graph, {node.id: (8, 4, 2)[index % 3] for index, node in enumerate(layers)})


def assert_equals_the_reference(graph: Graph, count: int) -> None:
    with open_session(graph, "midge") as session:
        assert session.device.selftest().passed
        validation = validate(session, random_inputs(graph, count), layers=True)
    assert validation.passed, validation.first_difference
    assert validation.result.mismatched_bytes == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_digits_equal_the_reference(repository: Path, width: str) -> None:
    graph = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    assert_equals_the_reference(at_width(graph, width), count=2)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", MODELS)
def test_models_equal_the_reference(shared_data: Path, name: str, width: str) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / f"{name}_int8.tflite")
    assert_equals_the_reference(at_width(graph, width), count=1)


@pytest.mark.parametrize("width", ["8", "mixed"])
@pytest.mark.parametrize("name", MODELS)
def test_products_run_on_the_extension_and_have_a_prediction(
    shared_data: Path, name: str, width: str
) -> None:
    graph = at_width(load_model(shared_data / "mlperf_tiny" / f"{name}_int8.tflite"), width)
    products = {node.id for node in weight_layers(graph)}
    calls = [call for call in compile_model(graph, load_target("midge")).calls if call.id in products]
    assert len(calls) == len(products)
    for call in calls:
        assert call.kernel_set == "midge", f"{call.id} ({call.detail}) runs on {call.symbol}"
        assert call.cost is not None, call.symbol
        assert 0 < call.cost.bound_cycles <= call.cost.cycles, call
