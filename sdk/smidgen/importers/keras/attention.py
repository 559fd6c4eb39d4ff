"""MultiHeadAttention, from matrix products and a softmax."""

from __future__ import annotations

import math

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import Add, BatchMatMul, FullyConnected, Reshape, Softmax, Transpose
from smidgen.importers.keras.call import Call, layer

_MASKED = -1e9  # what is added to a score that must not count


@layer("MultiHeadAttention", makes=[FullyConnected, Reshape, Transpose, BatchMatMul, Softmax, Add])
def multi_head_attention(call: Call) -> Tensor:
    """softmax(q k^T / sqrt(depth)) v for each head (Vaswani et al.: Attention Is All You Need, arXiv
    1706.03762). The quotient goes into the weights of q."""
    names = (
        "attention_mask",
        "query_mask",
        "value_mask",
        "key_mask",
        "return_attention_scores",
    )
    call.refuse_argument(*names)
    if call.option("use_gate") or call.option("sliding_window") is not None:
        call.fail("has a gate or a sliding window, which is not supported")
    heads, depth = call.integer("num_heads"), call.integer("key_dim")
    value_depth = depth if call.option("value_dim") is None else call.integer("value_dim")
    query, key, value = _inputs(call)
    n, length, inputs = query.shape
    if call.option("attention_axes") not in (None, [1], (1,), 1):
        call.fail(f"attends along axes {call.option('attention_axes')}; only [1] is supported")
    outputs = call.option("output_shape")
    outputs = inputs if outputs is None else (outputs[0] if isinstance(outputs, list | tuple) else outputs)
    if not isinstance(outputs, int):
        call.fail(f"its output_shape is {str(outputs)[:80]}")
    q = _heads(call, query, heads, depth, "query", 1 / math.sqrt(depth))
    k = _heads(call, key, heads, depth, "key", 1.0)
    v = _heads(call, value, heads, value_depth, "value", 1.0)
    scores = call.emit(BatchMatMul(transpose_b=True), [q, k], (n, heads, length, key.shape[1]))
    if call.kwargs.get("use_causal_mask"):
        later = np.triu(np.full((length, key.shape[1]), _MASKED, np.float32), 1)
        mask = call.constant("causal_mask", later[None, None])
        scores = call.emit(Add(), [scores, mask], scores.shape)
    scores = call.emit(Softmax(), [scores], scores.shape)
    y = call.emit(BatchMatMul(), [scores, v], (n, heads, length, value_depth))
    y = call.emit(Transpose((0, 2, 1, 3)), [y], (n, length, heads, value_depth))
    y = call.emit(Reshape(), [y], (n, length, heads * value_depth))
    kernel = call.weight("output kernel", (heads, value_depth, outputs), "output_dense")
    bias = None
    if call.flag("use_bias", True):
        bias = call.constant("output_bias", call.weight("output bias", (outputs,), "output_dense"))
    weights = call.constant("output_kernel", kernel.reshape(heads * value_depth, outputs).T)
    return call.emit(FullyConnected(), [y, weights, bias], (n, length, outputs))


def _inputs(call: Call) -> tuple[Tensor, Tensor, Tensor]:
    """(query, key, value); without a key the value is the key, too."""
    named = [call.kwargs[name] for name in ("query", "value", "key") if name in call.kwargs]
    given = [*call.tensors, *named]
    tensors = [tensor for tensor in given if isinstance(tensor, Tensor)]
    if len(tensors) not in (2, 3):
        call.fail(f"is called with {len(tensors)} tensors instead of 2 or 3")
    query, value, key = tensors[0], tensors[1], tensors[-1]
    for tensor in tensors:
        call.expect_rank(tensor, 3)
        call.expect_float(tensor)
    if key.shape[:2] != value.shape[:2] or query.shape[0] != key.shape[0]:
        call.fail(f"its key {list(key.shape)} and value {list(value.shape)} do not go together")
    return query, key, value


def _heads(call: Call, x: Tensor, heads: int, depth: int, role: str, factor: float) -> Tensor:
    """(N, heads, T, depth) of x (N, T, inputs)."""
    n, length, inputs = x.shape
    part = f"{role}_dense"
    kernel = call.weight(f"{role} kernel", (inputs, heads, depth), part).reshape(inputs, heads * depth)
    bias = None
    if call.flag("use_bias", True):
        values = call.weight(f"{role} bias", (heads, depth), part).reshape(-1)
        bias = call.constant(f"{role}_bias", (values * factor).astype(np.float32))
    weights = call.constant(f"{role}_kernel", (kernel.T * factor).astype(np.float32))
    y = call.emit(FullyConnected(), [x, weights, bias], (n, length, heads * depth))
    y = call.emit(Reshape(), [y], (n, length, heads, depth))
    return call.emit(Transpose((0, 2, 1, 3)), [y], (n, heads, length, depth))
