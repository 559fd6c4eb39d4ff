"""FULLY_CONNECTED and BATCH_MATMUL."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType
from smidgen.graph.operators import BatchMatMul, FullyConnected
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable
from smidgen.importers.tflite.weights import check_accumulator, check_bias, check_weights

_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point


@importer("FULLY_CONNECTED", "FullyConnectedOptions")
def fully_connected(call: Call) -> None:
    call.expect(inputs=(2, 3))
    x, weights, bias, y = call.input(0), call.input(1, "weights"), call.optional_input(2), call.outputs[0]
    if call.option("WeightsFormat") != 0:
        call.fail("shuffled weights are not supported", "convert with the default weights format")
    call.expect_rank(weights, 2, "weights")
    dtype = call.expect_types(x, y, wide=True)
    weights = check_weights(call, weights, dtype, channel_axis=0)
    bias = check_bias(call, bias, x, weights, y, channel_axis=0)
    if dtype is not DType.F32:
        check_accumulator(call, x, weights, bias, y, channel_axis=0)
    channels, depth = weights.shape
    if x.elements % depth:
        call.fail(f"input {list(x.shape)} cannot be split into rows of {depth}")
    kept = (*x.shape[:-1], channels)
    flat = (x.elements // depth, channels)
    if x.shape[-1:] != (depth,) or y.shape != kept:
        call.expect_shape(y, flat)
    call.emit(FullyConnected(call.activation(y)), [x, weights, bias], [y])


@importer("BATCH_MATMUL", "BatchMatMulOptions")
def batch_matmul(call: Call) -> None:
    """A product with one constant matrix becomes a FullyConnected."""
    call.expect(inputs=2)
    a, b, y = call.input(0), call.input(1, "second input"), call.outputs[0]
    if min(len(a.shape), len(b.shape)) < 2:
        call.fail(
            f"its inputs have shapes {list(a.shape)} and {list(b.shape)}; at least 2 dimensions are needed"
        )
    transpose_a, transpose_b = bool(call.option("AdjX")), bool(call.option("AdjY"))
    dtype = call.expect_types(a, b, y, wide=True)
    rows, depth = reversed(a.shape[-2:]) if transpose_a else a.shape[-2:]
    second_depth, columns = reversed(b.shape[-2:]) if transpose_b else b.shape[-2:]
    if depth != second_depth:
        call.fail(f"matrices with {depth} columns and {second_depth} rows cannot be multiplied")
    try:
        batches = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        call.fail(f"shapes {list(a.shape)} and {list(b.shape)} do not broadcast")
    call.expect_shape(y, (*batches, rows, columns))
    if dtype is DType.I8:
        expect_rescalable(call, a.scale * b.scale / y.scale, _LARGEST_DIFFERENCE**2 * depth)
    is_weights = (
        b.data is not None
        and len(b.shape) == 2
        and (dtype is DType.F32 or (dtype is DType.I8 and b.zero_point == 0))
    )
    if is_weights and not transpose_a:
        weights = b if transpose_b else call.new_constant(b, np.ascontiguousarray(b.data.T), b.quantization)
        call.emit(FullyConnected(), [a, weights], [y])
        return
    call.emit(BatchMatMul(transpose_a, transpose_b), [a, b], [y])
