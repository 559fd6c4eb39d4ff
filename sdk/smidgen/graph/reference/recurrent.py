"""Lstm and Gru.

Both run on int8 x and h with int8 weights, each row of which has its own scale. Products are rescaled to
Q3.12, gates are int16 in Q0.15 from the tables of the int16 activations. The integers of Lstm are those of
TensorFlow Lite Micro's UNIDIRECTIONAL_SEQUENCE_LSTM: c is int16, its scale a power of two.

Gru has no such precedent. The products of x and h are added with 32 bits, and only their sum saturates, at 8.
h' is one sum (1 - z) n + z h with 15 bits of fraction, rounded once. From h within -1..1, the h of one step
is within half a step and (8 + s) / 6000 of the exact function of the integers, weights and biases, where s is
the largest sum of magnitudes that the reset gate acts on, |R| |h| + |d|
(tests/reference/test_reference_recurrent.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    integer_range,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantize_multipliers,
    rounding_divide_by_power_of_two,
    wrap_int32,
)
from smidgen.graph.operators import Gru, Logistic, Lstm
from smidgen.graph.reference.activation import FLOAT_FUNCTIONS
from smidgen.graph.reference.activation_int16 import Sigmoid16Parameters, logistic_int16, tanh_int16
from smidgen.graph.reference.base import Evaluator, require
from smidgen.graph.types import DType, Graph, Node, Tensor

GATE_BITS = 12  # of fraction in what goes into a gate's function
_UNIT_BITS = 15  # of fraction in what comes out of it
_INT16 = integer_range(16)
_PRODUCT = (-(1 << 29), 1 << 29)  # of a Gru, in Q19.12: two of them fit 31 bits
_RESET_BITS = 7  # of fraction in r h, which fits int16 so
_RESET_UNITS = 512  # for which 32 bits hold sums of products with r h
SMALLEST_STEP = 2.0**-15  # of h: its reciprocal with 15 bits of fraction fits 31 bits


@dataclass(frozen=True)
class GateParameters:
    """Of the products of all gates, one multiplier and shift per row of the weights (x) and recurrent ones
    (h). Both products become Q3.12."""

    input_zero_point: int
    hidden_zero_point: int
    input_multiplier: np.ndarray
    input_shift: np.ndarray
    hidden_multiplier: np.ndarray
    hidden_shift: np.ndarray


@dataclass(frozen=True)
class LstmParameters:
    """forget, update and hidden: multiplier and shift of f c, i g and o tanh(c); cell_clip: in steps of c, 0
    for none; cell: of the tanh of c."""

    gates: GateParameters
    forget: tuple[int, int]
    update: tuple[int, int]
    hidden: tuple[int, int]
    cell_clip: int
    cell: Sigmoid16Parameters


@dataclass(frozen=True)
class GruParameters:
    """multiplier, shift: from Q1.30 to steps of h with 15 bits of fraction."""

    gates: GateParameters
    multiplier: int
    shift: int


def _gate_parameters(x: Tensor, weights: Tensor, recurrent: Tensor, h: Tensor) -> GateParameters:
    def multipliers(values: Tensor, rows: Tensor):
        scales = np.asarray(rows.quantization.scale, np.float64)
        reals = np.float64(values.scale) * scales * 2.0**GATE_BITS
        return quantize_multipliers(np.broadcast_to(reals, rows.shape[:1]))

    return GateParameters(x.zero_point, h.zero_point, *multipliers(x, weights), *multipliers(h, recurrent))


def lstm_parameters(graph: Graph, node: Node) -> LstmParameters:
    """Of a node that `refuse_integers` does not refuse."""
    x, weights, recurrent, _, h, c = graph.input_tensors(node)
    unit, exponent = 2.0**-_UNIT_BITS, round(math.log2(c.scale))
    return LstmParameters(
        _gate_parameters(x, weights, recurrent, h),
        quantize_multiplier(unit),
        quantize_multiplier(unit * unit / c.scale),
        quantize_multiplier(unit * unit / h.scale),
        int(min(node.operator.cell_clip / c.scale, _INT16[1])),
        _of_power_of_two(exponent),
    )


def gru_parameters(graph: Graph, node: Node) -> GruParameters:
    """Of a node that `refuse_integers` does not refuse."""
    x, weights, recurrent, *_, h = graph.input_tensors(node)
    multiplier, shift = quantize_multiplier(2.0**-_UNIT_BITS / h.scale)
    return GruParameters(_gate_parameters(x, weights, recurrent, h), multiplier, shift)


def refuse_integers(graph: Graph, node: Node) -> str | None:
    """Why there is no int8 meaning of a node, or None when there is."""
    x, weights, recurrent, *biases = graph.input_tensors(node)
    is_lstm = isinstance(node.operator, Lstm)
    cells = [biases.pop(), graph.tensor(node.outputs[2])] if is_lstm else []
    h = biases.pop()
    hidden = [h, *graph.output_tensors(node)[:2]]
    for tensor in (x, weights, recurrent, *hidden):
        if tensor.dtype is not DType.I8:
            return f"'{tensor.name}' is {tensor.dtype.value}, not i8"
    for tensor in (weights, recurrent):
        if not tensor.is_constant or tensor.quantization.axis not in (None, 0):
            return f"its weights '{tensor.name}' are not constant with one scale, or one for each row"
    for tensor in biases:
        if tensor is not None and (not tensor.is_constant or tensor.dtype is not DType.I32):
            return f"its bias '{tensor.name}' is not a constant of type i32"
    if len({(tensor.scale, tensor.zero_point) for tensor in hidden}) > 1:
        return f"'{h.name}' and what becomes of it have different quantizations"
    if h.scale < SMALLEST_STEP:
        return f"the scale of '{h.name}' is {h.scale:g}, below 2**-15"
    if not is_lstm and not node.operator.reset_after and h.shape[-1] > _RESET_UNITS:
        return f"it has {h.shape[-1]} units, more than {_RESET_UNITS}, and multiplies h by the reset gate"
    for tensor in cells:
        if tensor.dtype is not DType.I16:
            return f"'{tensor.name}' is {tensor.dtype.value}, not i16"
        exponent = math.log2(tensor.scale)
        if tensor.scale != cells[0].scale or tensor.zero_point or exponent != round(exponent):
            return f"the scale of '{tensor.name}' is not one power of two with a zero point of 0"
        if not -_UNIT_BITS <= exponent <= 0:
            return f"the scale of '{tensor.name}' is 2**{exponent:g}, not from 2**-{_UNIT_BITS} to 1"
    return None


def _of_power_of_two(exponent: int) -> Sigmoid16Parameters:
    """Of the functions of values with a scale of 2**exponent."""
    left = exponent + GATE_BITS
    return Sigmoid16Parameters(3 << max(left, 0), max(-left, 0))


_GATE = _of_power_of_two(-GATE_BITS)


def _logistic(x: np.ndarray) -> np.ndarray:
    return FLOAT_FUNCTIONS[Logistic](None, x)


def _all_float(graph: Graph, node: Node) -> bool:
    tensors = [*graph.input_tensors(node), *graph.output_tensors(node)]
    return all(tensor is None or tensor.dtype is DType.F32 for tensor in tensors)


def _wide(inputs: list[np.ndarray | None]) -> list[np.ndarray | float]:
    """In float64; 0 where there is none."""
    return [0.0 if array is None else array.astype(np.float64) for array in inputs]


def lstm(graph: Graph, node: Node) -> Evaluator:
    if not _all_float(graph, node):
        require(refuse_integers(graph, node) is None, graph, node)
        return _lstm_int8(lstm_parameters(graph, node))
    operator: Lstm = node.operator

    def run(inputs):
        x, weights, recurrent, bias, h, c = _wide(inputs)
        steps = []
        for products in np.moveaxis(x @ weights.T + bias, 1, 0):
            i, f, g, o = np.split(products + h @ recurrent.T, 4, axis=-1)
            c = _logistic(f) * c + _logistic(i) * np.tanh(g)
            if operator.cell_clip:
                c = np.clip(c, -operator.cell_clip, operator.cell_clip)
            h = _logistic(o) * np.tanh(c)
            steps.append(h)
        return [array.astype(np.float32) for array in (np.stack(steps, axis=1), h, c)]

    return run


def gru(graph: Graph, node: Node) -> Evaluator:
    operator: Gru = node.operator
    if not _all_float(graph, node):
        require(refuse_integers(graph, node) is None, graph, node)
        return _gru_int8(gru_parameters(graph, node), operator.reset_after)

    def run(inputs):
        x, weights, recurrent, bias, recurrent_bias, h = _wide(inputs)
        recurrent_bias = np.broadcast_to(recurrent_bias, weights.shape[:1])
        units = h.shape[-1]
        steps = []
        for products in np.moveaxis(x @ weights.T + bias, 1, 0):
            gates = products[:, : 2 * units] + h @ recurrent[: 2 * units].T + recurrent_bias[: 2 * units]
            z, r = np.split(_logistic(gates), 2, axis=-1)
            last, offset = recurrent[2 * units :].T, recurrent_bias[2 * units :]
            new = r * (h @ last + offset) if operator.reset_after else (r * h) @ last + offset
            h = (1 - z) * np.tanh(products[:, 2 * units :] + new) + z * h
            steps.append(h)
        return [array.astype(np.float32) for array in (np.stack(steps, axis=1), h)]

    return run


class _Products:
    """The products of the gates in Q3.12, of x for all steps, of h for one and for some rows."""

    def __init__(
        self,
        p: GateParameters,
        inputs: list[np.ndarray | None],
        recurrent_bias: np.ndarray | None,
        limits: tuple[int, int],
    ) -> None:
        x, weights, self._recurrent, bias = inputs[:4]
        self._p, self._bias, self._limits = p, recurrent_bias, limits
        sums = _sums(x.astype(np.int64) - p.input_zero_point, weights, bias)
        of_x = multiply_by_quantized_multiplier(sums, p.input_multiplier, p.input_shift)
        self.of_x = np.moveaxis(np.clip(of_x, *limits), 1, 0)

    def of_h(self, h: np.ndarray, rows: slice, fraction_bits: int = 0) -> np.ndarray:
        """h: int64, less its zero point, with bits of fraction."""
        sums = rounding_divide_by_power_of_two(_sums(h, self._recurrent[rows], None), fraction_bits)
        sums = sums if self._bias is None else wrap_int32(sums + self._bias[rows])
        p = self._p
        scaled = multiply_by_quantized_multiplier(sums, p.hidden_multiplier[rows], p.hidden_shift[rows])
        return np.clip(scaled, *self._limits)


def _sums(values: np.ndarray, weights: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    # Exact in float64: no sum of products reaches 2**53.
    sums = (values.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)
    return wrap_int32(sums if bias is None else sums + bias)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return logistic_int16(_GATE, np.clip(x, *_INT16))


def _tanh(x: np.ndarray) -> np.ndarray:
    return tanh_int16(_GATE, np.clip(x, *_INT16))


def _lstm_int8(p: LstmParameters) -> Evaluator:
    zero_point = p.gates.hidden_zero_point

    def run(inputs):
        products, h, c = _Products(p.gates, inputs, None, _INT16), inputs[4], inputs[5].astype(np.int64)
        steps = []
        for of_x in products.of_x:
            of_h = products.of_h(h.astype(np.int64) - zero_point, slice(None))
            i, f, g, o = np.split(of_x + of_h, 4, axis=-1)
            kept = np.clip(multiply_by_quantized_multiplier(_sigmoid(f) * c, *p.forget), *_INT16)
            new = np.clip(multiply_by_quantized_multiplier(_sigmoid(i) * _tanh(g), *p.update), *_INT16)
            c = np.clip(kept + new, *_INT16)
            if p.cell_clip:
                c = np.clip(c, -p.cell_clip, p.cell_clip)
            scaled = multiply_by_quantized_multiplier(_sigmoid(o) * tanh_int16(p.cell, c), *p.hidden)
            h = np.clip(scaled + zero_point, *integer_range(8)).astype(np.int8)
            steps.append(h)
        return [np.stack(steps, axis=1), h, c.astype(np.int16)]

    return run


def _gru_int8(p: GruParameters, reset_after: bool) -> Evaluator:
    zero_point = p.gates.hidden_zero_point

    def run(inputs):
        products, units = _Products(p.gates, inputs, inputs[4], _PRODUCT), inputs[5].shape[-1]
        update_and_reset, last = slice(2 * units), slice(2 * units, 3 * units)
        h = inputs[5].astype(np.int64) - zero_point
        steps = []
        for of_x in products.of_x:
            z, r = np.split(
                _sigmoid(of_x[:, update_and_reset] + products.of_h(h, update_and_reset)), 2, axis=-1
            )
            if reset_after:
                of_h = (r * products.of_h(h, last) + (1 << (_UNIT_BITS - 1))) >> _UNIT_BITS
            else:
                reset = rounding_divide_by_power_of_two(r * h, _UNIT_BITS - _RESET_BITS)
                of_h = products.of_h(reset, last, _RESET_BITS)
            new = ((1 << _UNIT_BITS) - z) * _tanh(of_x[:, last] + of_h)
            total = multiply_by_quantized_multiplier(new, p.multiplier, p.shift) + z * h
            total = rounding_divide_by_power_of_two(total, _UNIT_BITS) + zero_point
            result = np.clip(total, *integer_range(8))
            h = result - zero_point
            steps.append(result.astype(np.int8))
        return [np.stack(steps, axis=1), steps[-1]]

    return run
