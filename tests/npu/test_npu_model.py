"""The engine's lists compute what the graph's reference says, in every order that their waits allow."""

from __future__ import annotations

from pathlib import Path

import npu_layers
import numpy as np
import pytest

from smidgen.compile.kernels.npu.lists import Region
from smidgen.compile.kernels.npu.pool import mean_scale
from smidgen.compile.kernels.npu.weights import weight_loads
from smidgen.compile.lower import lower
from smidgen.compress import requantize_weights
from smidgen.graph import Graph, Node
from smidgen.graph.reference import FAMILIES, Reference
from smidgen.importers import load_model
from smidgen.npu.descriptor import MOST_BYTES, Engine

SEED = 7
CASES = 8
ORDERS = 2
MODELS = ("kws", "vww", "ic", "ad", "sww")
WIDTHS = (8, 4, 2)
ENGINES = (npu_layers.ENGINE, npu_layers.SMALL)
FAST = (("kws", 8), ("sww", 4))


def assert_equals_the_reference(
    graph: Graph, node: Node, inputs: list[np.ndarray], name: str, engine: Engine = npu_layers.ENGINE
) -> None:
    values = dict(zip([x for x in node.inputs if not graph.tensor(x).is_constant], inputs, strict=True))
    operands = [values[x] if x in values else graph.tensor(x).data for x in node.inputs]
    (expected,) = FAMILIES[type(node.operator)](graph, node)(operands)
    call = npu_layers.lowered(graph, node, engine)
    for order in (None, *range(ORDERS)):
        random = None if order is None else np.random.default_rng(order)
        got = npu_layers.run_in_model(graph, node, call, inputs, random, engine)
        np.testing.assert_array_equal(got, expected, err_msg=f"{name}, order {order}: {node.operator}")


WITH_WEIGHTS = ("convolution", "depthwise", "fully_connected")
WITHOUT = ("average_pool", "max_pool", "addition", "resize", "concatenation")


@pytest.mark.parametrize(
    ("make", "bits"),
    [*((make, bits) for make in WITH_WEIGHTS for bits in WIDTHS), *((make, 8) for make in WITHOUT)],
)
def test_random_layers(make: str, bits: int) -> None:
    """On two engines in turn."""
    taken = 0
    for number in range(CASES):
        rng = np.random.default_rng((SEED, bits, number))
        graph, node = getattr(npu_layers, make)(rng, bits)
        engine = ENGINES[number % len(ENGINES)]
        if npu_layers.refusal(graph, node, engine) is None:
            taken += 1
            inputs = npu_layers.random_inputs(rng, graph)
            assert_equals_the_reference(graph, node, inputs, f"{make} {number} at {bits} bits", engine)
    assert taken > CASES // 2


@pytest.mark.parametrize("bits", WIDTHS)
def test_layers_larger_than_the_buffers(bits: int) -> None:
    rng = np.random.default_rng((SEED, bits))
    for graph, node in npu_layers.large(rng, bits):
        inputs = npu_layers.random_inputs(rng, graph)
        assert_equals_the_reference(graph, node, inputs, f"{bits} bits")


def test_weights_that_fill_the_largest_buffer() -> None:
    """One load moves less than that."""
    engine = Engine(activation_bytes=1 << 16, weight_bytes=1 << 16)
    loads = list(weight_loads(64, 1 << 20, Region(True, 0, engine.weight_bytes)))
    assert [load.bytes for load, _ in loads] == [MOST_BYTES, engine.weight_bytes - MOST_BYTES]
    assert [load.memory_offset for load, _ in loads] == [64, 64 + MOST_BYTES]
    assert [(part.first, part.end) for _, part in loads] == [(0, MOST_BYTES), (MOST_BYTES, 1 << 16)]
    rng = np.random.default_rng(SEED)
    graph, node = npu_layers.pointwise(rng, 5, 240, 256)
    blocks = 256 // 4 * (1 + 240 // 16) * engine.word_bytes
    assert npu_layers.lowered(graph, node, engine).blobs[1].bytes == blocks == engine.weight_bytes
    assert_equals_the_reference(graph, node, npu_layers.random_inputs(rng, graph), "full", engine)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        pytest.param(name, bits, marks=() if (name, bits) in FAST else pytest.mark.slow)
        for name in MODELS
        for bits in WIDTHS
    ],
)
def test_layers_of_models(shared_data: Path, name: str, bits: int) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / f"{name}_int8.tflite")
    graph, _ = lower(graph if bits == 8 else requantize_weights(graph, bits))
    rng = np.random.default_rng(SEED)
    tensors = Reference(graph).run(npu_layers.random_inputs(rng, graph), keep="all").tensors
    seen = set()
    for node in graph.nodes:
        likeness = (node.operator, *(graph.tensor(x).shape for x in (*node.inputs, *node.outputs)))
        if likeness in seen or node.operator.type_name in ("SOFTMAX", "RESHAPE"):
            continue
        seen.add(likeness)
        assert npu_layers.refusal(graph, node) is None
        inputs = [tensors[x] for x in node.inputs if not graph.tensor(x).is_constant]
        call = npu_layers.lowered(graph, node)
        got = npu_layers.run_in_model(graph, node, call, inputs, np.random.default_rng(SEED))
        np.testing.assert_array_equal(got, tensors[node.outputs[0]], err_msg=node.id)


def test_means_are_exact() -> None:
    """Of small and usual windows, all; what is not shown to be exact is refused."""
    assert None not in [mean_scale(count) for count in (*range(1, 50), 64, 100, 125, 256)]
