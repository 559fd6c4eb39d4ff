"""Equalized models compute what they did, and lose less when they are quantized."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from float_graphs import float_model, float_samples

from smidgen.compress.channels import ChannelGroup, channel_groups, with_factors
from smidgen.compress.evidence import gather_evidence
from smidgen.compress.quantize import equalize, gather, quantize, reconstruct
from smidgen.compress.quantize.statistics import gather_channels
from smidgen.errors import ModelError
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import Activation, Add, Conv2D, Logistic, Relu, Relu6, Tanh, TransposeConv2D
from smidgen.graph.reference import run

KNOWN, UNSEEN = float_samples(40), float_samples(30, seed=9)


def uneven(graph: Graph, seed: int, spread: float = 3.0) -> Graph:
    """The same function with channels that differ by up to 2 ** (2 * spread)."""
    rng = np.random.default_rng(seed)
    for group in channel_groups(graph):
        graph = with_factors(graph, group, 2.0 ** rng.uniform(-spread, spread, group.channels))
    return graph


def outputs(graph: Graph, samples: list) -> np.ndarray:
    return np.concatenate([run(graph, sample).outputs[0] for sample in samples])


def logits(graph: Graph) -> Graph:
    """Without the softmax at the end, which hides differences."""
    *nodes, last = graph.nodes
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in last.outputs}
    return replace(graph, tensors=tensors, nodes=tuple(nodes), outputs=last.inputs)


def with_activation(graph: Graph, activation: Activation) -> Graph:
    """Every ReLU another activation."""
    nodes = [
        replace(node, operator=replace(node.operator, activation=activation))
        if getattr(node.operator, "activation", None) is Activation.RELU
        else node
        for node in graph.nodes
    ]
    return replace(graph, nodes=tuple(nodes))


def test_groups_are_what_layers_alone_write_and_read() -> None:
    found = {frozenset(group.tensors): group for group in channel_groups(float_model())}
    sums = found[frozenset({"conv.y", "grouped.y", "add.y"})]
    assert set(sums.writers) == {"conv", "grouped"} and set(sums.readers) == {"depthwise", "strided"}
    assert found[frozenset({"strided.y", "pool.y", "flat.y"})].readers == ("dense",)
    assert found[frozenset({"depthwise.y"})].readers == ("grouped",) and len(found) == 3


@pytest.mark.parametrize("seed", range(3))
def test_factors_leave_the_function_alone(seed: int) -> None:
    """Of plain, grouped, strided and depthwise convolutions, a sum, pooling and a fully connected layer."""
    graph = logits(float_model(seed))
    expected = outputs(graph, UNSEEN[:8])
    scaled = uneven(graph, seed)
    np.testing.assert_allclose(outputs(scaled, UNSEEN[:8]), expected, atol=2e-5)
    equalized = equalize(scaled, KNOWN)
    assert any(
        not np.array_equal(equalized.tensor(f"{name}.weights").data, scaled.tensor(f"{name}.weights").data)
        for name in ("conv", "depthwise", "strided")
    )
    np.testing.assert_allclose(outputs(equalized, UNSEEN[:8]), expected, atol=2e-5)
    assert equalized.tensors.keys() == scaled.tensors.keys()


@pytest.mark.parametrize("bits", [8, 4])
def test_uneven_models_lose_less_when_equalized(bits: int) -> None:
    graph = uneven(logits(float_model(6)), 6)
    equalized = equalize(graph, KNOWN, bits)
    noise = []
    for teacher in (graph, equalized):
        nearest = quantize(teacher, gather(teacher, KNOWN), bits, "mse")
        for student in (nearest, reconstruct(teacher, nearest, KNOWN)):
            evidence = gather_evidence(graph, student, UNSEEN, None, teacher=teacher)
            noise.append(evidence.sqnr)
            if teacher is equalized and bits == 8:
                assert all(layer.sqnr is None or layer.sqnr > 15 for layer in evidence.layers), evidence
    before, before_learned, after, after_learned = noise
    assert after > before + 3 and after_learned > before_learned + 1, noise


def test_relu6_keeps_its_bound() -> None:
    """Channels that reach 6 keep their size, the others grow no further than the samples leave room."""
    graph = with_activation(logits(uneven(float_model(2), 2)), Activation.RELU6)
    equalized = equalize(graph, KNOWN)
    np.testing.assert_allclose(outputs(equalized, KNOWN), outputs(graph, KNOWN), atol=2e-5)
    names = ["conv.y", "add.y", "strided.y"]
    before, after = gather_channels(graph, KNOWN, names), gather_channels(equalized, KNOWN, names)
    grown = {name: after[name].largest / before[name].largest for name in names}
    full = {name: before[name].largest * 1.25 >= 6 for name in names}
    assert any(full[name].any() and (grown[name] > 1.1).any() for name in names)
    for name in names:
        np.testing.assert_allclose(grown[name][full[name]], 1, rtol=1e-5)
        assert (after[name].largest <= 6).all() and (grown[name] > 0.999).all()
        # A quarter more than was seen still passes where a channel has grown.
        assert (after[name].largest[grown[name] > 1.001] * 1.25 <= 6 * 1.001).all()


def chain(*middle: object, writer_shape: tuple[int, ...] = (6, 1, 1, 3)) -> Graph:
    """conv -> operators without weights -> transposed convolution."""
    rng = np.random.default_rng(3)
    shape = (1, 5, 4, writer_shape[0])
    tensors = {
        "x": Tensor("x", (1, 5, 4, 3), DType.F32),
        "first": Tensor("first", writer_shape, DType.F32, None, np.float32(rng.normal(size=writer_shape))),
        "last": Tensor("last", (2, 2, 2, 6), DType.F32, None, np.float32(rng.normal(size=(2, 2, 2, 6)))),
        "t0": Tensor("t0", shape, DType.F32),
        "y": Tensor("y", (1, 10, 8, 2), DType.F32),
    }
    nodes = [Node("writer", Conv2D(), ("x", "first", None), ("t0",))]
    for index, operator in enumerate(middle):
        tensors[f"t{index + 1}"] = Tensor(f"t{index + 1}", shape, DType.F32)
        inputs = (f"t{index}",) * (2 if isinstance(operator, Add) else 1)
        nodes.append(Node(f"middle{index}", operator, inputs, (f"t{index + 1}",)))
    nodes.append(Node("reader", TransposeConv2D((2, 2)), (f"t{len(middle)}", "last", None), ("y",)))
    return Graph("chain", tensors, tuple(nodes), ("x",), ("y",))


def test_transposed_convolutions_take_factors_back() -> None:
    graph = chain(Relu(), Add())
    rng = np.random.default_rng(0)
    samples = [[rng.normal(size=(1, 5, 4, 3)).astype(np.float32)] for _ in range(4)]
    (group,) = channel_groups(graph)
    assert group == ChannelGroup(("t0", "t1", "t2"), 6, ("writer",), ("reader",), {})
    scaled = with_factors(graph, group, 2.0 ** rng.uniform(-3, 3, 6))
    np.testing.assert_allclose(outputs(scaled, samples), outputs(graph, samples), atol=2e-5)
    assert channel_groups(chain(Relu6()))[0].bounds == {"t1": 6.0}


@pytest.mark.parametrize("operator", [Logistic(), Tanh()])
def test_what_is_not_proportional_is_left_alone(operator: object) -> None:
    graph = chain(operator)
    assert equalize(graph, []) is graph


def test_tensors_that_others_see_are_left_alone() -> None:
    graph = chain(Relu())
    seen = replace(graph, outputs=("y", "t0"))
    assert channel_groups(graph) and not channel_groups(seen)


def test_numbers_without_channels_are_left_alone() -> None:
    tensors = {name: Tensor(name, (), DType.F32) for name in ("a", "b", "y")}
    graph = Graph("sum", tensors, (Node("add", Add(), ("a", "b"), ("y",)),), ("a", "b"), ("y",))
    assert channel_groups(graph) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38, 1e20])
@pytest.mark.parametrize("step", [equalize, gather])
@pytest.mark.filterwarnings("error")
def test_numbers_out_of_reach_are_refused(value: float, step: Callable) -> None:
    """As one error that names the layer, without NumPy's warnings before it."""
    graph = float_model()
    weights = graph.tensor("conv.weights")
    broken = replace(weights, data=np.full(weights.shape, value, np.float32))
    with pytest.raises(ModelError, match=r"CONV_2D 'conv': its output 'conv\.y' holds"):
        step(replace(graph, tensors={**graph.tensors, "conv.weights": broken}), KNOWN[:2])
