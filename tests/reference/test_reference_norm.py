"""Normalizations: the integers are within 0.501 steps of the exact function, and floats are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import one_operator, reference, tensor
from shapes import Random

from smidgen.errors import ModelError
from smidgen.graph import DType, Graph, Tensor
from smidgen.graph.operators import InstanceNorm, LayerNorm, Operator, RmsNorm
from smidgen.graph.reference import Reference
from smidgen.graph.reference.norm import accumulator_scale, reciprocal_square_root


def exact(graph: Graph, x: np.ndarray) -> np.ndarray:
    """In steps of the output, not rounded, saturated."""
    node, input_tensor, y = graph.nodes[0], graph.tensor("in0"), graph.tensor("out0")
    real = input_tensor.scale * (x.astype(np.float64) - input_tensor.zero_point)
    axes = axes_of(node.operator, len(x.shape))
    if not isinstance(node.operator, RmsNorm):
        real = real - real.mean(axis=axes, keepdims=True)
    real = real / np.sqrt(np.square(real).mean(axis=axes, keepdims=True) + node.operator.epsilon)
    constants = [graph.tensor(name) for name in node.inputs[1:]]
    if constants:
        real = real * (constants[0].data * constants[0].scale)
    if len(constants) > 1:
        real = real + constants[1].data * constants[1].scale
    return np.clip(real / y.scale + y.zero_point, -128, 127)


def axes_of(operator: Operator, rank: int) -> tuple[int, ...]:
    if isinstance(operator, InstanceNorm):
        return tuple(range(1, rank - 1))
    return tuple(range(rank - operator.axes, rank))


def case(draw: Random, kind: type[Operator]) -> tuple[Graph, np.ndarray]:
    """Rows of one element and of many, of equal and of extreme values, epsilon from nothing to 1."""
    shape = (1, draw.integer(1, 8), draw.integer(1, 8), [1, 2, 3, 5, 16, 64, 300][draw.integer(0, 6)])
    epsilon = draw.power_of_ten(-9, 0)
    operator = kind(epsilon) if kind is InstanceNorm else kind(draw.integer(1, 3), epsilon)
    axes = axes_of(operator, 4)
    count = int(np.prod([shape[axis] for axis in axes]))
    size = shape[-1:] if kind is InstanceNorm else shape[-operator.axes :]
    x = draw.quantized(shape)
    gamma, beta = (
        draw.generator.normal(1, 0.5, size),
        draw.generator.normal(0, draw.power_of_ten(-1, 1), size),
    )
    scale = float(np.float32(np.abs(gamma).max() / 32767))
    step = accumulator_scale(count, scale)
    constants = [
        tensor(size, DType.I16, scale, data=np.rint(gamma / scale).astype(np.int16)),
        tensor(size, DType.I32, step, data=np.rint(beta / step).clip(-(2**29), 2**29).astype(np.int32)),
    ]
    constants = constants[: [0, 1, 2][draw.integer(0, 2)] if kind is not RmsNorm else 1]
    spread = draw.power_of_ten(-1, 1.5)
    values = np.rint(draw.generator.normal(draw.integer(-100, 100), spread, shape)).clip(-128, 127)
    y = tensor(shape, DType.I8, draw.power_of_ten(-2, -1), draw.zero_point())
    return one_operator(operator, [x, *constants], [y]), values.astype(np.int8)


@pytest.mark.parametrize("kind", [LayerNorm, RmsNorm, InstanceNorm])
@pytest.mark.parametrize("seed", range(60))
def test_integers_are_within_half_a_step_and_a_thousandth(kind: type[Operator], seed: int) -> None:
    graph, x = case(Random(seed), kind)
    assert np.abs(reference(graph, [x])[0] - exact(graph, x)).max() <= 0.501


def test_the_reciprocal_square_root_keeps_24_bits() -> None:
    random = np.random.default_rng(0)
    powers = np.int64(1) << np.arange(63)
    wide = (2 ** random.uniform(0, 62.9, 20_000)).astype(np.int64)
    x = np.concatenate([np.arange(1, 3000), powers, powers[1:] - 1, powers + (powers >> 1), wide])
    roots, bits = reciprocal_square_root(x)
    relative = roots / 2.0**bits * np.sqrt(x.astype(np.longdouble)) - 1
    assert np.abs(relative).max() < 2.0**-24
    assert roots.max() < 2**31


def plain(operator: Operator, x: np.ndarray, *constants: np.ndarray) -> np.ndarray:
    inputs = [tensor(data.shape, DType.F32) for data in (x, *constants)]
    graph = one_operator(operator, inputs, [tensor(x.shape, DType.F32)])
    return reference(graph, [data.astype(np.float32) for data in (x, *constants)])[0]


def test_float_layer_norm() -> None:
    x = np.array([[1.0, 3.0], [5.0, 5.0]])
    y = plain(LayerNorm(1, 1e-12), x, np.array([2.0, 1.0]), np.array([0.5, -0.5]))
    np.testing.assert_allclose(y, [[-1.5, 0.5], [0.5, -0.5]], atol=1e-5)


def test_float_rms_norm() -> None:
    y = plain(RmsNorm(1, 0.0), np.array([[3.0, 4.0]]), np.array([1.0, 10.0]))
    np.testing.assert_allclose(y, [[3 / np.sqrt(12.5), 40 / np.sqrt(12.5)]], rtol=1e-6)


def test_float_instance_norm_is_by_image_and_channel() -> None:
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    y = plain(InstanceNorm(1e-9), x, np.ones(2), np.zeros(2))
    np.testing.assert_allclose(y.mean(axis=(1, 2)), np.zeros((2, 2)), atol=1e-6)
    np.testing.assert_allclose(y.std(axis=(1, 2)), np.ones((2, 2)), atol=1e-6)


@pytest.mark.parametrize("wrong", ["gamma", "beta", "count"])
def test_what_the_integers_cannot_do_is_refused(wrong: str) -> None:
    depth = (1 << 16) + 1 if wrong == "count" else 4
    x = tensor((1, depth), DType.I8, 0.1)
    gamma: Tensor = tensor((depth,), DType.I16, 0.1, data=np.ones(depth, np.int16))
    beta: Tensor = tensor((depth,), DType.I32, 0.1, data=np.ones(depth, np.int32))
    if wrong == "gamma":
        gamma = tensor((depth,), DType.I16, 0.1)
    if wrong == "beta":
        beta = tensor((depth,), DType.I16, 0.1, data=np.ones(depth, np.int16))
    with pytest.raises(ModelError, match="LAYER_NORM"):
        Reference(one_operator(LayerNorm(), [x, gamma, beta], [x]))
