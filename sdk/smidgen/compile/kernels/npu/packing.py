"""Weights and parameters in the order in which the engine's weight buffer takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.common import bias_of
from smidgen.compile.kernels.npu.layer import Layer
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.fixed_point import wrap_int32
from smidgen.graph.packing import pack
from smidgen.graph.reference.conv import ConvParameters
from smidgen.npu.descriptor import PARAMETER_BYTES, QUAD, TAPS, Convolution

_DTYPES = {8: DType.I8, 4: DType.I4, 2: DType.I2}


@dataclass(frozen=True, eq=False)
class Outputs:
    """Output channels of a layer, for inputs as they are.

    weights: (channels, kernel rows, kernel columns, inputs); the others: int32, one for each channel.
    """

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray

    @staticmethod
    def of(graph: Graph, node: Node, weights: np.ndarray, p: ConvParameters) -> Outputs:
        """The zero point of the inputs goes into the bias: sum((x - z) * w) = sum(x * w) - z * sum(w)."""
        channels = weights.shape[0]
        sums = weights.reshape(channels, -1).astype(np.int64).sum(axis=1)
        bias = wrap_int32(bias_of(graph, node, channels) - p.input_zero_point * sums)
        return Outputs(weights, bias, p.multiplier, p.shift)


def weight_blob(layer: Layer, outputs: Outputs) -> Blob:
    """All blocks of output channels: parameters, then the words of the kernel. layer: as it is tiled."""
    weights = outputs.weights.swapaxes(1, 2) if layer.transposed else outputs.weights
    each = layer.engine.block_outputs(layer.descriptor())
    count = layer.blocks * each
    kernel = _kernel(layer, _filled(weights, count), each)
    numbers = [_filled(part.astype("<i4"), count).reshape(-1, QUAD) for part in _parameters(outputs)]
    parameters = np.zeros((count // QUAD, layer.engine.quad_words * layer.engine.word_bytes), np.uint8)
    parameters[:, :PARAMETER_BYTES] = np.concatenate(numbers, axis=1).view(np.uint8)
    blocks = np.concatenate([parameters.reshape(layer.blocks, -1), kernel.reshape(layer.blocks, -1)], axis=1)
    stored = np.ascontiguousarray(blocks).reshape(-1)[: layer.weight_bytes]
    return Blob("weights", stored.view("<u4"), "weights")


def _parameters(outputs: Outputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return outputs.bias, outputs.multiplier, outputs.shift


def _filled(values: np.ndarray, count: int) -> np.ndarray:
    """With zeros up to `count` channels."""
    return np.concatenate([values, np.zeros((count - values.shape[0], *values.shape[1:]), values.dtype)])


def _kernel(layer: Layer, weights: np.ndarray, each: int) -> np.ndarray:
    """The bytes of the words of the kernel, a block after the other."""
    rows, columns = layer.kernel
    lanes = layer.engine.lanes
    if layer.kind is Convolution:
        row = np.zeros((weights.shape[0], rows, layer.chunks * lanes), np.int8)
        row[:, :, : columns * layer.channels] = weights.reshape(weights.shape[0], rows, -1)
        words = row.reshape(-1, each, rows, layer.chunks, lanes).transpose(0, 2, 3, 1, 4)
        return pack(words, _DTYPES[layer.bits])
    taps = np.zeros((weights.shape[0], rows, TAPS), np.int8)
    taps[:, :, TAPS - columns :] = weights.reshape(weights.shape[0], rows, columns)
    return pack(taps.reshape(-1, lanes, rows, TAPS).transpose(0, 2, 3, 1), DType.I8)
