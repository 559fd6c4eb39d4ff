"""Sums, products and activations go into the operator before them where that changes nothing but rounding."""

from __future__ import annotations

import numpy as np
import pytest

from smidgen.graph import DType, Graph, Node, State, Tensor, operators
from smidgen.graph.operators import Activation, Operator
from smidgen.graph.reference import Reference
from smidgen.importers.folding import fold

RNG = np.random.default_rng(5)
X = RNG.normal(size=(1, 4, 4, 3)).astype(np.float32)
# (operator, shape of its weights, shape of its output)
LAYERS = {
    "Conv2D": (operators.Conv2D(), (6, 2, 2, 3), (1, 3, 3, 6)),
    "DepthwiseConv2D": (operators.DepthwiseConv2D(), (1, 2, 2, 6), (1, 3, 3, 6)),
    "TransposeConv2D": (operators.TransposeConv2D(), (6, 2, 2, 3), (1, 5, 5, 6)),
    "FullyConnected": (operators.FullyConnected(), (6, 3), (1, 4, 4, 6)),
}
CHANNELS = RNG.uniform(0.5, 2, 6).astype(np.float32)


class Chain:
    """A layer and what is done to its output."""

    def __init__(self, kind: str, bias: bool = True) -> None:
        operator, weights, output = LAYERS[kind]
        self.tensors = {"x": Tensor("x", X.shape, DType.F32)}
        self.nodes: list[Node] = []
        inputs = ["x", self.constant("weights", RNG.normal(size=weights))]
        if bias:
            inputs.append(self.constant("bias", RNG.normal(size=output[-1:])))
        self.last = self.add(operator, inputs, output)

    def constant(self, name: str, values: np.ndarray) -> str:
        data = np.asarray(values, np.float32)
        self.tensors[name] = Tensor(name, data.shape, DType.F32, data=data)
        return name

    def add(self, operator: Operator, inputs: list[str], shape: tuple[int, ...] | None = None) -> str:
        name = f"{operator.type_name.lower()}_{len(self.nodes)}"
        self.tensors[name] = Tensor(name, shape or self.tensors[self.last].shape, DType.F32)
        self.nodes.append(Node(name, operator, tuple(inputs), (name,)))
        self.last = name
        return name

    def then(self, operator: Operator, constant: np.ndarray, first: bool = False) -> Chain:
        name = self.constant(f"constant_{len(self.nodes)}", constant)
        self.add(operator, [name, self.last] if first else [self.last, name])
        return self

    def graph(self, *more_outputs: str, states: tuple[State, ...] = ()) -> Graph:
        return Graph("chain", self.tensors, tuple(self.nodes), ("x",), (self.last, *more_outputs), states)


def assert_folded(graph: Graph, kinds: list[type[Operator]]) -> Graph:
    """The operators that are left; the same results."""
    folded = fold(graph)
    assert [type(node.operator) for node in folded.nodes] == kinds
    for result, expected in zip(
        Reference(folded).run([X]).outputs, Reference(graph).run([X]).outputs, strict=True
    ):
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    used = {name for node in folded.nodes for name in (*node.inputs, *node.outputs)}
    used |= {*folded.inputs, *folded.outputs, *(state.tensor for state in folded.states)}
    assert set(folded.tensors) == used
    return folded


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_batch_normalization_and_relu_fold(kind: str, bias: bool) -> None:
    chain = Chain(kind, bias).then(operators.Mul(), CHANNELS).then(operators.Add(), CHANNELS)
    chain.add(operators.Relu(), [chain.last])
    folded = assert_folded(chain.graph(), [type(LAYERS[kind][0])])
    assert folded.nodes[0].operator.activation is Activation.RELU
    assert folded.outputs == (chain.last,)


@pytest.mark.parametrize("shape", [(), (1,), (6,), (1, 1, 1, 6)])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", [operators.Add, operators.Sub, operators.Mul])
def test_constants_of_any_shape_per_channel_fold(
    kind: type[Operator], first: bool, shape: tuple[int, ...]
) -> None:
    values = CHANNELS[: int(np.prod(shape))].reshape(shape)
    chain = Chain("Conv2D").then(kind(), values, first)
    assert_folded(chain.graph(), [operators.Conv2D])


def test_quotient_by_constants_folds_and_of_constants_does_not() -> None:
    assert_folded(Chain("Conv2D").then(operators.Div(), CHANNELS).graph(), [operators.Conv2D])
    inverse = Chain("Conv2D").then(operators.Div(), CHANNELS, first=True)
    assert [type(node.operator) for node in fold(inverse.graph()).nodes] == [operators.Conv2D, operators.Div]


def test_activation_of_the_sum_is_kept() -> None:
    chain = Chain("Conv2D").then(operators.Add(Activation.RELU6), CHANNELS)
    assert assert_folded(chain.graph(), [operators.Conv2D]).nodes[0].operator.activation is Activation.RELU6


@pytest.mark.parametrize(
    ("operator", "activation"),
    [
        (operators.Relu6(), Activation.RELU6),
        (operators.Clip(0, 6), Activation.RELU6),
        (operators.Clip(minimum=0), Activation.RELU),
        (operators.Clip(-1, 1), Activation.RELU_N1_TO_1),
    ],
)
def test_clips_that_can_be_fused_are(operator: Operator, activation: Activation) -> None:
    chain = Chain("Conv2D")
    chain.add(operator, [chain.last])
    assert assert_folded(chain.graph(), [operators.Conv2D]).nodes[0].operator.activation is activation


def test_reshape_in_between_is_looked_through() -> None:
    """As after one-dimensional convolutions."""
    chain = Chain("Conv2D")
    chain.add(operators.Reshape(), [chain.last], (1, 9, 6))
    chain.then(operators.Mul(), CHANNELS)
    chain.add(operators.Relu(), [chain.last])
    assert_folded(chain.graph(), [operators.Conv2D, operators.Reshape])


def stays(chain: Chain, *more_outputs: str, states: tuple[State, ...] = ()) -> None:
    graph = chain.graph(*more_outputs, states=states)
    assert_folded(graph, [type(node.operator) for node in graph.nodes])


def test_constants_that_are_not_per_channel_stay() -> None:
    stays(Chain("Conv2D").then(operators.Mul(), RNG.normal(size=(3, 1))))
    chain = Chain("Conv2D")
    chain.add(operators.Reshape(), [chain.last], (1, 6, 9))
    stays(chain.then(operators.Mul(), RNG.normal(size=9)))


def test_what_is_read_twice_stays() -> None:
    chain = Chain("Conv2D")
    read = chain.last
    chain.then(operators.Mul(), CHANNELS)
    chain.add(operators.Add(), [chain.last, read])
    stays(chain)


def test_what_is_seen_from_outside_stays() -> None:
    chain = Chain("Conv2D")
    seen = chain.last
    stays(chain.then(operators.Mul(), CHANNELS), seen)
    chain = Chain("Conv2D")
    chain.tensors["memory"] = Tensor("memory", (1, 3, 3, 6), DType.F32)
    state = State("memory", chain.last, np.zeros((1, 3, 3, 6), np.float32))
    stays(chain.then(operators.Mul(), CHANNELS), states=(state,))


def test_nothing_goes_before_an_activation() -> None:
    chain = Chain("Conv2D")
    chain.add(operators.Relu(), [chain.last])
    chain.then(operators.Mul(), -CHANNELS)
    assert_folded(chain.graph(), [operators.Conv2D, operators.Mul])


def test_weights_that_two_layers_share_are_scaled_for_one() -> None:
    chain = Chain("FullyConnected")
    one = chain.last
    chain.add(operators.FullyConnected(), ["x", "weights", "bias"], (1, 4, 4, 6))
    chain.then(operators.Mul(), CHANNELS)
    chain.add(operators.Add(), [chain.last, one])
    folded = assert_folded(chain.graph(), [operators.FullyConnected] * 2 + [operators.Add])
    assert folded.nodes[0].inputs[1] != folded.nodes[1].inputs[1]
