"""Kernel cases of recurrent layers: few and many units, steps and batches, saturated gates and cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case_parts import Rng, case, tensor
from kernel_harness import Case

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.operators import Gru, Lstm


def recurrent(rng: Rng, number: int) -> Iterator[Case]:
    batches, time, inputs, units = (int(n) for n in rng.integers((1, 1, 1, 1), (4, 6, 20, 18)))
    x = tensor("x", (batches, time, inputs), rng)
    h = tensor("h", (batches, units), rng)
    steps = {"quantization": h.quantization}
    made = [tensor("y", (batches, time, units), rng, **steps), tensor("h_next", h.shape, rng, **steps)]
    cell_steps = {"quantization": Quantization.per_tensor(2.0 ** int(rng.integers(-15, 1)), 0)}
    cells = [tensor(name, h.shape, rng, DType.I16, **cell_steps) for name in ("c", "c_next")]
    for operator in (Lstm(float(rng.choice((0.0, 0.5, 10.0)))), Gru(True), Gru(False)):
        is_lstm = isinstance(operator, Lstm)
        gates = 4 if is_lstm else 3
        weights = [
            _weights(rng, "weights", (gates * units, inputs)),
            _weights(rng, "recurrent", (gates * units, units)),
        ]
        biases = [_bias(rng, f"bias{index}", gates * units) for index in range(1 if is_lstm else 2)]
        state = [h, *cells[:1]] if is_lstm else [h]
        outputs = [*made, *cells[1:]] if is_lstm else made
        yield case(f"{operator} {number}", rng, operator, [x, *weights, *biases, *state], outputs)


def _weights(rng: Rng, name: str, shape: tuple[int, int]) -> Tensor:
    """One scale, or one for each row; now and then so large that gates saturate or sums shift left."""
    count = shape[0] if rng.random() < 0.7 else 1
    scales = (2.0 ** rng.uniform(-12, -2 if rng.random() < 0.2 else -6, count)).astype(np.float32)
    quantization = Quantization(scales, np.zeros(count, np.int32), 0 if count > 1 else None)
    data = rng.integers(-128, 127, shape, endpoint=True).astype(np.int8)
    return Tensor(name, shape, DType.I8, quantization, data)


def _bias(rng: Rng, name: str, rows: int) -> Tensor:
    reach = int(rng.choice((1, 20000, 2**31 - 1), p=(0.2, 0.7, 0.1)))
    data = rng.integers(-reach, reach, rows, endpoint=True).astype(np.int32)
    return Tensor(name, (rows,), DType.I32, None, data)
