"""FULLY_CONNECTED."""

from __future__ import annotations

from smidgen.graph import DType
from smidgen.graph.operators import FullyConnected
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.weights import check_accumulator, check_bias, check_weights


@importer("FULLY_CONNECTED", "FullyConnectedOptions")
def fully_connected(call: Call) -> None:
    call.expect(inputs=(2, 3))
    x, weights, bias, y = call.input(0), call.input(1, "weights"), call.optional_input(2), call.outputs[0]
    if call.option("WeightsFormat") != 0:
        call.fail("shuffled weights are not supported", "convert with the default weights format")
    call.expect_rank(weights, 2, "weights")
    dtype = call.expect_types(x, y)
    weights = check_weights(call, weights, dtype, channel_axis=0)
    bias = check_bias(call, bias, x, weights, y, channel_axis=0)
    if dtype is DType.I8:
        check_accumulator(call, x, weights, bias, y, channel_axis=0)
    channels, depth = weights.shape
    if x.elements % depth:
        call.fail(f"input {list(x.shape)} cannot be split into rows of {depth}")
    kept = (*x.shape[:-1], channels)
    flat = (x.elements // depth, channels)
    if x.shape[-1:] != (depth,) or y.shape != kept:
        call.expect_shape(y, flat)
    call.emit(FullyConnected(call.activation(y)), [x, weights, bias], [y])
