"""Reconstruction gives the float model's outputs back better than rounding to nearest does."""

from __future__ import annotations

import numpy as np
import pytest
from float_graphs import LAYERS, float_model, float_samples

from smidgen.compress.evidence import gather_evidence, quantize_samples
from smidgen.compress.quantize import correct_biases, gather, quantize, reconstruct
from smidgen.compress.quantize.moments import Moments, empty_moments, rows_and_outputs
from smidgen.compress.quantize.weights import rows_of
from smidgen.graph import Graph
from smidgen.graph.reference import run
from smidgen.graph.reference.quantize import dequantize_array

KNOWN, UNSEEN = float_samples(48), float_samples(40, seed=9)


def mean_errors(graph: Graph, integer: Graph) -> dict[str, float]:
    """How far each layer's mean output is from the float model's, in the worst channel."""
    totals: dict[str, np.ndarray] = {}
    for sample, integers in zip(KNOWN, quantize_samples(integer, KNOWN), strict=True):
        floats, got = run(graph, sample, keep="all").tensors, run(integer, integers, keep="all").tensors
        for layer in LAYERS:
            tensor = integer.tensor(f"{layer}.y")
            error = dequantize_array(got[tensor.name], tensor) - floats[tensor.name]
            totals[layer] = totals.get(layer, 0) + error.reshape(-1, error.shape[-1]).mean(axis=0)
    return {layer: float(np.abs(total / len(KNOWN)).max()) for layer, total in totals.items()}


@pytest.mark.parametrize("seed", range(3))
def test_reconstruction_gains_on_unseen_data(seed: int) -> None:
    graph = float_model(seed)
    nearest = quantize(graph, gather(graph, KNOWN), 4, "mse")
    learned = reconstruct(graph, nearest, KNOWN)
    before, after = (gather_evidence(graph, one, UNSEEN, None) for one in (nearest, learned))
    logits = [next(x.sqnr for x in evidence.layers if x.id == "dense") for evidence in (before, after)]
    assert logits[1] > logits[0] + 1.0
    for node in learned.nodes:
        if node.id in LAYERS:
            old, new = nearest.tensor(node.inputs[1]), learned.tensor(node.inputs[1])
            assert (old.dtype, old.shape, old.name) == (new.dtype, new.shape, new.name)


def test_reconstruction_is_reproducible() -> None:
    graph = float_model()
    nearest = quantize(graph, gather(graph, KNOWN), 2, "mse")
    one, two = reconstruct(graph, nearest, KNOWN), reconstruct(graph, nearest, KNOWN)
    for name, tensor in one.tensors.items():
        if tensor.data is not None:
            np.testing.assert_array_equal(tensor.data, two.tensor(name).data)


def test_corrected_biases_leave_no_mean_error() -> None:
    """Of a layer without activation, to within the step of its output."""
    graph = float_model(4)
    nearest = quantize(graph, gather(graph, KNOWN), 2, "minmax")
    corrected = correct_biases(graph, nearest, KNOWN)
    before, after = mean_errors(graph, nearest), mean_errors(graph, corrected)
    for layer in ("depthwise", "dense"):
        assert after[layer] < 0.25 * before[layer]
        assert after[layer] < corrected.tensor(f"{layer}.y").scale
    for node in corrected.nodes:
        if node.id in LAYERS:
            np.testing.assert_array_equal(
                corrected.tensor(node.inputs[1]).data, nearest.tensor(node.inputs[1]).data
            )


@pytest.mark.parametrize("layer", LAYERS)
def test_rows_times_weights_are_the_layer(layer: str) -> None:
    """The rows that learning sees, multiplied by the weights as it sees them, give the layer's outputs."""
    graph = float_model(5)
    (node,) = [one for one in graph.nodes if one.id == layer]
    tensors = run(graph, KNOWN[0], keep="all").tensors
    moments = empty_moments(graph, node)
    groups, inputs, outputs = moments.xz.shape
    rng = np.random.default_rng(0)
    rows, z = rows_and_outputs(graph, node, tensors[node.inputs[0]], tensors[f"{layer}.y"], rng)
    assert rows.shape[1:] == (groups, inputs) and z.shape == (len(rows), groups, outputs)
    weights = rows_of(node, graph.tensor(f"{layer}.weights").data).reshape(groups, outputs, inputs)
    bias = graph.tensor(f"{layer}.bias").data.reshape(groups, outputs)
    products = np.einsum("rgi,goi->rgo", rows, weights) + bias
    relu = node.operator.activation.value == "relu"
    np.testing.assert_allclose(np.maximum(products, 0) if relu else products, z, atol=1e-5)


def test_a_small_variance_far_from_zero_is_kept() -> None:
    rng = np.random.default_rng(5)
    x = (1000 + rng.normal(0, 0.01, (12, 1, 40))).astype(np.float32)
    z = x[:, :, :3].copy()
    moments = Moments(1, 40, 3)
    for part in (slice(5), slice(5, 12)):
        moments.add(x[part], z[part])
    exact = np.cov(x[:, 0].T.astype(np.float64), bias=True)
    inputs, targets = moments.covariances()
    np.testing.assert_allclose(inputs[0], exact, atol=1e-6 * exact.max())
    np.testing.assert_allclose(targets[0], exact[:, :3], atol=1e-6 * exact.max())
    np.testing.assert_allclose(moments.x_mean[0], x[:, 0].mean(axis=0, dtype=np.float64), rtol=1e-6)
