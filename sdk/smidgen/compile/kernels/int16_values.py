"""Kernels of firmware/kernels/portable/int16_values.h: sums, products, pools and functions of int16."""

from __future__ import annotations

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled
from smidgen.compile.kernels.elementwise import pairs, product_fields, refuse_pattern, sum_fields
from smidgen.compile.kernels.int16 import refuse_other_than_int16
from smidgen.compile.kernels.pool import pool_fields
from smidgen.compile.kernels.reduce import mean_fields
from smidgen.compile.kernels.reduce import refuse_pattern as refuse_axes
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Add, AveragePool2D, Logistic, MaxPool2D, Mean, Mul, Softmax, Sub, Tanh
from smidgen.graph.reference.activation_int16 import (
    exp_table,
    reciprocal_table,
    sigmoid16_parameters,
    sigmoid_table,
    softmax16_parameters,
)
from smidgen.graph.reference.elementwise import add_parameters, mul_parameters

_SOFTMAX_DEPTH = 65535  # beyond it the sum of the exponentials leaves its 31 bits


def _refuse_pair(graph: Graph, node: Node) -> str | None:
    return refuse_pattern(graph, node) or refuse_other_than_int16(graph, node, 2)


def _lower_sum(graph: Graph, node: Node, optimize: str) -> Lowered:
    symbol = "smidgen_add_int16" if isinstance(node.operator, Add) else "smidgen_sub_int16"
    return pairs(graph, node, symbol, "smidgen_add_shape", sum_fields(add_parameters(graph, node)))


def _lower_product(graph: Graph, node: Node, optimize: str) -> Lowered:
    fields = product_fields(mul_parameters(graph, node))
    return pairs(graph, node, "smidgen_mul_int16", "smidgen_mul_shape", fields)


def _one(graph: Graph, node: Node, symbol: str, struct: str, shape: dict[str, int], **more) -> Lowered:
    reads = node.inputs[:1]
    constants = constant_operands(graph, reads)
    return Lowered(symbol, f"struct {struct}", shape, reads, specialise=False, constants=constants, **more)


def _lower_pool(graph: Graph, node: Node, optimize: str) -> Lowered:
    kind = "average" if isinstance(node.operator, AveragePool2D) else "max"
    return _one(graph, node, f"smidgen_{kind}_pool_int16", "smidgen_pool_shape", pool_fields(graph, node))


def _refuse_mean(graph: Graph, node: Node) -> str | None:
    return refuse_axes(graph, node) or refuse_other_than_int16(graph, node)


def _lower_mean(graph: Graph, node: Node, optimize: str) -> Lowered:
    return _one(graph, node, "smidgen_mean_int16", "smidgen_mean_shape", mean_fields(graph, node))


def _lower_sigmoid(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = sigmoid16_parameters(graph, node)
    kind = "logistic" if isinstance(node.operator, Logistic) else "tanh"
    elements = graph.tensor(node.outputs[0]).elements
    shape = {"elements": elements, "multiplier": p.multiplier, "shift": p.shift}
    blobs = (Blob("table", sigmoid_table(), "table"),)
    symbol = f"smidgen_{kind}_int16"
    return _one(graph, node, symbol, "smidgen_sigmoid_int16_shape", shape, blobs=blobs, overlap=0)


def _refuse_softmax(graph: Graph, node: Node) -> str | None:
    depth = graph.tensor(node.inputs[0]).shape[-1]
    if depth > _SOFTMAX_DEPTH:
        return f"its last axis has {depth} elements, more than {_SOFTMAX_DEPTH}"
    return refuse_other_than_int16(graph, node)


def _lower_softmax(graph: Graph, node: Node, optimize: str) -> Lowered:
    x = graph.tensor(node.inputs[0])
    p = softmax16_parameters(graph, node)
    shape = {
        "rows": x.elements // x.shape[-1],
        "depth": x.shape[-1],
        "multiplier": doubled(p.multiplier),
        "shift": -p.shift,
    }
    blobs = (Blob("exp_table", exp_table(), "table"), Blob("reciprocal_table", reciprocal_table(), "table"))
    # A pass over a row reads and writes element by element.
    struct = "smidgen_softmax_int16_shape"
    return _one(graph, node, "smidgen_softmax_int16", struct, shape, blobs=blobs, overlap=0)


_FAMILY = "int16_values"

KERNELS = (
    KernelSpec("add_int16", _FAMILY, PORTABLE, (Add, Sub), _refuse_pair, _lower_sum),
    KernelSpec("mul_int16", _FAMILY, PORTABLE, (Mul,), _refuse_pair, _lower_product),
    KernelSpec(
        "pool_int16", _FAMILY, PORTABLE, (AveragePool2D, MaxPool2D), refuse_other_than_int16, _lower_pool
    ),
    KernelSpec("sigmoid_int16", _FAMILY, PORTABLE, (Logistic, Tanh), refuse_other_than_int16, _lower_sigmoid),
    KernelSpec("mean_int16", _FAMILY, PORTABLE, (Mean,), _refuse_mean, _lower_mean),
    KernelSpec("softmax_int16", _FAMILY, PORTABLE, (Softmax,), _refuse_softmax, _lower_softmax),
)
