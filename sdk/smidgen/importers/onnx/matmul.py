"""MatMul and Gemm: a product with constant weights is a FullyConnected, any other a BatchMatMul."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import Add, BatchMatMul, FullyConnected, Mul
from smidgen.importers.onnx.call import Call, importer


@importer("MatMul", makes=(FullyConnected, BatchMatMul))
def matmul(call: Call) -> Tensor:
    call.expect_inputs(2)
    a, b = call.floats(0), call.floats(1)
    if not a.shape or not b.shape:
        call.fail("one of its inputs is a scalar")
    rows, columns = a, b
    if len(a.shape) == 1:
        rows = call.reshape(a, (1, *a.shape))
    if len(b.shape) == 1:
        columns = call.reshape(b, (*b.shape, 1))
    y = _product(call, rows, columns)
    shape = y.shape
    if len(b.shape) == 1:
        shape = shape[:-1]
    if len(a.shape) == 1:
        shape = (*shape[:-2], *shape[-1:]) if len(b.shape) > 1 else shape[:-1]
    return call.reshape(y, shape)


def _product(call: Call, a: Tensor, b: Tensor) -> Tensor:
    if a.shape[-1] != b.shape[-2]:
        call.fail(f"shapes {list(a.shape)} and {list(b.shape)} do not fit each other")
    if b.data is not None and a.data is None and len(b.shape) == 2:
        weights = call.transpose(b, (1, 0))
        return call.emit(FullyConnected(), [a, weights, None], (*a.shape[:-1], b.shape[1]))
    batch = call.broadcast(replace(a, shape=a.shape[:-2]), replace(b, shape=b.shape[:-2]))
    return call.emit(BatchMatMul(), [a, b], (*batch, a.shape[-2], b.shape[-1]))


@importer("Gemm", makes=(FullyConnected, BatchMatMul, Mul, Add))
def gemm(call: Call) -> Tensor:
    """alpha * A B + beta * C."""
    call.expect_inputs(2, 3)
    a, b = call.floats(0), call.floats(1)
    if len(a.shape) != 2 or len(b.shape) != 2:
        call.fail(f"its inputs have shapes {list(a.shape)} and {list(b.shape)}; two matrices are needed")
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if call.attribute("transA", 0):
        a = call.transpose(a, (1, 0))
    if call.attribute("transB", 0):
        b = call.transpose(b, (1, 0))
    c = call.floats(2, "bias") if call.has(2) and beta != 0 else None
    bias = None if c is None else _row(c, b.shape[1])
    if bias is None or b.data is None or a.data is not None or a.shape[1] != b.shape[0]:
        y = _scaled(call, _product(call, a, b), alpha)
        return y if c is None else _added(call, y, _scaled(call, c, beta))
    weights = _scaled(call, call.transpose(b, (1, 0)), alpha)
    assert c is not None
    row = c if c.quantization is not None and c.shape == bias.shape else call.new_constant(bias, c.name)
    return call.emit(FullyConnected(), [a, weights, _scaled(call, row, beta)], (a.shape[0], b.shape[1]))


def _row(c: Tensor, columns: int) -> np.ndarray | None:
    """A constant that is added to every row, as a vector; None when it is none."""
    if c.data is None or (c.quantization is not None and c.shape != (columns,)):
        return None
    if c.data.size not in (1, columns) or (c.data.size > 1 and c.shape[-1] != columns):
        return None
    return np.broadcast_to(c.data.reshape(-1), (columns,))


def _scaled(call: Call, tensor: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return tensor
    if tensor.data is None:
        return call.emit(Mul(), [tensor, call.scalar(factor)], tensor.shape)
    if tensor.quantization is None:
        return call.new_constant((tensor.data * np.float32(factor)).astype(np.float32), tensor.name)
    if factor <= 0:
        call.fail(
            f"its quantized weights are multiplied by {factor}", "quantize the model with alpha and beta of 1"
        )
    quantization = replace(tensor.quantization, scale=tensor.quantization.scale * np.float32(factor))
    return call.new_constant(tensor.data, tensor.name, quantization)


def _added(call: Call, y: Tensor, c: Tensor) -> Tensor:
    if call.broadcast(y, c) != y.shape:
        call.fail(f"its third input has shape {list(c.shape)}, which does not broadcast to {list(y.shape)}")
    return call.emit(Add(), [y, c], y.shape)
