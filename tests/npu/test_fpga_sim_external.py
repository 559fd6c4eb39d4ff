"""Models with weights and activations in external memory: equal to the reference, and hardly slower.

The bytes that the engine moves are those that the compiler predicts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smidgen.compile import lower_and_plan
from smidgen.compile.traffic import traffic, whole_ratio
from smidgen.golden import golden_inputs
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.npu.descriptor import BYTES
from smidgen.run.inputs import random_inputs
from smidgen.run.profiling import profile
from smidgen.run.session import open_session
from smidgen.targets import load_target

SDRAM = "fpga-sim-sdram"
SLOWER = 1.3  # at most, than in block RAM
MOST_MOVED = 1.15  # of each byte once, and what the buffers cannot hold once more


def cycles(graph: Graph, target: str) -> int:
    """Of one inference, which gives what the reference gives."""
    inputs = golden_inputs([(graph.tensor(name).shape, graph.tensor(name).dtype) for name in graph.inputs], 3)
    with open_session(graph, target) as session:
        run = session.device.run(inputs)
    for want, got in zip(Reference(graph).run(inputs).outputs, run.outputs, strict=True):
        np.testing.assert_array_equal(want, got)
    assert run.cycles is not None
    return run.cycles


def test_the_engine_counts_the_bytes_that_were_predicted(repository: Path) -> None:
    """On the bus there are the lists, too, which lie in program memory."""
    graph = load_model(repository / "examples" / "digits" / "digits_int8.tflite")
    with open_session(graph, SDRAM) as session:
        profiled = profile(session, random_inputs(graph, 1))
        layers = traffic(session.plan, session.target.engine)
    uses = [layer.engine for layer in profiled.result.layers if layer.engine is not None]
    read = sum(use.bytes_read - BYTES * use.descriptors for use in uses)
    written = sum(use.bytes_written for use in uses)
    assert layers
    assert read == sum(layer.weights + layer.inputs for layer in layers)
    assert written == sum(layer.outputs for layer in layers)


@pytest.mark.slow
def test_image_classification_from_sdram(shared_data: Path) -> None:
    """Hardly slower than from block RAM, and hardly more bytes than each one once."""
    graph = load_model(shared_data / "mlperf_tiny" / "ic_int8.tflite")
    assert cycles(graph, SDRAM) <= SLOWER * cycles(graph, "fpga-sim")
    target = load_target(SDRAM)
    layers = traffic(lower_and_plan(graph, target)[0], target.engine)
    assert whole_ratio(layers) <= MOST_MOVED
    assert max(layer.ratio for layer in layers) <= MOST_MOVED


@pytest.mark.slow
def test_keyword_spotting_from_psram(shared_data: Path) -> None:
    cycles(load_model(shared_data / "mlperf_tiny" / "kws_int8.tflite"), "fpga-sim-psram")
