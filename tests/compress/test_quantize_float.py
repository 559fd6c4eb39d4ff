"""A float graph becomes integers under the rules of the TFLite 8-bit specification."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from float_graphs import LAYERS, float_model, float_samples

from smidgen.compress.evidence import gather_evidence
from smidgen.compress.quantize import gather, quantize
from smidgen.compress.quantize.activations import choose_activations, scale_groups
from smidgen.errors import ModelError, UsageError
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import Concatenation, Conv2D, Logistic, Quantize, Relu6, Reshape, Tanh
from smidgen.graph.reference import FAMILIES, run
from smidgen.graph.reference.base import require
from smidgen.graph.reference.quantize import quantize_array

GRAPH, SAMPLES = float_model(), float_samples(32)
HISTOGRAMS = gather(GRAPH, SAMPLES)


def chain(*steps: tuple[str, object, tuple[str, ...]]) -> Graph:
    """Nodes on tensors of shape (1, 4), from the input x."""
    names = ["x", *(name for name, _, _ in steps)]
    tensors = {name: Tensor(name, (1, 4), DType.F32) for name in names}
    nodes = []
    for name, operator, inputs in steps:
        if isinstance(operator, Concatenation):
            tensors[name] = Tensor(name, (1, 4 * len(inputs)), DType.F32)
        nodes.append(Node(f"make_{name}", operator, inputs, (name,)))
    return Graph("chain", tensors, tuple(nodes), ("x",), (names[-1],))


def chain_samples() -> list[list[np.ndarray]]:
    rng = np.random.default_rng(2)
    return [[rng.normal(0, 4, (1, 4)).astype(np.float32)] for _ in range(20)]


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_layers_follow_the_specification(bits: int) -> None:
    integer = quantize(GRAPH, HISTOGRAMS, bits)
    for node in integer.nodes:
        if node.id not in LAYERS:
            continue
        x, weights, bias = (integer.tensor(name) for name in node.inputs)
        assert weights.dtype is {8: DType.I8, 4: DType.I4, 2: DType.I2}[bits]
        assert not weights.quantization.zero_point.any()
        assert weights.quantization.scale.size == bias.elements == integer.tensor(node.outputs[0]).shape[-1]
        assert bits < 8 or weights.data.min() >= -127
        product = x.scale * weights.quantization.scale.astype(np.float64)
        np.testing.assert_allclose(bias.quantization.scale, product, rtol=1e-6)
        original = GRAPH.tensor(bias.name).data
        assert np.all(np.abs(bias.data * product - original) <= 0.51 * product)
    for name in (*integer.inputs, *integer.outputs):
        assert integer.tensor(name).dtype is DType.I8


def test_int8_stays_close_to_float_and_fewer_bits_less() -> None:
    evidence = {
        bits: gather_evidence(GRAPH, quantize(GRAPH, HISTOGRAMS, bits, "mse"), SAMPLES, None)
        for bits in (8, 4, 2)
    }
    assert evidence[8].sqnr > 30 > evidence[4].sqnr > evidence[2].sqnr
    assert evidence[8].weight_bytes > evidence[4].weight_bytes > evidence[2].weight_bytes


def test_layers_may_have_bits_of_their_own() -> None:
    integer = quantize(GRAPH, HISTOGRAMS, {"depthwise": 4, "dense": 2})
    bits = {node.id: integer.tensor(node.inputs[1]).dtype.bits for node in integer.nodes if node.id in LAYERS}
    assert bits == {"conv": 8, "depthwise": 4, "grouped": 8, "strided": 8, "dense": 2}


def test_softmax_has_its_fixed_output_and_moves_share_their_scale() -> None:
    integer = quantize(GRAPH, HISTOGRAMS)
    y = integer.tensor("softmax.y")
    assert (y.scale, y.zero_point) == (1 / 256, -128)
    same = [integer.tensor(f"{name}.y") for name in ("strided", "pool", "flat")]
    assert len({(tensor.scale, tensor.zero_point) for tensor in same}) == 1


def test_fixed_output_goes_through_moves_without_rescaling() -> None:
    graph = chain(("s", Logistic(), ("x",)), ("y", Reshape(), ("s",)))
    integer = quantize(graph, gather(graph, chain_samples()))
    assert [type(node.operator) for node in integer.nodes] == [Logistic, Reshape]
    assert integer.tensor("y").scale == 1 / 256


def test_fixed_output_beside_others_is_rescaled() -> None:
    graph = chain(("s", Logistic(), ("x",)), ("y", Concatenation(1), ("s", "x")))
    samples = chain_samples()
    integer = quantize(graph, gather(graph, samples))
    assert [type(node.operator) for node in integer.nodes] == [Logistic, Quantize, Concatenation]
    assert gather_evidence(graph, integer, samples, None).sqnr > 35


def test_what_only_a_relu6_reads_saturates_where_it_clamps() -> None:
    graph = chain(("y", Relu6(), ("x",)))
    activations = choose_activations(graph, gather(graph, chain_samples()), "minmax")
    assert scale_groups(graph) == [["x", "y"]]
    x = activations.quantizations["x"]
    assert (float(x.scale[0]), int(x.zero_point[0])) == (float(np.float32(6 / 255)), -128)


def test_channel_of_zeros_and_a_large_bias_stay_in_range() -> None:
    """Zero weights have no scale of their own, and a bias that is huge beside its weights needs a larger."""
    weights = GRAPH.tensor("conv.weights").data.copy()
    bias = GRAPH.tensor("conv.bias").data.copy()
    weights[0], bias[0] = 0, 0.7
    weights[1], bias[1] = weights[1] * 1e-9, 0.6
    tensors = dict(GRAPH.tensors)
    tensors["conv.weights"] = replace(tensors["conv.weights"], data=weights)
    tensors["conv.bias"] = replace(tensors["conv.bias"], data=bias)
    graph = replace(GRAPH, tensors=tensors)
    integer = quantize(graph, gather(graph, SAMPLES))
    x = quantize_array(SAMPLES[0][0], integer.tensor("x"))
    y = run(integer, [x], keep="all").tensors["conv.y"]
    scale, zero = integer.tensor("conv.y").scale, integer.tensor("conv.y").zero_point
    np.testing.assert_allclose((y[..., 0] - zero) * scale, 0.7, atol=scale)
    np.testing.assert_allclose((y[..., 1] - zero) * scale, 0.6, atol=scale)


def test_shared_weights_are_quantized_for_each_layer() -> None:
    tensors = {name: Tensor(name, (1, 2, 2, 3), DType.F32) for name in ("x", "a", "b")}
    rng = np.random.default_rng(4)
    tensors["w"] = Tensor(
        "w", (3, 1, 1, 3), DType.F32, None, rng.normal(0, 1, (3, 1, 1, 3)).astype(np.float32)
    )
    nodes = (Node("one", Conv2D(), ("x", "w"), ("a",)), Node("two", Conv2D(), ("a", "w"), ("b",)))
    graph = Graph("shared", tensors, nodes, ("x",), ("b",))
    samples = [[rng.normal(0, 1, (1, 2, 2, 3)).astype(np.float32)] for _ in range(8)]
    integer = quantize(graph, gather(graph, samples), {"one": 8, "two": 4})
    assert [integer.tensor(node.inputs[1]).dtype for node in integer.nodes] == [DType.I8, DType.I4]
    assert gather_evidence(graph, quantize(graph, gather(graph, samples)), samples, None).sqnr > 25


@pytest.mark.parametrize(
    ("bits", "method", "words"),
    [({"nowhere": 4}, "mse", "no layer"), (3, "mse", "3 bits"), (8, "guess", "'guess'")],
)
def test_wrong_requests_are_refused(bits, method: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        quantize(GRAPH, HISTOGRAMS, bits, method)


def test_integer_model_is_refused() -> None:
    with pytest.raises(ModelError, match="quantized already"):
        quantize(quantize(GRAPH, HISTOGRAMS), HISTOGRAMS)


def test_operators_that_only_floats_support_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = chain(("a", Tanh(), ("x",)), ("b", Reshape(), ("a",)), ("y", Tanh(), ("b",)))
    histograms = gather(graph, chain_samples())

    def float_only(graph: Graph, node: Node):
        require(graph.tensor(node.inputs[0]).dtype is DType.F32, graph, node)

    monkeypatch.setitem(FAMILIES, Tanh, float_only)
    with pytest.raises(ModelError) as caught:
        quantize(graph, histograms)
    assert [problem.where for problem in caught.value.problems] == [
        "chain: TANH 'make_a'",
        "chain: TANH 'make_y'",
    ]
    assert all("only float supports it" in problem.fix for problem in caught.value.problems)
