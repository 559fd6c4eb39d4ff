"""Weights and biases of layers in a file that is quantized: int8 and int32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.fixed_point import round_half_away
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, TransposeConv2D
from smidgen.importers.onnx.call import dequantized

# The axis of the weights along which output channels lie.
CHANNEL_AXIS = {Conv2D: 0, DepthwiseConv2D: 3, TransposeConv2D: 0, FullyConnected: 0}

ALL_OR_NONE = (
    "quantize this operator, too (QuantizeLinear and DequantizeLinear around it; onnxruntime: "
    "quant_pre_process first folds batch normalization), or give the float model to `smidgen compress`"
)
_INT32_MAX = (1 << 31) - 1


class CannotQuantize(Exception):
    """Why an operator has no integer form, and what to do."""

    def __init__(self, what: str, fix: str = ALL_OR_NONE) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def check_weights(weights: Tensor, channel_axis: int) -> None:
    """Raise CannotQuantize unless they are int8, symmetric, with one scale or one per output channel."""
    if weights.dtype is not DType.I8 or weights.quantization is None:
        raise CannotQuantize("its weights are not quantized to 8 bits, but its input is")
    if weights.quantization.zero_point.any():
        raise CannotQuantize(
            "its weights have a zero point; only symmetric weights are supported",
            "quantize weights symmetrically (onnxruntime: WeightSymmetric)",
        )
    if weights.quantization.axis not in (None, channel_axis):
        raise CannotQuantize("its weights are quantized along another axis than their output channels")


def int32_bias(bias: Tensor, x: Tensor, weights: Tensor, channel_axis: int) -> Tensor:
    """The bias in steps of input times weights. Raises CannotQuantize when it does not fit 32 bits."""
    assert weights.quantization is not None and bias.data is not None
    scale = np.float64(x.scale) * weights.quantization.scale.astype(np.float64)
    values = dequantized(bias).astype(np.float64) if bias.quantization is not None else bias.data
    integers = round_half_away(np.broadcast_to(values.reshape(-1), weights.shape[channel_axis]) / scale)
    if not np.isfinite(integers).all() or np.abs(integers).max() > _INT32_MAX:
        raise CannotQuantize("its bias does not fit 32 bits in the scale of input times weights")
    axis = 0 if weights.quantization.axis is not None else None
    quantization = Quantization(scale.astype(np.float32), np.zeros(scale.shape, np.int32), axis)
    data = integers.astype(np.int32)
    return replace(bias, shape=data.shape, dtype=DType.I32, data=data, quantization=quantization)


def in_float(tensor: Tensor) -> Tensor:
    """What a quantized constant stands for."""
    return replace(tensor, dtype=DType.F32, data=dequantized(tensor), quantization=None)
