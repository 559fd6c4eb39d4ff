"""Seeded kernel cases of functions, conditions, reductions and normalizations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case_parts import ACTIVATIONS, Rng, case, tensor, values
from kernel_harness import Case

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.operators import (
    ArgMax,
    ArgMin,
    Cast,
    Compare,
    Comparison,
    Connective,
    Div,
    InstanceNorm,
    LayerNorm,
    Logical,
    LogicalNot,
    Pow,
    Prelu,
    ReduceMax,
    ReduceMin,
    RmsNorm,
    Select,
    SquaredDifference,
    Sum,
)
from smidgen.graph.reference.norm import accumulator_scale
from smidgen.graph.reference.table import FLOAT_FUNCTIONS

_FUNCTIONS = sorted(FLOAT_FUNCTIONS, key=lambda operator: operator.type_name)
_INTEGERS = (DType.I8, DType.I16, DType.I32, DType.BOOL)


def _quantized(name: str, shape, scale: float, zero_point: int, **more) -> Tensor:
    quantization = Quantization.per_tensor(float(np.float32(scale)), zero_point)
    dtype = more.pop("dtype", DType.I8)
    return Tensor(name, tuple(shape), dtype, quantization, **more)


def _plain(name: str, shape, dtype: DType) -> Tensor:
    return Tensor(name, tuple(int(size) for size in shape), dtype)


def functions(rng: Rng, number: int) -> Iterator[Case]:
    shape = rng.integers(1, 7, int(rng.integers(1, 4)))
    operator = _FUNCTIONS[number % len(_FUNCTIONS)]()
    yield case(
        f"{operator.type_name} {number}", rng, operator, [tensor("x", shape, rng)], [tensor("y", shape, rng)]
    )


def _broadcast_shapes(rng: Rng, count: int) -> tuple[list[list[int]], tuple[int, ...]]:
    """Shapes that broadcast together, some with fewer axes, and the shape of their result."""
    whole = [int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5)))]
    shapes = [[1 if rng.random() < 0.3 else size for size in whole] for _ in range(count)]
    shapes = [shape[int(rng.integers(0, len(shape))) :] if rng.random() < 0.2 else shape for shape in shapes]
    return shapes, np.broadcast_shapes(*map(tuple, shapes))


def quotients(rng: Rng, number: int) -> Iterator[Case]:
    """Div, SquaredDifference and Prelu; a divisor is often zero, an output's scale sometimes absurd."""
    (one, other), shape = _broadcast_shapes(rng, 2)
    a, b = tensor("a", one, rng), tensor("b", other, rng)
    spread = 2.0 ** rng.uniform(-1, 6) * (1e6 if rng.random() < 0.1 else 1)
    zero_point = int(rng.integers(-128, 128))
    for operator, scale in (
        (Div(ACTIVATIONS[number % 4]), a.scale / b.scale / 16),
        (SquaredDifference(), max(a.scale, b.scale) ** 2 * 16),
        (Prelu(), a.scale / 8),
    ):
        y = _quantized("y", shape, scale * spread, zero_point)
        made = case(f"{operator.type_name} {number}", rng, operator, [a, b], [y])
        made.inputs[1].reshape(-1)[::3] = b.zero_point
        yield made


def powers(rng: Rng, number: int) -> Iterator[Case]:
    x, y = tensor("x", (3, 5), rng), tensor("y", (3, 5), rng)
    constant = _quantized("c", (1,), 0.5, 0, data=np.array([rng.integers(-8, 9)], np.int8))
    yield case(f"power {number}", rng, Pow(), [x, constant] if number % 2 else [constant, x], [y])


def conditions(rng: Rng, number: int) -> Iterator[Case]:
    (one, other, third), whole = _broadcast_shapes(rng, 3)
    pair = np.broadcast_shapes(tuple(one), tuple(other))
    a, b = tensor("a", one, rng), tensor("b", other, rng)
    kind = list(Comparison)[number % 6]
    yield case(f"{kind.value} {number}", rng, Compare(kind), [a, b], [_plain("y", pair, DType.BOOL)])
    like = tensor("b", other, rng, quantization=a.quantization)
    y = tensor("y", whole, rng, quantization=a.quantization)
    yield case(f"select {number}", rng, Select(), [_plain("c", third, DType.BOOL), a, like], [y])
    left, right = _plain("a", one, DType.BOOL), _plain("b", other, DType.BOOL)
    connective = list(Connective)[number % 3]
    yield case(
        f"{connective.value} {number}",
        rng,
        Logical(connective),
        [left, right],
        [_plain("y", pair, DType.BOOL)],
    )
    yield case(f"not {number}", rng, LogicalNot(), [left], [_plain("y", one, DType.BOOL)])
    source, target = _INTEGERS[number % 4], _INTEGERS[number // 4 % 4]
    yield case(f"cast {number}", rng, Cast(), [_plain("x", one, source)], [_plain("y", one, target)])


def reductions(rng: Rng, number: int) -> Iterator[Case]:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    axes = tuple(axis for axis in range(len(shape)) if rng.random() < 0.5) or (0,)
    kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    x, y = tensor("x", shape, rng), tensor("y", kept, rng)
    yield case(f"sum {number} {shape} {axes}", rng, Sum(axes, False), [x], [y])
    y = tensor("y", kept, rng, quantization=x.quantization)
    for kind in (ReduceMax, ReduceMin):
        yield case(f"{kind.__name__} {number} {shape} {axes}", rng, kind(axes, False), [x], [y])
    index = Tensor("y", shape[: axes[0]] + shape[axes[0] + 1 :], DType.I32)
    for kind in (ArgMax, ArgMin):
        yield case(f"{kind.__name__} {number} {shape}", rng, kind(axes[0]), [x], [index])


def norms(rng: Rng, number: int) -> Iterator[Case]:
    """Every tenth row is of equal values, so that only epsilon keeps the deviation from zero."""
    shape = tuple(int(size) for size in (*rng.integers(1, 5, 3), rng.choice((1, 2, 3, 7, 64, 300))))
    epsilon = float(10.0 ** rng.uniform(-9, 0))
    axes = int(rng.integers(1, 4))
    x = tensor("x", shape, rng)
    for operator in (LayerNorm(axes, epsilon), RmsNorm(axes, epsilon), InstanceNorm(epsilon)):
        over = shape[1:-1] if isinstance(operator, InstanceNorm) else shape[-axes:]
        count = int(np.prod(over))
        size = shape[-1:] if isinstance(operator, InstanceNorm) else over
        gamma = _constant(rng, "gamma", size, DType.I16, 1.5 / 32767)
        beta = _constant(rng, "beta", size, DType.I32, accumulator_scale(count, gamma.scale))
        y = tensor("y", shape, rng)
        operands = [x, gamma] if isinstance(operator, RmsNorm) else [x, gamma, beta]
        made = case(f"{operator.type_name} {number} {shape}", rng, operator, operands, [y])
        if number % 10 == 0:
            made.inputs[0][:] = 5
        yield made
    yield case(f"bare {number}", rng, LayerNorm(1, epsilon), [x], [tensor("y", shape, rng)])


def _constant(rng: Rng, name: str, shape, dtype: DType, scale: float) -> Tensor:
    bare = _quantized(name, shape, scale, 0, dtype=dtype)
    data = values(rng, bare)
    return _quantized(name, shape, scale, 0, dtype=dtype, data=data if dtype is not DType.I32 else data >> 2)
