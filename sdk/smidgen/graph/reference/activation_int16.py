"""Logistic, Tanh and Softmax of int16 values, as TensorFlow Lite defines them: by interpolation in tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    integer_range,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_half_away,
)
from smidgen.graph.operators import Logistic, Operator, Tanh
from smidgen.graph.reference.base import tensors_of
from smidgen.graph.types import Graph, Node

# The argument of the table is in units of 1 / (3 * 4096), its entries are 1 / 24 apart.
_UNITS = 3 * 4096
_SIGMOID_BITS = 9  # between two entries, and between logistic(2x) and tanh(x) one less
_STEPS = 512  # of the tables of Softmax, over the range of int16
_EXP_RANGE = (-10.0, 0.0)
_LOW, _HIGH = integer_range(16)


def sigmoid_table() -> np.ndarray:
    """logistic(i / 24) for i in 0..255, in units of 2**-16: uint16. Each is raised by half of what a straight
    line to the next one lacks in the middle; the last is where arguments beyond it lead."""

    def exact(places: np.ndarray) -> np.ndarray:
        return (1 << 16) / (1 + np.exp(-places / 24))

    i = np.arange(256)
    lacking = exact(i + 0.5) - (exact(i) + exact(i + 1)) / 2
    table = np.rint(exact(i) + lacking / 2)
    table[-1] = (1 << 16) - 1
    return table.astype(np.uint16)


@dataclass(frozen=True)
class Sigmoid16Parameters:
    """The argument of the table is (x * multiplier + half of 2**shift) >> shift."""

    multiplier: int
    shift: int


def sigmoid16_parameters(graph: Graph, node: Node) -> Sigmoid16Parameters:
    """Of an int16 Logistic or Tanh."""
    (x,), _ = tensors_of(graph, node)
    log2 = math.log2(x.scale)
    exponent = round(log2)
    powers = (0, 1) if isinstance(node.operator, Tanh) else (0,)
    if abs(log2 - exponent) < 1e-3 and exponent + 12 in powers:
        return Sigmoid16Parameters(3 << (exponent + 12), 0)
    multiplier, shift = x.scale * _UNITS, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = 2 * multiplier, shift + 1
    return Sigmoid16Parameters(int(multiplier), shift)


def _interpolated(p: Sigmoid16Parameters, x: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(the table's value at |argument|, in units of 2**-(16 + bits), whether the argument is negative)."""
    rounding = 1 << (p.shift - 1) if p.shift else 0
    argument = (x.astype(np.int64) * p.multiplier + rounding) >> p.shift
    table = sigmoid_table().astype(np.int64)
    magnitude = np.abs(argument)
    at = np.minimum(magnitude >> bits, 254)
    between = (table[at] << bits) + (magnitude & ((1 << bits) - 1)) * (table[at + 1] - table[at])
    return np.where(magnitude >> bits >= 255, -1, between), argument < 0


def logistic_int16(p: Sigmoid16Parameters, x: np.ndarray) -> np.ndarray:
    """int16 with a scale of 1 / 32768."""
    bits = _SIGMOID_BITS
    value, negative = _interpolated(p, x, bits)
    value = np.where(value < 0, 0x7FFF << (bits + 1), value)
    half = 1 << bits
    return np.where(negative, (1 << (16 + bits)) - value + half - 1, value + half) >> (bits + 1)


def tanh_int16(p: Sigmoid16Parameters, x: np.ndarray) -> np.ndarray:
    """int16 with a scale of 1 / 32768: 2 * logistic(2 * x) - 1."""
    bits = _SIGMOID_BITS - 1
    value, negative = _interpolated(p, x, bits)
    value = np.where(value < 0, 0xFFFF << bits, value)
    one, half = 1 << (15 + bits), 1 << (bits - 1)
    return np.where(negative, one - value + half - 1, value - one + half) >> bits


INT16_FUNCTIONS: dict[type[Operator], Callable[[Sigmoid16Parameters, np.ndarray], np.ndarray]] = {
    Logistic: logistic_int16,
    Tanh: tanh_int16,
}


def _table(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """int16 in units of 2**-15: the function at _STEPS + 1 places, each bent to halve the error between."""
    step = np.float32((np.float32(high) - np.float32(low)) / _STEPS)
    places = np.float32(low) + np.arange(_STEPS, dtype=np.float32) * step
    unit = np.float32(1 << 15)
    at, middle = function(places) * unit, function(places + step / np.float32(2)) * unit
    after = function(np.float32(low) + np.arange(1, _STEPS + 1, dtype=np.float32) * step) * unit
    sample = round_half_away(at)
    error = round_half_away((after + sample) / np.float32(2)) - round_half_away(middle)
    last = round_half_away(function(np.array([high], np.float32)) * unit)
    values = np.concatenate([sample - round_half_away(error / np.float32(2)), last])
    return np.clip(values, _LOW, _HIGH).astype(np.int16)


def exp_table() -> np.ndarray:
    """exp over -10..0."""
    return _table(np.exp, *_EXP_RANGE)


def reciprocal_table() -> np.ndarray:
    """1 / (1 + x) over 0..1."""
    return _table(lambda x: np.float32(1) / (np.float32(1) + x), 0.0, 1.0)


def _looked_up(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Between the entries of a table for arguments over the whole range of int16."""
    wide = table.astype(np.int64)
    at = 256 + (x >> 7)
    return wide[at] + (((wide[at + 1] - wide[at]) * (x & 127) + 64) >> 7)


@dataclass(frozen=True)
class Softmax16Parameters:
    """A difference to the row's maximum times multiplier / 2**31 * 2**shift is -65535 for exp(-10)."""

    multiplier: int
    shift: int


def softmax16_parameters(graph: Graph, node: Node) -> Softmax16Parameters:
    (x,), _ = tensors_of(graph, node)
    beta = float(np.float32(node.operator.beta))
    return Softmax16Parameters(*quantize_multiplier(x.scale * beta / (10.0 / 65535.0)))


def softmax_int16(p: Softmax16Parameters, x: np.ndarray) -> np.ndarray:
    """Softmax of int16 rows into int16 with a scale of 1 / 32768."""
    differences = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    scaled = multiply_by_quantized_multiplier(differences, p.multiplier, p.shift)
    powers = _looked_up(exp_table(), np.clip(scaled + _HIGH, _LOW, _HIGH))
    sums = powers.sum(axis=-1, keepdims=True)
    leading_zeros = 32 - np.frexp(sums.astype(np.float64))[1].astype(np.int64)
    shifted = ((sums << (leading_zeros - 1)) + (1 << 13)) >> 14
    reciprocal = _looked_up(reciprocal_table(), np.clip(shifted - (1 << 15) - (1 << 16), _LOW, _HIGH))
    right = 31 - leading_zeros
    return np.clip((powers * reciprocal + (1 << (right - 1))) >> right, 0, _HIGH).astype(np.int16)
