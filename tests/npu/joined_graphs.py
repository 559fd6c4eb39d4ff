"""Random graphs of which several nodes become one list of the engine, and what their calls write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import npu_layers
import numpy as np

from smidgen.compile import lower_and_plan
from smidgen.compile.kernels.npu import NPU
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
from smidgen.npu.descriptor import Engine, check_list
from smidgen.targets import load_target

TARGET = "fpga-sim"
# Does a list, (descriptors, 16), with these bases on a memory, uint8; what is there then.
Run = Callable[[np.ndarray, np.ndarray, Sequence[int]], np.ndarray]


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


def calls(graph: Graph, engine: Engine, inputs: list[np.ndarray]) -> Iterator[Call]:
    """Those of the engine, with what they read and write in the reference."""
    plan, _ = lower_and_plan(graph, replace(load_target(TARGET), engine=engine))
    tensors = run(plan.graph, inputs, keep="all").tensors
    for call in plan.schedule.calls:
        if call.kernel_set == NPU:
            given = [tensors[name] for name in call.reads]
            yield Call(plan.schedule, call, engine, given, tensors[call.writes[0]])


@dataclass(frozen=True, eq=False)
class Call:
    """A call of the engine, the tensors that it reads and the one that it must write."""

    schedule: Schedule
    call: KernelCall
    engine: Engine
    inputs: list[np.ndarray]
    output: np.ndarray

    def check(self, do: Run) -> None:
        """Tensors and weights are put into memory; beside the output nothing may change."""
        words = self.schedule.blobs[self.call.blobs[0]].data.reshape(-1, 16)
        assert check_list(words, self.engine) is None
        constants = [self.schedule.blobs[name].data for name in self.call.blobs[1:]]
        parts = [np.ascontiguousarray(one).view(np.uint8).reshape(-1) for one in (*self.inputs, *constants)]
        starts = np.cumsum([64, *(-(-part.size // 4) * 4 + 64 for part in parts)])
        size, place = self.output.size, int(starts[-1])
        memory = np.full(place + -(-size // 4) * 4 + 64, 0xA5, np.uint8)
        for start, part in zip(starts, parts, strict=False):
            memory[start : start + part.size] = part
        second = int(starts[1]) if len(self.inputs) > 1 else 0
        weights = int(starts[len(self.inputs)]) if constants else 0
        expected = memory.copy()
        expected[place : place + size] = self.output.reshape(-1).view(np.uint8)
        got = do(words, memory, [int(starts[0]), second, weights, place])
        np.testing.assert_array_equal(got, expected, err_msg=f"call {self.call.id}")
