"""Channels are removed together where they must be, and removing what is zero changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from float_graphs import float_model, float_samples

from smidgen.compress.coupling import Coupling, couple
from smidgen.compress.layers import BIAS, CHANNEL_AXIS, WEIGHTS, weight_layers
from smidgen.compress.prune_channels import Shares, Size, choose, remove_channels, size
from smidgen.compress.quantize import gather, quantize
from smidgen.errors import ModelError, UsageError
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    Activation,
    Add,
    Concatenation,
    Conv2D,
    DepthToSpace,
    DepthwiseConv2D,
    FullyConnected,
    LayerNorm,
    MaxPool2D,
    Mean,
    Mul,
    Padding,
    Prelu,
    Reshape,
    ResizeBilinear,
    ResizeNearestNeighbor,
    Softmax,
    Split,
    TransposeConv2D,
)
from smidgen.graph.reference import run

AROUND = Padding(1, 1, 1, 1)
RELU = Activation.RELU
SEEDS = range(6)


class Builder:
    """A graph of layers whose weights are small whole numbers, so that float sums are exact in any order."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def put(self, name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> str:
        data = None if data is None else data.astype(np.float32)
        self.tensors[name] = Tensor(name, shape, DType.F32, None, data)
        return name

    def constant(self, name: str, *shape: int) -> str:
        return self.put(name, shape, self.rng.integers(-2, 3, shape))

    def node(self, name: str, operator, inputs: tuple[str, ...], *shape: int) -> str:
        self.nodes.append(Node(name, operator, inputs, (self.put(f"{name}.y", shape),)))
        return f"{name}.y"

    def layer(self, name: str, operator, x: str, weights: tuple[int, ...], *shape: int) -> str:
        constants = self.constant(f"{name}.w", *weights), self.constant(f"{name}.b", shape[-1])
        return self.node(name, operator, (x, *constants), *shape)

    def graph(self, *outputs: str) -> Graph:
        return Graph("pruned", self.tensors, tuple(self.nodes), ("x",), outputs)


def unet(seed: int) -> Graph:
    """An encoder with a residual sum and a depthwise layer, a bottom, and ways up that are joined with it."""
    b = Builder(seed)
    x = b.put("x", (1, 8, 8, 3))
    first = b.layer("first", Conv2D(padding=AROUND, activation=RELU), x, (6, 3, 3, 3), 1, 8, 8, 6)
    deep = b.layer("deep", DepthwiseConv2D(padding=AROUND), first, (1, 3, 3, 6), 1, 8, 8, 6)
    point = b.layer("point", Conv2D(), deep, (6, 1, 1, 6), 1, 8, 8, 6)
    skip = b.node("sum", Add(RELU), (first, point), 1, 8, 8, 6)
    down = b.node("down", MaxPool2D((2, 2), (2, 2)), (skip,), 1, 4, 4, 6)
    bottom = b.layer("bottom", Conv2D(padding=AROUND, activation=RELU), down, (8, 3, 3, 6), 1, 4, 4, 8)
    up = b.layer("up", TransposeConv2D((2, 2)), bottom, (5, 2, 2, 8), 1, 8, 8, 5)
    near = b.node("near", ResizeNearestNeighbor(), (bottom,), 1, 8, 8, 8)
    far = b.node("far", ResizeBilinear(), (bottom,), 1, 8, 8, 8)
    joined = b.node("joined", Concatenation(3), (skip, up, near, far), 1, 8, 8, 27)
    last = b.layer("last", Conv2D(activation=RELU), joined, (7, 1, 1, 27), 1, 8, 8, 7)
    return b.graph(b.layer("classes", Conv2D(), last, (4, 1, 1, 7), 1, 8, 8, 4))


def classifier(seed: int) -> Graph:
    """Depthwise with a multiplier, channel attention, PReLU, pixel shuffling, two dense layers."""
    b = Builder(seed)
    x = b.put("x", (1, 4, 4, 2))
    first = b.layer("first", Conv2D(padding=AROUND), x, (4, 3, 3, 2), 1, 4, 4, 4)
    wide = b.layer("wide", DepthwiseConv2D(padding=AROUND), first, (1, 3, 3, 8), 1, 4, 4, 8)
    bent = b.node("bent", Prelu(), (wide, b.constant("alpha", 1, 1, 8)), 1, 4, 4, 8)
    mean = b.node("mean", Mean((1, 2), True), (bent,), 1, 1, 1, 8)
    gate = b.layer("gate", Conv2D(activation=RELU), mean, (8, 1, 1, 8), 1, 1, 1, 8)
    scaled = b.node("scaled", Mul(), (bent, gate), 1, 4, 4, 8)
    packed = b.layer("packed", Conv2D(), scaled, (12, 1, 1, 8), 1, 4, 4, 12)
    spread = b.node("spread", DepthToSpace(2), (packed,), 1, 8, 8, 3)
    small = b.node("small", MaxPool2D((4, 4), (4, 4)), (spread,), 1, 2, 2, 3)
    flat = b.node("flat", Reshape(), (small,), 1, 12)
    dense = b.layer("dense", FullyConnected(RELU), flat, (9, 12), 1, 9)
    return b.graph(b.layer("answer", FullyConnected(), dense, (3, 9), 1, 3))


def sets_of(coupling: Coupling, tensor: str, channels: list[int]) -> np.ndarray:
    chosen = np.zeros(len(coupling.removable), bool)
    chosen[coupling.sets[tensor][channels]] = True
    return chosen


def silenced(graph: Graph, coupling: Coupling, chosen: np.ndarray) -> Graph:
    """The graph in which the weights and biases that write channels of these sets are zero."""
    tensors = dict(graph.tensors)
    for node in weight_layers(graph):
        mask = chosen[coupling.sets[node.outputs[0]]]
        for position in (WEIGHTS, BIAS):
            tensor = graph.tensor(node.inputs[position])
            axis = CHANNEL_AXIS[type(node.operator)] if position == WEIGHTS else 0
            shape = [-1 if i == axis else 1 for i in range(tensor.data.ndim)]
            data = np.where(mask.reshape(shape), np.float32(0), tensor.data)
            tensors[tensor.name] = replace(tensor, data=data)
    return replace(graph, tensors=tensors)


def whole_numbers(graph: Graph, seed: int) -> np.ndarray:
    shape = graph.tensor("x").shape
    return np.random.default_rng([9, seed]).integers(-3, 4, shape).astype(np.float32)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", [unet, classifier])
def test_removing_channels_that_are_zero_changes_no_bit(make, seed: int) -> None:
    """Every other set, at random, but one of each kind at least stays."""
    graph = make(seed)
    coupling = couple(graph)
    rng = np.random.default_rng([3, seed])
    chosen = np.zeros(len(coupling.removable), bool)
    for family in coupling.families():
        chosen[rng.permutation(family)[: rng.integers(0, len(family))]] = True
    zeroed = silenced(graph, coupling, chosen)
    pruned = remove_channels(zeroed, coupling, chosen)
    assert size(pruned).parameters < size(graph).parameters
    x = whole_numbers(graph, seed)
    (wanted,), (given,) = run(zeroed, [x]).outputs, run(pruned, [x]).outputs
    assert np.abs(wanted).max() > 0
    assert given.tobytes() == wanted.tobytes(), f"{make.__name__}({seed})"


@pytest.mark.parametrize("seed", SEEDS)
def test_removing_channels_that_nobody_reads_changes_no_bit(seed: int) -> None:
    """The other way for a channel to be without effect, whatever it computes."""
    graph = unet(seed)
    coupling = couple(graph)
    chosen = sets_of(coupling, "last.y", [1, 4])
    reader = graph.tensor("classes.w")
    data = reader.data.copy()
    data[..., [1, 4]] = 0
    graph = replace(graph, tensors={**graph.tensors, "classes.w": replace(reader, data=data)})
    x = whole_numbers(graph, seed)
    pruned = remove_channels(graph, coupling, chosen)
    assert pruned.tensor("last.y").shape == (1, 8, 8, 5)
    assert run(pruned, [x]).outputs[0].tobytes() == run(graph, [x]).outputs[0].tobytes()


def test_what_hangs_together_goes_together() -> None:
    graph = unet(0)
    coupling = couple(graph)
    pruned = remove_channels(graph, coupling, sets_of(coupling, "point.y", [0, 2]))
    # The sum ties both of its inputs, the depthwise layer and the pool pass channels on.
    for name in ("first.y", "deep.y", "point.y", "sum.y", "down.y"):
        assert pruned.tensor(name).shape[-1] == 4, name
    assert pruned.tensor("joined.y").shape[-1] == 25
    np.testing.assert_array_equal(
        pruned.tensor("last.w").data, np.delete(graph.tensor("last.w").data, [0, 2], 3)
    )
    np.testing.assert_array_equal(
        pruned.tensor("deep.w").data, np.delete(graph.tensor("deep.w").data, [0, 2], 3)
    )
    # A channel of the bottom lies in the joined tensor twice, and once in the layer that goes up.
    pruned = remove_channels(graph, coupling, sets_of(coupling, "bottom.y", [3]))
    assert pruned.tensor("joined.y").shape[-1] == 25
    places = [6 + 5 + 3, 6 + 5 + 8 + 3]
    np.testing.assert_array_equal(
        pruned.tensor("last.w").data, np.delete(graph.tensor("last.w").data, places, 3)
    )
    assert pruned.tensor("up.w").shape == (5, 2, 2, 7)


def test_positions_of_a_channel_go_together_through_flattening() -> None:
    graph = classifier(0)
    coupling = couple(graph)
    # Pixel shuffling: a channel of "spread" is four of "packed", and four places of the flat vector.
    chosen = sets_of(coupling, "spread.y", [1])
    assert (chosen[coupling.sets["packed.y"]] == [False, True, False] * 4).all()
    assert (chosen[coupling.sets["flat.y"]] == [False, True, False] * 4).all()
    pruned = remove_channels(graph, coupling, chosen)
    assert pruned.tensor("dense.w").shape == (9, 8)
    # A channel with a multiplier of 2 takes both of its outputs, their slopes and their gates with it.
    pruned = remove_channels(graph, coupling, sets_of(coupling, "first.y", [2]))
    assert pruned.tensor("wide.w").shape == (1, 3, 3, 6)
    assert pruned.tensor("alpha").shape == (1, 1, 6) and pruned.tensor("gate.w").shape == (6, 1, 1, 6)


def test_inputs_outputs_and_operators_that_mix_channels_keep_theirs() -> None:
    b = Builder(0)
    x = b.put("x", (1, 4, 4, 3))
    first = b.layer("first", Conv2D(), x, (8, 1, 1, 3), 1, 4, 4, 8)
    normal = b.node("normal", LayerNorm(), (first,), 1, 4, 4, 8)
    second = b.layer("second", Conv2D(), normal, (8, 1, 1, 8), 1, 4, 4, 8)
    grouped = b.layer("grouped", Conv2D(), second, (8, 1, 1, 4), 1, 4, 4, 8)
    third = b.layer("third", Conv2D(), grouped, (6, 1, 1, 8), 1, 4, 4, 6)
    b.nodes.append(Node("cut", Split(3), (third,), (b.put("l", (1, 4, 4, 3)), b.put("r", (1, 4, 4, 3)))))
    shared = b.layer("fourth", Conv2D(), "l", (5, 1, 1, 3), 1, 4, 4, 5)
    again = b.node("again", Conv2D(), ("r", "fourth.w", "fourth.b"), 1, 4, 4, 5)
    total = b.node("total", Add(), (shared, again), 1, 4, 4, 5)
    graph = b.graph(b.layer("last", Conv2D(), total, (2, 1, 1, 5), 1, 4, 4, 2))
    coupling = couple(graph)
    for name in (
        "x",
        "first.y",
        "normal.y",
        "second.y",
        "grouped.y",
        "third.y",
        "fourth.y",
        "total.y",
        "last.y",
    ):
        assert not coupling.removable[coupling.sets[name]].any(), name
    with pytest.raises(ValueError, match="may not be removed"):
        remove_channels(graph, coupling, sets_of(coupling, "x", [0]))
    with pytest.raises(
        UsageError, match=r"cannot be reached by removing channels: the least is 100.0% of its"
    ):
        choose(graph, coupling, np.zeros(len(coupling.removable)), Shares(0.5))


def test_size_counts_parameters_and_products() -> None:
    graph = unet(0)
    # Layer by layer: first, deep, point, bottom, up, last, classes.
    weights = 162 + 54 + 36 + 432 + 160 + 189 + 28
    products = 64 * 162 + 64 * 54 + 64 * 36 + 16 * 432 + 16 * 160 + 64 * 189 + 64 * 28
    assert size(graph) == Size(weights + 6 + 6 + 6 + 8 + 5 + 7 + 4, products)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", [unet, classifier])
@pytest.mark.parametrize("shares", [Shares(0.5), Shares(1, 0.6), Shares(0.45, 0.4), Shares(0.8, 0.8, 2)])
def test_the_choice_keeps_the_budget_and_no_more_than_that(make, seed: int, shares: Shares) -> None:
    """Every set that went last of its kind was needed: with it, the shares are exceeded."""
    graph = make(seed)
    coupling = couple(graph)
    importance = np.random.default_rng(seed).random(len(coupling.removable))
    chosen = choose(graph, coupling, importance, shares)
    whole, left = size(graph), size(remove_channels(graph, coupling, chosen))
    assert left.parameters <= shares.parameters * whole.parameters
    assert left.operations <= shares.operations * whole.operations
    needed = []
    for family in coupling.families():
        gone = family[chosen[family]]
        assert len(family) - len(gone) >= min(shares.multiple, len(family))
        if len(gone):
            assert importance[gone].max() <= importance[family[~chosen[family]]].min()
            assert (len(family) - len(gone)) % shares.multiple == 0
            fewer = chosen.copy()
            fewer[gone[np.argsort(importance[gone])[-shares.multiple :]]] = False
            more = size(remove_channels(graph, coupling, fewer))
            needed.append(
                more.parameters > shares.parameters * whole.parameters
                or more.operations > shares.operations * whole.operations
            )
    assert needed and all(needed)


def test_the_least_important_goes_first() -> None:
    graph = unet(0)
    coupling = couple(graph)
    importance = np.ones(len(coupling.removable))
    wanted = sets_of(coupling, "bottom.y", [1, 5]) | sets_of(coupling, "last.y", [2])
    importance[wanted] = 1e-6
    chosen = choose(graph, coupling, importance, Shares(0.85))
    assert (chosen & wanted).sum() == 3 - (~chosen & wanted).sum() and (chosen & ~wanted).sum() == 0


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        (Shares(0.0), "'parameters' is 0"),
        (Shares(1, 1.5), "'operations' is 1.5"),
        (Shares(), "nothing is to be removed"),
        (Shares(0.5, multiple=0), "'multiple' is 0"),
    ],
)
def test_impossible_budgets_are_refused(shares: Shares, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        shares.check("where")


def test_a_budget_below_the_least_is_refused() -> None:
    graph = unet(0)
    coupling = couple(graph)
    with pytest.raises(
        UsageError, match=r"1.0% of its parameters cannot be reached .* the least is [0-9.]+%"
    ):
        choose(graph, coupling, np.zeros(len(coupling.removable)), Shares(0.01))


def test_quantized_models_are_refused() -> None:
    graph = float_model()
    integer = quantize(graph, gather(graph, float_samples(4)), 8, "mse")
    coupling = couple(integer)
    with pytest.raises(ModelError, match="quantized already"):
        remove_channels(integer, coupling, np.zeros(len(coupling.removable), bool))


def test_a_softmax_at_the_end_keeps_the_classes() -> None:
    graph = float_model()
    coupling = couple(graph)
    assert isinstance(graph.nodes[-1].operator, Softmax)
    assert not coupling.removable[coupling.sets["dense.y"]].any()
    assert coupling.removable[coupling.sets["strided.y"]].all()
