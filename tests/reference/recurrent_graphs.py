"""Graphs of one recurrent layer with its state kept between runs, and their .tflite files."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType, Graph, Node, Quantization, State, Tensor
from smidgen.graph.operators import Gru, Lstm
from tflite_builder import ModelBuilder

CELL_SCALES = (2.0**-15, 2.0**-12, 2.0**-11, 2.0**-9)
_GATES = ("input", "forget", "cell", "output")


class Recurrent:
    """A random layer; its sizes, scales and zero points differ from seed to seed."""

    def __init__(self, operator: Lstm | Gru, seed: int, is_float: bool = False) -> None:
        self.operator, self.is_float = operator, is_float
        self.random = np.random.default_rng(seed)
        self.batch, self.time = (int(n) for n in self.random.integers((1, 1), (4, 8)))
        self.inputs, self.units = (int(n) for n in self.random.integers((1, 1), (14, 12)))
        self.gates = 4 if isinstance(operator, Lstm) else 3
        self.tensors: dict[str, Tensor] = {}

    def graph(self) -> Graph:
        rows, units = self.gates * self.units, self.units
        x_step, h_step = self._step(0.05, -7), self._step(1 / 128, 3)
        x = self._tensor("x", (self.batch, self.time, self.inputs), DType.I8, x_step)
        weights = self._weights("w", (rows, self.inputs))
        recurrent = self._weights("r", (rows, units))
        biases = [self._bias("b", x_step, weights)]
        if isinstance(self.operator, Gru):
            biases.append(self._bias("d", h_step, recurrent))
        h, h_next = (self._tensor(name, (self.batch, units), DType.I8, h_step) for name in ("h", "h_next"))
        y = self._tensor("y", (self.batch, self.time, units), DType.I8, h_step)
        states, cells = [self._state(h, h_next)], []
        if isinstance(self.operator, Lstm):
            step = Quantization.per_tensor(float(self.random.choice(CELL_SCALES)), 0)
            cells = [self._tensor(name, (self.batch, units), DType.I16, step) for name in ("c", "c_next")]
            states.append(self._state(*cells))
        reads = (x, weights, recurrent, *biases, h, *cells[:1])
        writes = (y, h_next, *cells[1:])
        node = Node("node", self.operator, tuple(t.name for t in reads), tuple(t.name for t in writes))
        return Graph("recurrent", self.tensors, (node,), ("x",), ("y",), tuple(states))

    def values(self, graph: Graph, runs: int = 3) -> list[np.ndarray]:
        shape = graph.tensor("x").shape
        if self.is_float:
            return [self.random.normal(0, 1, shape).astype(np.float32) for _ in range(runs)]
        return [self.random.integers(-128, 128, shape).astype(np.int8) for _ in range(runs)]

    def _step(self, scale: float, zero_point: int) -> Quantization:
        return Quantization.per_tensor(
            float(np.float32(scale * 2.0 ** self.random.uniform(-1, 1))), zero_point
        )

    def _tensor(self, name: str, shape: tuple[int, ...], dtype: DType, step, data=None) -> Tensor:
        if self.is_float:
            dtype, step = DType.F32, None
        self.tensors[name] = Tensor(name, shape, dtype, step, data)
        return self.tensors[name]

    def _weights(self, name: str, shape: tuple[int, int]) -> Tensor:
        if self.is_float:
            data = self.random.normal(0, 0.5, shape).astype(np.float32)
            return self._tensor(name, shape, DType.F32, None, data)
        scales = np.repeat(0.02 * 2.0 ** self.random.uniform(-2, 2, self.gates), self.units)
        step = Quantization(scales.astype(np.float32), np.zeros(shape[0], np.int32), 0)
        data = self.random.integers(-127, 128, shape).astype(np.int8)
        return self._tensor(name, shape, DType.I8, step, data)

    def _bias(self, name: str, x_step: Quantization, weights: Tensor) -> Tensor:
        rows = weights.shape[0]
        if self.is_float:
            data = self.random.normal(0, 1, rows).astype(np.float32)
            return self._tensor(name, (rows,), DType.F32, None, data)
        scale = x_step.scale * weights.quantization.scale
        step = Quantization(scale, np.zeros(rows, np.int32), 0)
        data = self.random.integers(-3000, 3000, rows).astype(np.int32)
        return self._tensor(name, (rows,), DType.I32, step, data)

    def _state(self, before: Tensor, after: Tensor) -> State:
        initial = np.zeros(before.shape, before.dtype.numpy)
        if before.dtype is DType.I8:
            initial += np.int8(before.zero_point)
        return State(before.name, after.name, initial)


def lstm_file(graph: Graph) -> bytes:
    """UNIDIRECTIONAL_SEQUENCE_LSTM with the state as variable tensors."""
    builder, (node,) = ModelBuilder("lstm"), graph.nodes
    x, weights, recurrent, bias, h, c = graph.input_tensors(node)

    def add(t: Tensor, **more) -> int:
        step = {}
        if t.quantization is not None:
            step = {"scale": t.scale, "zero_point": t.zero_point}
        return builder.tensor(t.shape, t.dtype.numpy.name, name=t.name, **step, **more)

    def parts(t: Tensor) -> list[int]:
        indices = []
        for index, data in enumerate(np.split(t.data, 4)):
            step = {} if t.quantization is None else {"scale": np.split(t.quantization.scale, 4)[index][0]}
            indices.append(builder.constant(data, name=f"{_GATES[index]}_{t.name}", **step))
        return indices

    first, last = add(x), add(graph.tensor("y"))
    builder.graph.inputs = [first]
    states = [add(h, variable=True), add(c, variable=True)]
    reads = [first, *parts(weights), *parts(recurrent), -1, -1, -1, *parts(bias), -1, -1, *states, *[-1] * 4]
    builder.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        reads,
        [last],
        activation="TANH",
        cell_clip=node.operator.cell_clip,
        time_major=False,
    )
    builder.output(last)
    return builder.build()
