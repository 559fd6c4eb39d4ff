"""Dense (of any rank), and matrix products of activations."""

from __future__ import annotations

from smidgen.graph import Tensor
from smidgen.graph.operators import BatchMatMul, FullyConnected, Reshape
from smidgen.importers.keras.activation import activate
from smidgen.importers.keras.call import Call, layer, operation


@layer("Dense", makes=[FullyConnected])
def dense(call: Call) -> Tensor:
    return _dense(call, "")


@layer("TimeDistributed", makes=[FullyConnected])
def time_distributed(call: Call) -> Tensor:
    """Of a Dense layer, which works on the last axis whatever comes before it."""
    inner = call.option("layer")
    if not isinstance(inner, dict) or inner.get("class_name") != "Dense" or "config" not in inner:
        kind = inner.get("class_name") if isinstance(inner, dict) else inner
        call.fail(f"holds a {str(kind)[:80]}; only Dense is supported in it")
    return _dense(call.within(inner["config"]), "layer")


def _dense(call: Call, part: str) -> Tensor:
    x, units = call.x, call.integer("units")
    call.expect_float(x)
    if call.option("lora_rank") is not None:
        call.fail("has low-rank weights (LoRA)", "merge them into the kernel before saving")
    kernel = call.weight("kernel", (x.shape[-1], units), part)
    bias = call.constant("bias", call.weight("bias", (units,), part)) if call.flag("use_bias", True) else None
    y = call.emit(FullyConnected(), [x, call.constant("kernel", kernel.T), bias], (*x.shape[:-1], units))
    return activate(call, y)


@layer("Dot", makes=[BatchMatMul, Reshape])
def dot(call: Call) -> Tensor:
    """Products along one axis of each of two inputs of rank 2 or 3, batch by batch."""
    tensors = call.tensors
    if len(tensors) != 2:
        call.fail(f"is called with {len(tensors)} tensors instead of 2")
    if call.flag("normalize"):
        call.fail("normalizes its inputs, which is not supported", "use keras.ops to do that before")
    axes = call.option("axes")
    listed = list(axes) if isinstance(axes, list | tuple) else [axes, axes]
    if len(listed) != 2:
        call.fail(f"its axes are {str(axes)[:80]} instead of one or two numbers")
    matrices, transposed = [], []
    for tensor, axis in zip(tensors, listed, strict=True):
        call.expect_float(tensor)
        call.expect_rank(tensor, 2, 3)
        position = call.axis(axis, len(tensor.shape))
        if position == 0:
            call.fail("multiplies along the batch")
        transposed.append(position == 1 and len(tensor.shape) == 3)
        matrices.append(tensor)
    a, b = matrices
    depth = [
        m.shape[1] if t or len(m.shape) == 2 else m.shape[2]
        for m, t in zip(matrices, transposed, strict=True)
    ]
    if depth[0] != depth[1] or a.shape[0] != b.shape[0]:
        call.fail(f"shapes {list(a.shape)} and {list(b.shape)} do not go together along axes {listed}")
    n = a.shape[0]
    rows = 1 if len(a.shape) == 2 else a.elements // n // depth[0]
    columns = 1 if len(b.shape) == 2 else b.elements // n // depth[1]
    left = a if len(a.shape) == 3 else call.emit(Reshape(), [a], (n, 1, depth[0]))
    right = b if len(b.shape) == 3 else call.emit(Reshape(), [b], (n, 1, depth[1]))
    # A second input of rank 2 is a row here, so it is the transposed matrix.
    operator = BatchMatMul(transposed[0], not transposed[1])
    y = call.emit(operator, [left, right], (n, rows, columns))
    kept = [size for size, m in ((rows, a), (columns, b)) if len(m.shape) == 3]
    return y if len(kept) == 2 else call.emit(Reshape(), [y], (n, *(kept or [1])))


@operation("Matmul", makes=[BatchMatMul])
def matmul(call: Call) -> Tensor:
    tensors = call.tensors
    if len(tensors) != 2 or any(len(tensor.shape) < 2 for tensor in tensors):
        call.fail("needs two tensors of rank 2 or more")
    a, b = tensors
    call.expect_float(a, b)
    if a.shape[-1] != b.shape[-2]:
        call.fail(f"shapes {list(a.shape)} and {list(b.shape)} do not go together")
    batch = call.broadcast(a.shape[:-2], b.shape[:-2])
    return call.emit(BatchMatMul(), [a, b], (*batch, a.shape[-2], b.shape[-1]))
