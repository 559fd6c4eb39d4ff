"""Several nodes in one list: equal to the reference in the model of the engine, and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence

import npu_layers
import numpy as np
import pytest
from joined_graphs import TARGET, Builder, calls, random_graph

from smidgen.compile import lower_and_plan
from smidgen.compile.divide import divide
from smidgen.compile.kernels import kernels_for
from smidgen.compile.kernels.npu import NPU, WEIGHTS
from smidgen.compile.kernels.npu.lists import list_of
from smidgen.compile.schedule import KernelCall, Schedule
from smidgen.graph import Graph
from smidgen.graph.operators import Add
from smidgen.npu.descriptor import Add as AddDescriptor
from smidgen.npu.descriptor import Convolution, Depthwise, Load, MaxPool, Store, decode
from smidgen.npu.model import Model
from smidgen.targets import load_target

SEEDS = range(30)
FAST = 8  # of the seeds


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[] if seed < FAST else pytest.mark.slow) for seed in SEEDS]
)
def test_joined_nodes_equal_the_reference(seed: int) -> None:
    """On two engines in turn, in several orders."""
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    engine = npu_layers.SMALL if seed % 2 else load_target(TARGET).engine
    for call in calls(graph, engine, npu_layers.random_inputs(rng, graph)):
        for order in (None, rng, rng):

            def do(words: np.ndarray, memory: np.ndarray, bases: Sequence[int], order=order) -> np.ndarray:
                model = Model(memory, engine)
                model.activations[:] = model.weights[:] = 0x5A
                model.run([decode(one) for one in words], bases, order)
                return memory

            call.check(do)


def joined(graph: Graph) -> tuple[Schedule, KernelCall]:
    """The only call of the engine, with all of a graph's nodes."""
    schedule = lower_and_plan(graph, load_target(TARGET))[0].schedule
    (call,) = (call for call in schedule.calls if call.kernel_set == NPU)
    return schedule, call


def residual_block(seed: int, height: int) -> Graph:
    one = Builder(seed)
    x = npu_layers.tensor(one.rng, "x", (1, height, 16, 16))
    start = one.layer(x, "convolution", 16, 3, 1)
    inner = one.layer(one.layer(start, "convolution", 16, 3, 1), "depthwise", 16, 3, 1)
    total = one.add(Add(), [inner, start], one.like(inner.shape))
    return one.graph(x, total)


@pytest.mark.parametrize("height", [8, 90])
def test_only_what_goes_in_and_out_is_moved(height: int) -> None:
    """Also of tensors larger than the buffer, of which only some rows are there at a time."""
    graph = residual_block(1, height)
    schedule, call = joined(graph)
    assert call.nodes == tuple(node.id for node in graph.nodes)
    listed = list_of(schedule, call)
    moved = height * 16 * 16
    assert moved * 3 > load_target(TARGET).engine.activation_bytes or height == 8
    assert sum(one.bytes for one in listed if isinstance(one, Store)) == moved
    loads = [one for one in listed if isinstance(one, Load) and one.base != WEIGHTS]
    assert moved <= sum(one.bytes for one in loads) < 1.2 * moved
    weights = sum(one.bytes for one in listed if isinstance(one, Load) and one.base == WEIGHTS)
    assert weights == schedule.blobs[call.blobs[1]].bytes
    assert set(schedule.buffers) == {"x", call.writes[0]}


def test_parts_say_which_descriptors_are_for_which_node() -> None:
    schedule, call = joined(residual_block(2, 8))
    listed = list_of(schedule, call)
    assert [part.node for part in call.parts] == list(call.nodes)
    assert sorted(index for part in call.parts for index in part.descriptors) == list(range(len(listed)))
    assert sum(part.macs for part in call.parts) == call.macs
    kinds = [Convolution, Convolution, Depthwise, AddDescriptor]
    for part, kind in zip(call.parts, kinds, strict=True):
        of_node = [listed[index] for index in part.descriptors]
        computed = [one for one in of_node if not isinstance(one, Load | Store)]
        assert any(isinstance(one, kind) for one in computed)
        assert all(isinstance(one, kind | MaxPool) for one in computed)  # a pool of one position is a copy


def test_each_node_has_a_call_of_its_own_when_asked_for() -> None:
    graph = residual_block(3, 8)
    schedule = lower_and_plan(graph, load_target(TARGET), joins=False)[0].schedule
    assert [call.nodes for call in schedule.calls] == [(node.id,) for node in graph.nodes]
    shares = divide(lower_and_plan(graph, load_target(TARGET))[0], kernels_for(["npu", "midge", "portable"]))
    assert [share.name for share in shares] == [node.id for node in graph.nodes]
    assert all("in one list with 3 others" in share.why for share in shares)
