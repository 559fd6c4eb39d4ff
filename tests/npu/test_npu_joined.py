"""Several nodes in one list: equal to the reference in the model of the engine, and what it keeps."""

from __future__ import annotations

from dataclasses import replace

import npu_layers
import numpy as np
import pytest

from smidgen.compile import lower_and_plan
from smidgen.compile.divide import divide
from smidgen.compile.kernels import kernels_for
from smidgen.compile.kernels.npu import NPU, WEIGHTS
from smidgen.compile.schedule import KernelCall, Schedule
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Padding,
    Reshape,
)
from smidgen.graph.reference import run
from smidgen.npu.descriptor import Add as AddDescriptor
from smidgen.npu.descriptor import (
    Convolution,
    Depthwise,
    Descriptor,
    Engine,
    Load,
    MaxPool,
    Store,
    check_list,
    decode,
)
from smidgen.npu.model import Model
from smidgen.targets import load_target

SEEDS = range(30)
FAST = 8  # of the seeds
TARGET = "fpga-sim"


class Builder:
    """A random graph, node by node."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def add(self, operator, inputs: list[Tensor], output: Tensor) -> Tensor:
        name = f"t{len(self.nodes)}"
        result = Tensor(name, output.shape, output.dtype, output.quantization)
        renamed = []
        for tensor in inputs:
            if tensor.is_constant:
                own = f"{name}.{tensor.name}"
                tensor = Tensor(own, tensor.shape, tensor.dtype, tensor.quantization, tensor.data)
            self.tensors[tensor.name] = tensor
            renamed.append(tensor.name)
        self.tensors[name] = result
        self.nodes.append(Node(f"n{len(self.nodes)}", operator, tuple(renamed), (name,)))
        return result

    def like(self, shape: tuple[int, ...], ratio: float = 1.0, of: Tensor | None = None) -> Tensor:
        if of is None:
            return npu_layers.tensor(self.rng, "y", shape)
        return npu_layers._output(self.rng, shape, ratio * of.scale)

    def layer(self, x: Tensor, kind: str, outputs: int, kernel: int, stride: int, bits: int = 8) -> Tensor:
        _, rows, columns, channels = x.shape
        before = (kernel - 1) // 2
        padding = Padding(before, kernel - 1 - before, before, kernel - 1 - before)
        shape = tuple((size - 1) // stride + 1 for size in (rows, columns))
        if kind == "depthwise":
            weights, bias, ratio = npu_layers.constants(
                self.rng, (1, kernel, kernel, channels), 3, bits, kernel**2
            )
            operator, outputs = DepthwiseConv2D((stride, stride), (1, 1), padding), channels
        else:
            depth = kernel**2 * channels
            weights, bias, ratio = npu_layers.constants(
                self.rng, (outputs, kernel, kernel, channels), 0, bits, depth
            )
            operator = Conv2D((stride, stride), (1, 1), padding)
        return self.add(operator, [x, weights, bias], self.like((1, *shape, outputs), ratio, x))

    def graph(self, x: Tensor, y: Tensor) -> Graph:
        tensors = {x.name: x, **self.tensors}
        return Graph("joined", tensors, tuple(self.nodes), (x.name,), (y.name,))


def random_graph(seed: int) -> Graph:
    """A few layers in a row, some of them residual blocks with or without a layer in the shortcut."""
    one = Builder(seed)
    rng = one.rng
    height, width = int(rng.integers(1, 36)), int(rng.integers(1, 24))
    x = last = npu_layers.tensor(rng, "x", (1, height, width, int(rng.integers(1, 24))))

    def layer(last: Tensor, stride: int | None = None, outputs: int | None = None) -> Tensor:
        kind = str(rng.choice(["convolution", "pointwise", "depthwise"]))
        if kind == "depthwise" and (last.shape[3] % 4 or (outputs or last.shape[3]) != last.shape[3]):
            kind = "convolution"
        kernel = 1 if kind == "pointwise" else int(rng.choice([2, 3]))
        stride = stride or int(rng.choice([1, 1, 2]))
        return one.layer(
            last, kind, outputs or 4 * int(rng.integers(1, 16)), kernel, stride, int(rng.choice([8, 8, 4, 2]))
        )

    for _ in range(int(rng.integers(2, 7))):
        if rng.random() < 0.4:
            stride, outputs = int(rng.choice([1, 2])), 4 * int(rng.integers(1, 12))
            start = layer(last, 1)
            inner = layer(layer(start, stride, outputs), 1, outputs)
            if stride == 1 and outputs == start.shape[3]:
                shortcut = start
            else:
                shortcut = one.layer(start, "pointwise", outputs, 1, stride)
            last = one.add(Add(), [inner, shortcut], one.like(inner.shape))
        elif rng.random() < 0.15 and min(last.shape[1:3]) >= 2 and last.shape[3] % 4 == 0:
            shape = (1, last.shape[1] // 2, last.shape[2] // 2, last.shape[3])
            same = Tensor("y", shape, last.dtype, last.quantization)
            last = one.add(MaxPool2D((2, 2), (2, 2)), [last], same)
        else:
            last = layer(last)
    if rng.random() < 0.5:
        size = last.shape[1:3]
        pooled = Tensor("y", (1, 1, 1, last.shape[3]), last.dtype, last.quantization)
        if size[0] * size[1] > 1:
            last = one.add(AveragePool2D(size), [last], pooled)
            flat = Tensor("y", (1, last.shape[3]), last.dtype, last.quantization)
            last = one.add(Reshape(), [last], flat)
            weights, bias, ratio = npu_layers.constants(rng, (10, last.shape[1]), 0, 8, last.shape[1])
            last = one.add(FullyConnected(), [last, weights, bias], one.like((1, 10), ratio, last))
    return one.graph(x, last)


def run_call(
    schedule: Schedule,
    call: KernelCall,
    inputs: list[np.ndarray],
    output: Tensor,
    engine: Engine,
    random: np.random.Generator | None,
) -> np.ndarray:
    """What a call writes, in the model of the engine."""
    words = schedule.blobs[call.blobs[0]].data.reshape(-1, 16)
    assert check_list(words, engine) is None
    constants = [schedule.blobs[name].data for name in call.blobs[1:]]
    parts = [np.ascontiguousarray(part).view(np.uint8).reshape(-1) for part in (*inputs, *constants)]
    starts = np.cumsum([64, *(-(-part.size // 4) * 4 + 64 for part in parts)])
    memory = np.full(int(starts[-1]) + output.elements + 64, 0xA5, np.uint8)
    for start, part in zip(starts, parts, strict=False):
        memory[start : start + part.size] = part
    before, place = memory.copy(), int(starts[-1])
    model = Model(memory, engine)
    model.activations[:] = model.weights[:] = 0x5A
    second = int(starts[1]) if len(inputs) > 1 else 0
    weights = int(starts[len(inputs)]) if constants else 0
    model.run([decode(one) for one in words], [int(starts[0]), second, weights, place], random)
    result = memory[place : place + output.elements].copy()
    memory[place : place + output.elements] = 0xA5
    np.testing.assert_array_equal(memory, before, err_msg="bytes beside the output were written")
    return result.view(np.int8).reshape(output.shape)


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[] if seed < FAST else pytest.mark.slow) for seed in SEEDS]
)
def test_joined_nodes_equal_the_reference(seed: int) -> None:
    """On two engines in turn."""
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    target = load_target(TARGET)
    engine = npu_layers.SMALL if seed % 2 else target.engine
    plan, _ = lower_and_plan(graph, replace(target, engine=engine))
    inputs = npu_layers.random_inputs(rng, graph)
    tensors = run(plan.graph, inputs, keep="all").tensors
    for call in plan.schedule.calls:
        if call.kernel_set != NPU:
            continue
        output = plan.graph.tensor(call.writes[0])
        given = [tensors[name] for name in call.reads]
        for order in (None, rng, rng):
            ours = run_call(plan.schedule, call, given, output, engine, order)
            np.testing.assert_array_equal(ours, tensors[output.name], err_msg=f"seed {seed}, call {call.id}")


def joined(graph: Graph) -> tuple[Schedule, KernelCall]:
    """The only call of the engine, with all of a graph's nodes."""
    schedule = lower_and_plan(graph, load_target(TARGET))[0].schedule
    (call,) = (call for call in schedule.calls if call.kernel_set == NPU)
    return schedule, call


def descriptors(schedule: Schedule, call: KernelCall) -> list[Descriptor]:
    return [decode(words) for words in schedule.blobs[call.blobs[0]].data.reshape(-1, 16)]


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
    listed = descriptors(schedule, call)
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
    listed = descriptors(schedule, call)
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
