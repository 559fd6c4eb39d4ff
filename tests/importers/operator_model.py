"""Small models of one operator for tests of the importer, and the registry of those that are valid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smidgen.graph.operators import Operator
from tflite_builder import ModelBuilder

_RANDOM_SEED = 7
X_SCALE, X_ZERO = 0.05, 3
Y_SCALE, Y_ZERO = 0.08, -5
SOFT = {"scale": 1 / 256, "zero_point": -128}


class OperatorModel:
    """A model under construction in one type: `x`, `y` and constants get a quantization when it is int8."""

    def __init__(self, dtype: str) -> None:
        self.builder = ModelBuilder()
        self.dtype = dtype
        self.random = np.random.default_rng(_RANDOM_SEED)

    def x(self, *shape: int, scale: float = X_SCALE, zero_point: int = X_ZERO) -> int:
        return self.builder.input(shape, self.dtype, **self._quantized(scale, zero_point))

    def y(self, *shape: int, scale: float = Y_SCALE, zero_point: int = Y_ZERO) -> int:
        index = self.builder.tensor(shape, self.dtype, **self._quantized(scale, zero_point))
        self.builder.output(index)
        return index

    def same(self, *shape: int) -> int:
        """An output with the input's quantization."""
        return self.y(*shape, scale=X_SCALE, zero_point=X_ZERO)

    def weights(self, *shape: int, axis: int) -> int:
        if self.dtype == "float32":
            return self.builder.constant(self.random.normal(0, 1, shape).astype(np.float32))
        data = self.random.integers(-127, 128, shape).astype(np.int8)
        return self.builder.constant(data, scale=self._weight_scales(shape[axis]), axis=axis)

    def bias(self, channels: int) -> int:
        if self.dtype == "float32":
            return self.builder.constant(self.random.normal(0, 1, channels).astype(np.float32))
        data = self.random.integers(-500, 500, channels).astype(np.int32)
        return self.builder.constant(data, scale=X_SCALE * self._weight_scales(channels))

    def constant(self, data: np.ndarray, scale: float = X_SCALE, zero_point: int = X_ZERO) -> int:
        """An operand of the model's own type."""
        return self.builder.constant(data.astype(self.dtype), **self._quantized(scale, zero_point))

    def integers(self, *values: object) -> int:
        return self.builder.constant(np.array(values, np.int32))

    def scalar(self, value: int) -> int:
        return self.builder.constant(np.array(value, np.int32))

    @staticmethod
    def _weight_scales(channels: int) -> np.ndarray:
        return np.linspace(0.001, 0.004, channels).astype(np.float32)

    def _quantized(self, scale: float, zero_point: int) -> dict:
        return {} if self.dtype == "float32" else {"scale": scale, "zero_point": zero_point}


Case = Callable[[OperatorModel], list[Operator]]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def build(name: str, dtype: str = "int8") -> tuple[bytes, list[Operator]]:
    """(the file's content, the operators that its import should give)."""
    model = OperatorModel(dtype)
    expected = CASES[name](model)
    return model.builder.build(), expected
