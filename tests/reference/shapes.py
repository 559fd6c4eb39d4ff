"""Random tensors and windows chosen to hurt: odd sizes, few channels, extreme scales and zero points."""

from __future__ import annotations

import numpy as np
from oracle import spatial, tensor

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Activation


class Random:
    """Draws from one seed; a test case is named by it."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """low..high inclusive."""
        return int(self.generator.integers(low, high, endpoint=True))

    def pair(self, low: int, high: int) -> tuple[int, int]:
        return self.integer(low, high), self.integer(low, high)

    def chance(self, probability: float) -> bool:
        return bool(self.generator.random() < probability)

    def power_of_ten(self, low: float, high: float) -> float:
        return float(np.float32(10 ** self.generator.uniform(low, high)))

    def ratio(self, largest: int) -> float:
        """A quotient of small integers: between such scales, results lie often on a rounding tie."""
        return self.integer(1, largest) / self.integer(1, 30)

    def zero_point(self) -> int:
        """Often an extreme: the zero point of most activations is -128."""
        return [-128, 127, 0, self.integer(-128, 127)][self.integer(0, 3)]

    def activation(self) -> Activation:
        return list(Activation)[self.integer(0, 3)]

    def quantized(self, shape: tuple[int, ...], dtype: DType = DType.I8) -> Tensor:
        return tensor(shape, dtype, self.power_of_ten(-3, 0.5), self.zero_point() if dtype is DType.I8 else 0)

    def window(self, height: int, width: int, dilated: bool):
        """(size, stride, dilation, whether padding is SAME) that fit height by width."""
        size, stride, dilation = self.pair(1, 5), self.pair(1, 3), (1, 1)
        if dilated and self.chance(0.3):
            dilation = self.pair(1, 3)
        reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        same = self.chance(0.5) or reach[0] > height or reach[1] > width
        return size, stride, dilation, same

    def windowed(self, x: Tensor, dilated: bool = False):
        """(size, stride, dilation, padding, output rows and columns) of a window over x."""
        size, stride, dilation, same = self.window(*x.shape[1:3], dilated)
        rows_and_columns, padding = spatial(x, size, stride, dilation, same)
        return size, stride, dilation, padding, rows_and_columns

    def weights(self, shape: tuple[int, ...], axis: int) -> Tensor:
        """int8 in -127..127, per tensor or per channel of `axis`, with the extremes well represented."""
        values = self.generator.integers(-127, 128, shape)
        values = np.where(self.generator.random(shape) < 0.1, 127, values).astype(np.int8)
        if self.chance(0.25) or shape[axis] == 1:
            return tensor(shape, DType.I8, self.power_of_ten(-4, -1), data=values)
        scales = 10 ** self.generator.uniform(-4, -1, shape[axis])
        return tensor(shape, DType.I8, scales, axis=axis, data=values)

    def bias(self, x: Tensor, weights: Tensor, channels: int, values: np.ndarray | None = None) -> Tensor:
        """int32 in the scale of x times weights, small unless `values` are given."""
        if values is None:
            values = self.generator.integers(-20000, 20000, channels).astype(np.int32)
        scales = np.float32(x.scale) * weights.quantization.scale
        return tensor((channels,), DType.I32, scales, axis=weights.quantization.axis and 0, data=values)

    def product_output(self, x: Tensor, weights: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The output of a convolution or matrix product: from mostly saturated to mostly the zero point."""
        scale = x.scale * float(np.mean(weights.quantization.scale)) * self.power_of_ten(0, 4)
        return tensor(shape, DType.I8, scale, self.zero_point())

    def boundary_biases(self, real: np.ndarray, zero_point: int) -> np.ndarray:
        """int32 accumulators beside the ties of rounding, where the last bit of a multiplier decides.

        real: the scale from accumulator to output, per channel.
        """
        outputs = self.generator.integers(-128, 127, real.shape) + 0.5
        ties = (outputs - zero_point) / real
        beside = ties * (1 + self.generator.uniform(-1e-7, 1e-7, real.shape))
        beside += self.generator.integers(-2, 3, real.shape)
        return np.clip(np.round(beside), -(2**31), 2**31 - 1).astype(np.int32)

    def extreme_biases(self, channels: int) -> np.ndarray:
        """int32 values within 2**20 of either end, so that sums of products overflow."""
        distances = self.generator.integers(0, 2**20, channels)
        ends = self.generator.choice([-1, 1], channels)
        return (ends * (2**31 - 1 - distances)).astype(np.int32)
