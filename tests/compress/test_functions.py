"""Models of functions, normalizations, conditions and reductions: quantized, written, run on targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smidgen.compile.build import build
from smidgen.compress.batches import batch_size
from smidgen.compress.quantize import gather, quantize
from smidgen.device import open_device
from smidgen.errors import ModelError
from smidgen.exporters.tflite import export_tflite
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph import operators as op
from smidgen.graph.operators import Operator
from smidgen.graph.reference import FAMILIES, Reference
from smidgen.graph.reference.quantize import dequantize_array, quantize_array
from smidgen.importers import tflite
from smidgen.targets import load_target

SHAPE = (1, 4, 3, 8)


class Chain:
    """A float graph from the input x on, node by node; `step` gives the name of what a node writes."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.tensors = {"x": Tensor("x", SHAPE, DType.F32)}
        self.nodes: list[Node] = []

    def constant(self, data: np.ndarray) -> str:
        name = f"constant{len(self.tensors)}"
        self.tensors[name] = Tensor(name, data.shape, DType.F32, None, data.astype(np.float32))
        return name

    def step(self, operator: Operator, *inputs: str, shape=SHAPE, dtype: DType = DType.F32) -> str:
        name = f"{operator.type_name.lower()}_{len(self.nodes)}"
        self.tensors[name] = Tensor(name, shape, dtype)
        self.nodes.append(Node(f"node_{name}", operator, inputs, (name,)))
        return name

    def graph(self, *outputs: str) -> Graph:
        return Graph("functions", self.tensors, tuple(self.nodes), ("x",), outputs)


def gates() -> Graph:
    """Activations and functions of one value, side by side on the input."""
    c = Chain(1)
    kinds = [
        op.Gelu(), op.Gelu(approximate=True), op.Silu(), op.HardSwish(), op.HardSigmoid(), op.Elu(),
        op.Elu(0.5), op.Clip(-0.5, 1.5), op.Softplus(), op.Softsign(), op.Abs(), op.Neg(), op.Sign(),
        op.Exp(), op.Square(), op.Erf(), op.Sin(), op.Cos(), op.Floor(), op.Ceil(), op.Round(),
    ]  # fmt: skip
    outputs = [c.step(kind, "x") for kind in kinds]
    positive = c.step(op.Exp(), "x")
    outputs += [c.step(kind, positive) for kind in (op.Log(), op.Sqrt(), op.Rsqrt(), op.Reciprocal())]
    return c.graph(*outputs)


def pairs() -> Graph:
    c = Chain(2)
    slopes = c.constant(c.random.uniform(0, 0.5, 8))
    leaky = c.step(op.Prelu(), "x", slopes)
    square = c.step(op.SquaredDifference(), "x", leaky)
    positive = c.step(op.Exp(), "x")
    quotient = c.step(op.Div(), "x", positive)
    cube = c.step(op.Pow(), "x", c.constant(np.array([3.0])))
    total = c.step(op.Sum((1, 2), True), "x", shape=(1, 1, 1, 8))
    largest = c.step(op.ReduceMax((3,), True), "x", shape=(1, 4, 3, 1))
    smallest = c.step(op.ReduceMin((1, 2, 3), True), "x", shape=(1, 1, 1, 1))
    return c.graph(square, quotient, cube, total, largest, smallest)


def norms() -> Graph:
    c = Chain(3)

    def constants(*shape: int) -> tuple[str, str]:
        return c.constant(c.random.normal(1, 0.3, shape)), c.constant(c.random.normal(0, 1, shape))

    layer = c.step(op.LayerNorm(1, 1e-5), "x", *constants(8))
    wide = c.step(op.LayerNorm(2, 1e-3), "x", *constants(3, 8))
    instance = c.step(op.InstanceNorm(1e-3), "x", *constants(8))
    square = c.step(op.RmsNorm(1, 1e-6), layer, constants(8)[0])
    return c.graph(wide, instance, square, c.step(op.LayerNorm(), "x"))


def choices() -> Graph:
    """Where x is above 0 but not above 1: x, else its square."""
    c = Chain(4)
    positive = c.step(op.Compare(op.Comparison.GREATER), "x", c.constant(np.zeros(1)), dtype=DType.BOOL)
    large = c.step(op.Compare(op.Comparison.GREATER), "x", c.constant(np.ones(1)), dtype=DType.BOOL)
    small = c.step(op.LogicalNot(), large, dtype=DType.BOOL)
    both = c.step(op.Logical(op.Connective.AND), positive, small, dtype=DType.BOOL)
    either = c.step(op.Logical(op.Connective.XOR), positive, small, dtype=DType.BOOL)
    chosen = c.step(op.Select(), both, "x", c.step(op.Square(), "x"))
    return c.graph(
        chosen, c.step(op.Cast(), either), c.step(op.ArgMax(3), "x", shape=(1, 4, 3), dtype=DType.I32)
    )


GRAPHS = {"gates": gates, "pairs": pairs, "norms": norms, "choices": choices}


def samples(count: int, seed: int) -> list[list[np.ndarray]]:
    random = np.random.default_rng(seed)
    return [[random.normal(0, 1, SHAPE).astype(np.float32)] for _ in range(count)]


def inputs_of(integer: Graph, sample: list[np.ndarray]) -> list[np.ndarray]:
    return [quantize_array(x, integer.tensor(name)) for x, name in zip(sample, integer.inputs, strict=True)]


def quantized(name: str) -> tuple[Graph, Graph]:
    graph = GRAPHS[name]()
    return graph, quantize(graph, gather(graph, samples(32, seed=3)))


def real(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    return values if tensor.quantization is None else dequantize_array(values, tensor)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_operator_is_within_a_step_of_the_float_one(name: str) -> None:
    """Each on the numbers that its integer inputs stand for."""
    graph, integer = quantized(name)
    constants = {tensor.name: tensor.data for tensor in integer.tensors.values() if tensor.is_constant}
    reference = Reference(integer)
    floats = {node.id: FAMILIES[type(node.operator)](graph, node) for node in graph.nodes}
    for sample in samples(10, seed=9):
        values = constants | reference.run(inputs_of(integer, sample), keep="all").tensors
        for node in integer.nodes:
            reads = [real(values[one], integer.tensor(one)) for one in node.inputs]
            (expected,) = floats[node.id](reads)
            output = integer.tensor(node.outputs[0])
            if output.quantization is None:
                np.testing.assert_array_equal(values[output.name], expected, err_msg=node.id)
            else:
                usual = np.clip(expected / output.scale + output.zero_point, -128, 127)
                assert np.abs(values[output.name] - usual).max() < 1, node.id


@pytest.mark.parametrize(
    "target",
    [
        "host",
        pytest.param("midge", marks=pytest.mark.slow),
        pytest.param("mps2-an386", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", GRAPHS)
def test_targets_give_the_references_bytes(name: str, target: str, tmp_path: Path) -> None:
    """After a detour through the .tflite file."""
    _, integer = quantized(name)
    again = tflite.load(export_tflite(integer), Path("again.tflite"))
    reference, board = Reference(integer), load_target(target)
    with open_device(board, build(again, board, tmp_path)) as device:
        assert device.selftest().passed
        for sample in samples(3, seed=5):
            given = inputs_of(integer, sample)
            for want, got in zip(reference.run(given).outputs, device.run(given).outputs, strict=True):
                np.testing.assert_array_equal(got, want)


def test_float_models_come_back_from_their_file() -> None:
    for make in GRAPHS.values():
        graph = make()
        again = tflite.load(export_tflite(graph), Path("again.tflite"))
        assert [node.operator for node in again.nodes] == [node.operator for node in graph.nodes]
        (sample,) = samples(1, seed=5)
        wanted, given = (Reference(one).run(sample).outputs for one in (graph, again))
        for want, got in zip(wanted, given, strict=True):
            np.testing.assert_array_equal(got, want)


def test_integers_made_of_floats_are_refused() -> None:
    c = Chain(5)
    graph = c.graph(c.step(op.Cast(), "x", dtype=DType.I32))
    with pytest.raises(ModelError, match="it makes i32 of floats"):
        quantize(graph, gather(graph, samples(2, seed=3)))


def test_a_power_of_two_variables_is_refused() -> None:
    c = Chain(6)
    graph = c.graph(c.step(op.Pow(), c.step(op.Exp(), "x"), "x"))
    with pytest.raises(ModelError, match="only float supports it"):
        quantize(graph, gather(graph, samples(2, seed=3)))


def test_a_beta_far_larger_than_gamma_keeps_its_value() -> None:
    c = Chain(7)
    gamma, beta = c.constant(np.full(8, 1e-4)), c.constant(np.full(8, 1000.0))
    graph = c.graph(c.step(op.LayerNorm(), "x", gamma, beta))
    integer = quantize(graph, gather(graph, samples(4, seed=3)))
    (sample,) = samples(1, seed=5)
    (got,) = Reference(integer).run(inputs_of(integer, sample)).outputs
    np.testing.assert_allclose(real(got, integer.tensor(integer.outputs[0])), 1000.0, rtol=0.01)


def test_reductions_over_the_batch_are_not_batched() -> None:
    c = Chain(8)
    assert batch_size(c.graph(c.step(op.LayerNorm(1), "x"))) > 1
    c = Chain(8)
    assert batch_size(c.graph(c.step(op.LayerNorm(4), "x"))) == 1


def test_operands_of_other_ranks_are_not_batched() -> None:
    """Or the first axis of one, the batch, would meet the second of the other."""
    c = Chain(9)
    row = c.step(op.ReduceMax((1, 2), False), "x", shape=(1, 8))
    graph = c.graph(c.step(op.SquaredDifference(), "x", row))
    assert batch_size(graph) == 1
    gather(graph, samples(3, seed=1))


def attention_weights(mask: float, how: str) -> Graph:
    """A Softmax of scores of which every other position is masked."""
    c = Chain(10)
    if how == "chosen":
        keep = np.arange(8) % 2 == 0
        c.tensors["keep"] = Tensor("keep", (8,), DType.BOOL, None, keep)
        scores = c.step(op.Select(), "keep", "x", c.constant(np.array([mask])))
    else:
        scores = c.step(op.Add(), "x", c.constant(np.where(np.arange(8) % 2 == 0, 0, mask)))
    return c.graph(c.step(op.Softmax(), scores))


@pytest.mark.parametrize(("mask", "how"), [(-1e9, "chosen"), (-np.inf, "chosen"), (-1e9, "added")])
@pytest.mark.parametrize("method", ["minmax", "mse"])
def test_masks_leave_the_scores_their_precision(mask: float, how: str, method: str) -> None:
    graph = attention_weights(mask, how)
    integer = quantize(graph, gather(graph, samples(32, seed=3)), method=method)
    for sample in samples(5, seed=4):
        (expected,) = Reference(graph).run(sample).outputs
        (got,) = Reference(integer).run(inputs_of(integer, sample)).outputs
        weights = real(got, integer.tensor(integer.outputs[0]))
        assert np.abs(weights - expected).max() < 0.03
        assert (weights[..., 1::2] == 0).all()
