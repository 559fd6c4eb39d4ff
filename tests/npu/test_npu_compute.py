"""The engine's compute unit: equal to its model byte for byte, and no slower than it should be."""

from __future__ import annotations

from dataclasses import replace

import npu_layers
import numpy as np
import pytest
from compute_bench import Background, Bench, bench_with, differences
from compute_cases import INPUT_BYTES, LOADED
from compute_comparison import KINDS, Comparison, compare_random

from smidgen.graph.reference import FAMILIES
from smidgen.npu.descriptor import Add, Convolution, Depthwise, Descriptor, Load, Store, decode, round_up

SEED = 3
CASES = 8  # of each kind
LAYERS = 4
# From the last step of a descriptor until it is done, and from its acceptance to the first.
FILL_AND_DRAIN = 30
CONVOLUTION = Convolution(
    input_address=0, input_row_bytes=8 * 32, input_rows=8, row_step=8 * 32, pad_left_bytes=32, column_step=32,
    pad_top=1, kernel_rows=3, stride_y=1, output_width=8, output_rows=8, output_address=INPUT_BYTES,
    output_pixel_bytes=32, output_row_bytes=8 * 32, blocks=8, input_zero_point=3, channels=32, chunks=6,
)  # fmt: skip
POINTWISE = replace(
    CONVOLUTION, pad_left_bytes=0, pad_top=0, kernel_rows=1, input_row_bytes=8 * 64, row_step=8 * 64,
    column_step=64, chunks=4,
)  # fmt: skip
FULLY_CONNECTED = replace(
    POINTWISE,
    input_row_bytes=640,
    input_rows=1,
    chunks=40,
    output_width=1,
    output_rows=1,
    blocks=10,
    channels=40,
)
DEPTHWISE = Depthwise(
    input_address=0, input_row_bytes=16 * 32, input_rows=16, row_step=16 * 32, pad_left_bytes=32,
    column_step=32, pad_top=1, kernel_rows=3, kernel_width=3, stride_x=1, stride_y=1, output_width=16,
    output_rows=16, output_address=INPUT_BYTES, output_pixel_bytes=32, output_row_bytes=16 * 32,
    blocks=2, input_zero_point=3, channels=32,
)  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench_with(16, "simulator", tmp_path_factory)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_random_descriptors_while_loads_and_stores_go_on(bench: Bench, kind: type[Descriptor]) -> None:
    ran = compare_random(bench, kind, CASES, SEED)
    assert sum(one.taken for one in ran) > 0, "no store took a cycle"


@pytest.mark.parametrize(
    "make", ["convolution", "depthwise", "fully_connected", "average_pool", "max_pool", "addition"]
)
def test_layers_equal_the_reference(bench: Bench, make: str) -> None:
    """What the compiler makes of a layer, its loads and stores done by hand."""
    for number in range(LAYERS):
        rng = np.random.default_rng((SEED, number))
        graph, node = getattr(npu_layers, make)(rng, (8, 4, 2)[number % 3])
        if npu_layers.refusal(graph, node) is not None:
            continue
        inputs = npu_layers.random_inputs(rng, graph)
        values = dict(zip(graph.inputs, inputs, strict=True))
        operands = [values[x] if x in values else graph.tensor(x).data for x in node.inputs]
        (expected,) = FAMILIES[type(node.operator)](graph, node)(operands)
        got = run_layer(bench, graph, node, inputs)
        wrong = differences(got[: expected.size], expected.view(np.uint8).reshape(-1))
        assert not wrong, f"{make} {number}: {node.operator}: {wrong}"


def run_layer(bench: Bench, graph, node, inputs: list[np.ndarray]) -> np.ndarray:
    """The output's bytes."""
    call = npu_layers.lowered(graph, node)
    memories = [np.ascontiguousarray(one).view(np.uint8).reshape(-1) for one in inputs]
    memories += [np.zeros(0, np.uint8)] * (2 - len(memories))
    memories += [
        np.concatenate([blob.data.view(np.uint8).reshape(-1) for blob in call.blobs[1:]] or [memories[1]])
    ]
    stores: list[Store] = []
    for one in map(decode, call.blobs[0].data.reshape(-1, 16)):
        if isinstance(one, Load):
            data = memories[one.base][one.memory_offset :][: round_up(one.bytes, 4)]
            bench.write(one.buffer, one.buffer_address, np.pad(data, (0, -data.size % 4)))
        elif isinstance(one, Store):
            stores.append(one)
            bench.read(one.buffer_address, one.bytes)
        else:
            bench.run(one)
    _, got = bench.go()
    output = np.zeros(graph.tensor(node.outputs[0]).elements, np.uint8)
    for store in stores:
        first = store.buffer_address % bench.engine.lanes
        output[store.memory_offset : store.memory_offset + store.bytes] = got[first : first + store.bytes]
        got = got[len(bench.lines(store.buffer_address, store.bytes)) * bench.engine.lanes :]
    return output


def steps_of(d: Descriptor) -> int:
    if isinstance(d, Add):
        return d.bytes // 2
    if isinstance(d, Convolution):
        return d.blocks * d.output_rows * d.output_width * d.kernel_rows * d.chunks
    columns = d.output_width * d.kernel_width
    if isinstance(d, Depthwise):
        columns = (d.output_width - 1) * d.stride_x + d.kernel_width
    return d.blocks * d.output_rows * d.kernel_rows * columns


@pytest.mark.parametrize(
    ("descriptor", "utilization"),
    [
        (CONVOLUTION, 0.99),
        (replace(CONVOLUTION, width=1, blocks=4), 0.99),
        (replace(CONVOLUTION, width=2, blocks=2), 0.98),
        (POINTWISE, 0.95),
        (replace(POINTWISE, width=2, blocks=2), 0.93),
        (FULLY_CONNECTED, 0.9),
        # Four words of results in a cycle each, three steps a column: 3/4.
        (DEPTHWISE, 0.74),
        (replace(DEPTHWISE, stride_x=2, stride_y=2, output_width=8, output_rows=8, row_step=32 * 32), 0.9),
    ],
)
def test_the_array_works(bench: Bench, descriptor: Descriptor, utilization: float) -> None:
    """The share of cycles with a step, and that nothing else takes cycles than what has a name."""
    comparison = Comparison(bench, SEED)
    comparison.run(descriptor, disturbed=False)
    (ran,) = comparison.check()
    assert ran.steps == steps_of(descriptor)
    assert ran.taken == 0
    quads = bench.engine.block_outputs(descriptor) // 4
    assert ran.cycles - ran.steps - ran.throttled - descriptor.blocks * quads <= FILL_AND_DRAIN
    assert ran.steps / ran.cycles >= utilization, ran


def test_results_wait_for_the_requantizer_only(bench: Bench) -> None:
    """With one step a pixel, four words of results take four cycles; the partial block has only two."""
    one_step = replace(POINTWISE, input_row_bytes=8 * 16, row_step=8 * 16, column_step=16, chunks=1, width=2)
    comparison = Comparison(bench, SEED)
    comparison.run(replace(one_step, blocks=2, channels=24), disturbed=False)
    (ran,) = comparison.check()
    pixels = one_step.output_rows * one_step.output_width
    # The first pixel of a block after its parameters need not wait.
    assert 0 <= pixels * (3 + 1) - ran.throttled <= 2 * 4


def test_loads_get_through_while_every_cycle_has_a_result(bench: Bench) -> None:
    """A word of results in each cycle, all in one word of the lines, where the loads go, too."""
    one_step = replace(
        POINTWISE, input_row_bytes=16 * 16, row_step=0, column_step=16, chunks=1, output_width=16,
        output_rows=64, output_pixel_bytes=16, output_row_bytes=0, input_rows=64, blocks=1, channels=4,
    )  # fmt: skip
    background = Background(load_share=256, load_address=LOADED, load_data=np.arange(256, dtype=np.uint8))
    bench.fill(np.zeros(LOADED, np.uint8), np.zeros(4096, np.uint8))
    bench.run(one_step, background=background)
    (ran,), _ = bench.go()
    assert ran.left == 0
    # Of 64 words 16 go to the results' place; the first ones come before any result.
    assert 0 < ran.taken <= 16


def test_a_reset_forgets_the_descriptor(bench: Bench) -> None:
    """In any cycle of it; the next one starts from nothing."""
    comparison = Comparison(bench, SEED, 1)
    for cycle, descriptor in ((1, CONVOLUTION), (4, DEPTHWISE), (25, CONVOLUTION), (60, DEPTHWISE)):
        bench.reset_in(cycle)
        bench.run(descriptor)
        bench.write(0, 0, comparison.model.activations)
        comparison.run(comparison.draw.descriptor(Convolution), disturbed=False)
    comparison.check()
