"""Models on the simulated system with the engine: every tensor equals the reference; an error is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from smidgen.compile.kernels.npu import lowering
from smidgen.compress import requantize_weights, weight_layers
from smidgen.errors import DeviceError
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.npu.descriptor import table
from smidgen.run.inputs import random_inputs
from smidgen.run.session import open_session
from smidgen.run.validate import validate

# Cycles of one inference of the int8 models.
MOST_CYCLES = {"kws": 150_000, "vww": 360_000, "ic": 360_000}
MODELS = ("kws", "vww", "ic", "ad", "sww")
WIDTHS = ("8", "4", "2", "mixed")

pytestmark = pytest.mark.slow  # the simulator is built first


def at_width(graph: Graph, width: str) -> Graph:
    """The model with weights of 8, 4 or 2 bits, or of 8, 4, 2, 8, ... bits from layer to layer."""
    if width == "8":
        return graph
    if width != "mixed":
        return requantize_weights(graph, int(width))
    layers = weight_layers(graph)
    return requantize_weights(graph, {node.id: (8, 4, 2)[index % 3] for index, node in enumerate(layers)})


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", MODELS)
def test_models_equal_the_reference(shared_data: Path, name: str, width: str) -> None:
    graph = at_width(load_model(shared_data / "mlperf_tiny" / f"{name}_int8.tflite"), width)
    with open_session(graph, "fpga-sim") as session:
        assert session.device.selftest().passed
        validation = validate(session, random_inputs(graph, 1), layers=True)
    assert validation.passed, validation.first_difference
    assert validation.result.mismatched_bytes == 0
    assert validation.result.cycles is not None
    assert validation.result.cycles <= MOST_CYCLES.get(name, validation.result.cycles)


@pytest.mark.parametrize("error", ["unknown_kind", "must_be_zero", "misaligned"])
def test_an_error_of_the_engine_is_reported_as_a_trap(
    repository: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    right = lowering.encode_list

    def wrong(descriptors):
        words = right(descriptors)
        words[1][{"unknown_kind": 0, "must_be_zero": 15, "misaligned": 2}[error]] |= (
            2 if error[0] == "m" else 7
        )
        return words

    monkeypatch.setattr(lowering, "encode_list", wrong)
    graph = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    code = table()["errors"][error]
    told = rf"the neural engine stopped with error {code} \({error.replace('_', ' ')}\) at descriptor 1"
    with pytest.raises(DeviceError, match=told), open_session(graph, "fpga-sim") as session:
        session.device.selftest()
