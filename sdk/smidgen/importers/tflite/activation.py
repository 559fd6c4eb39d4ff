"""RELU and its clipped and leaky forms, ELU, GELU, HARD_SWISH, LOGISTIC, TANH, SOFTMAX."""

from __future__ import annotations

import math

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Clip,
    Elu,
    Gelu,
    HardSwish,
    LeakyRelu,
    Logistic,
    Prelu,
    Relu,
    Relu6,
    Softmax,
    Tanh,
)
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable
from smidgen.importers.tflite.unary import operands

_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point
_HARD_SWISH_SHIFT = 7  # bits by which inputs are scaled up


@importer("RELU")
def relu(call: Call) -> None:
    x, y = operands(call)
    if y.dtype is DType.I8:
        expect_rescalable(call, x.scale / y.scale, _LARGEST_DIFFERENCE, "the input")
    call.emit(Relu(), [x], [y])


@importer("RELU6")
def relu6(call: Call) -> None:
    x, y = operands(call)
    call.expect_same_quantization(x, y)
    call.expect_bound(y)
    call.emit(Relu6(), [x], [y])


@importer("LEAKY_RELU", "LeakyReluOptions")
def leaky_relu(call: Call) -> None:
    x, y = operands(call)
    alpha = float(call.option("Alpha"))
    if not math.isfinite(alpha):
        call.fail(f"alpha {alpha} is not a number")
    if y.dtype is DType.I8:
        for multiplier in (x.scale / y.scale, abs(alpha) * x.scale / y.scale):
            expect_rescalable(call, multiplier, _LARGEST_DIFFERENCE, "the input")
    call.emit(LeakyRelu(alpha), [x], [y])


@importer("RELU_N1_TO_1")
def relu_n1_to_1(call: Call) -> None:
    _clip(call, -1.0)


@importer("RELU_0_TO_1")
def relu_0_to_1(call: Call) -> None:
    _clip(call, 0.0)


def _clip(call: Call, minimum: float) -> None:
    x, y = operands(call)
    call.expect_same_quantization(x, y)
    call.expect_bound(y)
    call.emit(Clip(minimum, 1.0), [x], [y])


@importer("PRELU")
def prelu(call: Call) -> None:
    call.expect(inputs=2)
    x, alpha, y = call.input(0), call.input(1, "alpha"), call.outputs[0]
    call.expect_types(x, alpha, y)
    call.expect_broadcast(y, x, alpha)
    if y.dtype is DType.I8:
        expect_rescalable(call, x.scale / y.scale, _LARGEST_DIFFERENCE, "the input")
        expect_rescalable(call, x.scale * alpha.scale / y.scale, _LARGEST_DIFFERENCE**2, "the product")
    call.emit(Prelu(), [x, alpha], [y])


@importer("ELU")
def elu(call: Call) -> None:
    x, y = operands(call)
    call.emit(Elu(), [x], [y])


@importer("GELU", "GeluOptions")
def gelu(call: Call) -> None:
    x, y = operands(call)
    call.emit(Gelu(bool(call.option("Approximate"))), [x], [y])


@importer("HARD_SWISH")
def hard_swish(call: Call) -> None:
    x, y = operands(call)
    if y.dtype is DType.I8 and x.scale / (y.scale * (1 << _HARD_SWISH_SHIFT)) >= 1:
        call.fail(f"the output's scale {y.scale:g} is too small for the input's scale {x.scale:g}")
    call.emit(HardSwish(), [x], [y])


@importer("LOGISTIC")
def logistic(call: Call) -> None:
    x, y = operands(call, wide=True)
    _expect_output(call, y, 1 / 256, -128)
    _expect_scale(call, x)
    call.emit(Logistic(), [x], [y])


@importer("TANH")
def tanh(call: Call) -> None:
    x, y = operands(call, wide=True)
    _expect_output(call, y, 1 / 128, 0)
    _expect_scale(call, x)
    call.emit(Tanh(), [x], [y])


@importer("SOFTMAX", "SoftmaxOptions")
def softmax(call: Call) -> None:
    x, y = operands(call, wide=True)
    beta = float(call.option("Beta"))
    if not math.isfinite(beta) or beta <= 0:
        call.fail(f"beta {beta} is not a positive number")
    if not 1 <= len(x.shape) <= 4:
        call.fail(f"its input has shape {list(x.shape)}; 1 to 4 dimensions are supported")
    _expect_output(call, y, 1 / 256, -128)
    # Differences are held with 5 integer bits, so the input is scaled up by 2^26 (TFLite's softmax).
    if y.dtype is DType.I8 and beta * x.scale * (1 << 26) <= 1:
        call.fail(f"the input's scale {x.scale:g} times beta {beta:g} is too small")
    if y.dtype is DType.I16:
        expect_rescalable(call, beta * x.scale * 65535 / 10, 65535, "the difference to the maximum")
    call.emit(Softmax(beta), [x], [y])


def _expect_scale(call: Call, x: Tensor) -> None:
    """The argument is held with 4 integer bits, to which an int8 value is only ever shifted up; an int16
    value is multiplied by 15 bits."""
    if x.dtype is DType.I16 and x.scale * 3 * (1 << 12) >= 1 << 15:
        call.fail(f"the input's scale {x.scale:g} is too large")
    if x.dtype is DType.I8 and x.scale * (1 << 27) < 1:
        call.fail(f"the input's scale {x.scale:g} is too small")


def _expect_output(call: Call, y: Tensor, scale: float, zero_point: int) -> None:
    """The integer kernels write one fixed quantization; in int16 it is the same for all."""
    if y.dtype is DType.I16:
        scale, zero_point = 1 / (1 << 15), 0
    if y.dtype is not DType.F32 and (y.scale != scale or y.zero_point != zero_point):
        call.fail(
            f"its output has scale {y.scale:g} and zero point {y.zero_point}; the {y.dtype.value} operator "
            f"writes {scale:g} and {zero_point}",
            "convert again with a current TensorFlow",
        )
