"""Operators that exporters write out as several: SiLU, GELU, hard swish, layer and root-mean-square norm.

Each pattern is an expression whose variables stand for tensors; where a node's inputs match it, the node
becomes the one operator, and what only it needed is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    Activation,
    Add,
    Clip,
    Div,
    Erf,
    Gelu,
    HardSigmoid,
    HardSwish,
    LayerNorm,
    Logistic,
    Mean,
    Mul,
    Operator,
    Pow,
    Reciprocal,
    Relu6,
    RmsNorm,
    Rsqrt,
    Silu,
    Sqrt,
    Square,
    SquaredDifference,
    Sub,
    Tanh,
)

Bindings = dict[str, str]


@dataclass(frozen=True)
class Variable:
    """Any tensor, the same one wherever the name occurs."""

    name: str


@dataclass(frozen=True)
class Number:
    """A constant of one value: the one given, or any, which is bound to the name."""

    value: float | None = None
    name: str = ""


@dataclass(frozen=True)
class Expression:
    """An operator applied to expressions; the inputs of Add and Mul may come in either order. What it writes
    is bound to its name, if it has one."""

    operator: type[Operator]
    inputs: tuple[Variable | Number | Expression, ...]
    suits: Callable[[Operator], bool] = lambda operator: True
    name: str = ""


Pattern = Variable | Number | Expression


def _of(operator: type[Operator], *inputs: Pattern) -> Expression:
    return Expression(operator, inputs)


_X, _GAMMA, _BETA = Variable("x"), Variable("gamma"), Variable("beta")
_EPSILON = Number(name="epsilon")
_SQRT_HALF = math.sqrt(0.5)


def _half_of_one_plus(gate: Expression) -> Iterator[Expression]:
    """x * (1 + gate) / 2 in the orders that exporters multiply in."""
    one_plus = _of(Add, gate, Number(1))
    yield _of(Mul, _of(Mul, _X, Number(0.5)), one_plus)
    yield _of(Mul, _of(Mul, _X, one_plus), Number(0.5))
    yield _of(Mul, _X, _of(Mul, one_plus, Number(0.5)))


def _cubes() -> Iterator[Expression]:
    yield _of(Pow, _X, Number(3))
    yield _of(Mul, _X, _of(Square, _X))
    yield _of(Mul, _X, _of(Mul, _X, _X))


def _mean(x: Pattern, name: str) -> Expression:
    return Expression(Mean, (x,), lambda operator: operator == replace(operator, keep_dims=True), name)


def _normalized(centred: Pattern, variance: Expression) -> Iterator[Expression]:
    """centred / sqrt(variance + epsilon) in the forms that exporters write."""
    total = _of(Add, variance, _EPSILON)
    yield _of(Div, centred, _of(Sqrt, total))
    yield _of(Mul, centred, _of(Rsqrt, total))
    yield _of(Mul, centred, _of(Reciprocal, _of(Sqrt, total)))


def _layer_norms() -> Iterator[Expression]:
    centred = _of(Sub, _X, _mean(_X, "mean"))
    squares = (
        _of(Square, centred),
        _of(Mul, centred, centred),
        _of(SquaredDifference, _X, _mean(_X, "mean")),
    )
    for square in squares:
        for plain in _normalized(centred, _mean(square, "variance")):
            yield _of(Add, _of(Mul, plain, _GAMMA), _BETA)


def _rms_norms() -> Iterator[Expression]:
    for square in (_of(Square, _X), _of(Mul, _X, _X)):
        for plain in _normalized(_X, _mean(square, "variance")):
            yield _of(Mul, plain, _GAMMA)


def _gates() -> Iterator[Expression]:
    """x * clip(x + 3, 0, 6) / 6."""
    shifted = _of(Add, _X, Number(3))
    clips = (
        _of(Relu6, shifted),
        Expression(Clip, (shifted,), lambda operator: operator == Clip(0, 6)),
    )
    for clip in clips:
        yield _of(Mul, _of(Mul, _X, clip), Number(1 / 6))
        yield _of(Mul, _X, _of(Mul, clip, Number(1 / 6)))
    gate = Expression(HardSigmoid, (_X,), lambda operator: _is_sixth(operator))
    yield _of(Mul, _X, gate)


def _is_sixth(operator: Operator) -> bool:
    return isinstance(operator, HardSigmoid) and abs(operator.alpha - 1 / 6) < 1e-6 and operator.beta == 0.5


_SIMPLE: tuple[tuple[Operator, tuple[Expression, ...]], ...] = (
    (Silu(), (_of(Mul, _X, _of(Logistic, _X)),)),
    (HardSwish(), tuple(_gates())),
    (Gelu(False), tuple(_half_of_one_plus(_of(Erf, _of(Mul, _X, Number(_SQRT_HALF)))))),
    (
        Gelu(True),
        tuple(
            expression
            for cube in _cubes()
            for argument in (
                _of(Mul, _of(Add, _X, _of(Mul, cube, Number(0.044715))), Number(math.sqrt(2 / math.pi))),
            )
            for expression in _half_of_one_plus(_of(Tanh, argument))
        ),
    ),
)  # fmt: skip
_LAYER_NORMS, _RMS_NORMS = tuple(_layer_norms()), tuple(_rms_norms())


def join_patterns(graph: Graph) -> Graph:
    """The float graph with every pattern found replaced by its operator, outputs first."""
    writers = {name: node for node in graph.nodes for name in node.outputs}
    tensors = dict(graph.tensors)
    nodes = [_joined(tensors, writers, node) for node in graph.nodes]
    needed = {*graph.outputs, *(state.next for state in graph.states)}
    kept: list[Node] = []
    for node in reversed(nodes):
        if needed & set(node.outputs):
            needed |= {name for name in node.inputs if name is not None} | set(node.outputs)
            kept.append(node)
    needed |= {*graph.inputs, *(state.tensor for state in graph.states)}
    used = {name: tensor for name, tensor in tensors.items() if name in needed}
    return replace(graph, tensors=used, nodes=tuple(reversed(kept)))


def _joined(tensors: dict[str, Tensor], writers: Mapping[str, Node], node: Node) -> Node:
    output = tensors[node.outputs[0]]
    if not isinstance(node.operator, Add | Mul) or output.dtype is not DType.F32:
        return node
    for operator, patterns in _SIMPLE:
        for pattern in patterns:
            bound = _match(tensors, writers, pattern, node)
            if bound is not None:
                return replace(node, operator=operator, inputs=(bound["x"],))
    for kind, patterns in ((LayerNorm, _LAYER_NORMS), (RmsNorm, _RMS_NORMS)):
        for pattern in patterns:
            bound = _match(tensors, writers, pattern, node)
            norm = None if bound is None else _norm(kind, tensors, writers, bound, node)
            if norm is not None:
                return norm
    return node


def _norm(
    kind: type[LayerNorm] | type[RmsNorm],
    tensors: dict[str, Tensor],
    writers: Mapping[str, Node],
    bound: Bindings,
    node: Node,
) -> Node | None:
    """The norm, where the means are over the last axes and the parameters have the shape of these."""
    x = tensors[bound["x"]]
    axes = {writers[bound[role]].operator.axes for role in ("mean", "variance") if role in bound}
    count = len(next(iter(axes)))
    rank = len(x.shape)
    if axes != {tuple(range(rank - count, rank))} or x.shape != tensors[node.outputs[0]].shape:
        return None
    epsilon = float(tensors[bound["epsilon"]].data.reshape(-1)[0])
    parameters = [bound[role] for role in ("gamma", "beta") if role in bound]
    shape = x.shape[rank - count :]
    names = []
    for name in parameters:
        tensor = tensors[name]
        if tensor.data is None or len(tensor.shape) > rank or epsilon <= 0:
            return None
        full = (*[1] * (rank - len(tensor.shape)), *tensor.shape)
        if any(size != 1 for size in full[: rank - count]):
            return None
        if tensor.shape == shape:
            names.append(name)
            continue
        data = np.ascontiguousarray(np.broadcast_to(tensor.data.reshape(full[rank - count :]), shape))
        own = f"{name} of {node.id}"
        tensors[own] = replace(tensor, name=own, shape=shape, data=data)
        names.append(own)
    return replace(node, operator=kind(count, epsilon), inputs=(bound["x"], *names))


def _match(
    tensors: Mapping[str, Tensor], writers: Mapping[str, Node], pattern: Expression, node: Node
) -> Bindings | None:
    return next(_matches(tensors, writers, pattern, node.outputs[0], {}), None)


def _matches(
    tensors: Mapping[str, Tensor],
    writers: Mapping[str, Node],
    pattern: Pattern,
    name: str | None,
    bound: Bindings,
) -> Iterator[Bindings]:
    """All ways in which a tensor is what a pattern says, as bindings of its names."""
    if name is None:
        return
    if isinstance(pattern, Variable):
        if bound.get(pattern.name, name) == name:
            yield {**bound, pattern.name: name}
        return
    if isinstance(pattern, Number):
        data = tensors[name].data
        if data is None or data.size != 1 or tensors[name].dtype is not DType.F32:
            return
        value = float(data.reshape(-1)[0])
        if pattern.value is None or math.isclose(value, pattern.value, rel_tol=1e-4):
            yield {**bound, pattern.name: name} if pattern.name else bound
        return
    node = writers.get(name)
    if node is None or type(node.operator) is not pattern.operator or not pattern.suits(node.operator):
        return
    if getattr(node.operator, "activation", Activation.NONE) is not Activation.NONE:
        return
    if len(node.inputs) != len(pattern.inputs):
        return
    orders = [node.inputs]
    if isinstance(node.operator, Add | Mul):
        orders.append(node.inputs[::-1])
    for inputs in orders:
        ways = [{**bound, pattern.name: name} if pattern.name else bound]
        for one, own in zip(pattern.inputs, inputs, strict=True):
            ways = [found for way in ways for found in _matches(tensors, writers, one, own, way)]
        yield from ways
