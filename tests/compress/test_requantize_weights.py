"""requantize_weights: what fits stays, what does not is rounded to the nearest, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compress_graphs import LAYERS, inputs_of, per_channel, real_weights, small_model

from smidgen.compress import BITS, requantize_weights
from smidgen.errors import ModelError, UsageError
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.fixed_point import integer_range
from smidgen.graph.operators import FullyConnected
from smidgen.graph.packing import pack
from smidgen.graph.reference import run

NARROW = pytest.mark.parametrize("bits", [4, 2])


def with_weights(graph: Graph, layer: str, data: np.ndarray) -> Graph:
    weights = replace(graph.tensor(f"{layer}.weights"), data=data.astype(np.int8))
    return replace(graph, tensors={**graph.tensors, weights.name: weights})


@NARROW
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("step", [1, 3, 15])
def test_weights_that_fit_keep_their_values(layer: str, step: int, bits: int) -> None:
    """Multiples of any step, in the whole range of the bits: real weights stay, and so does the output."""
    graph, (low, high) = small_model(), integer_range(bits)
    shape = graph.tensor(f"{layer}.weights").shape
    data = np.random.default_rng(step).integers(low, high, shape, endpoint=True) * step
    graph = with_weights(graph, layer, data)
    narrow = requantize_weights(graph, {layer: bits})
    np.testing.assert_allclose(real_weights(narrow, layer), real_weights(graph, layer), rtol=1e-6)
    output = "y" if layer == "dense" else f"{layer}.y"
    for sample in inputs_of(graph, step):
        # The bias is rounded, and the scales' quotient is another float: a tie may fall the other way.
        ours, theirs = (run(one, sample, keep="all").tensors[output] for one in (narrow, graph))
        np.testing.assert_allclose(ours.astype(int), theirs.astype(int), atol=1)


@NARROW
@pytest.mark.parametrize("layer", LAYERS)
def test_no_weight_moves_further_than_rounding_and_clipping_allow(layer: str, bits: int) -> None:
    graph = small_model()
    narrow = requantize_weights(graph, bits)
    weights, (low, high) = narrow.tensor(f"{layer}.weights"), integer_range(bits)
    assert weights.dtype is BITS[bits]
    scale = weights.quantization.scale.astype(np.float64)[:, None]
    before, after = real_weights(graph, layer), real_weights(narrow, layer)
    inside = (before >= (low - 0.5) * scale) & (before <= (high + 0.5) * scale)
    assert np.all(
        np.abs(after - before)[inside] <= (0.5 + 1e-6) * np.broadcast_to(scale, before.shape)[inside]
    )
    assert np.all((after == low * scale) | (after == high * scale) | inside)
    # No worse than the plain choice, the range that clips nothing.
    plain = (
        np.maximum(before.max() / high, before.min() / low)
        if scale.size == 1
        else np.maximum(before.max(axis=1) / high, before.min(axis=1) / low)[:, None]
    )
    rounded = np.clip(np.rint(before / plain), low, high) * plain
    assert np.square(after - before).sum() <= np.square(rounded - before).sum() * (1 + 1e-6)


@NARROW
def test_bias_and_scales_stay_consistent(bits: int) -> None:
    """The bias stands for the same numbers, at the scale of input times weights."""
    graph = small_model()
    narrow = requantize_weights(graph, bits)
    for node in narrow.nodes:
        if node.id not in LAYERS:
            continue
        x, weights, bias = (narrow.tensor(name) for name in node.inputs)
        product = x.scale * weights.quantization.scale.astype(np.float64)
        np.testing.assert_allclose(bias.quantization.scale, product, rtol=1e-5)
        old = graph.tensor(bias.name)
        before = old.data * (x.scale * graph.tensor(weights.name).quantization.scale.astype(np.float64))
        assert np.all(np.abs(bias.data * product - before) <= 0.5 * product * (1 + 1e-6))


def test_mixed_bits_change_the_layers_named_and_no_other() -> None:
    graph = small_model()
    mixed = requantize_weights(graph, {"conv": 4, "sliding": 2, "dense": 8})
    types = {layer: mixed.tensor(f"{layer}.weights").dtype for layer in LAYERS}
    assert list(types.values()) == [DType.I4, DType.I2, DType.I8, DType.I8, DType.I8]
    for layer in ("pointwise", "depthwise", "dense"):
        for part in ("weights", "bias"):
            assert mixed.tensor(f"{layer}.{part}") is graph.tensor(f"{layer}.{part}")
    for tensor in graph.tensors.values():
        if not tensor.is_constant:
            assert mixed.tensor(tensor.name) is tensor
    for sample in inputs_of(graph, 5):
        assert run(mixed, sample).outputs[0].shape == (1, 6)


def test_narrow_integers_mean_what_they_mean_as_int8() -> None:
    """The arithmetic, which for int8 is that of TensorFlow Lite Micro, does not depend on the width."""
    narrow = requantize_weights(
        small_model(), {"conv": 4, "sliding": 2, "pointwise": 2, "depthwise": 4, "dense": 4}
    )
    tensors = {
        name: replace(tensor, dtype=DType.I8) if tensor.dtype in (DType.I4, DType.I2) else tensor
        for name, tensor in narrow.tensors.items()
    }
    wide = replace(narrow, tensors=tensors)
    for sample in inputs_of(narrow, 6):
        ours, theirs = run(narrow, sample, keep="all").tensors, run(wide, sample, keep="all").tensors
        for name in theirs:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_eight_bits_change_nothing() -> None:
    graph = small_model()
    assert requantize_weights(graph, 8) is graph


@NARROW
def test_again_at_the_same_bits_changes_nothing(bits: int) -> None:
    once = requantize_weights(small_model(), bits)
    assert requantize_weights(once, bits) is once


def test_two_bits_after_four() -> None:
    narrow = requantize_weights(requantize_weights(small_model(), 4), 2)
    assert all(narrow.tensor(f"{layer}.weights").dtype is DType.I2 for layer in LAYERS)
    assert pack(narrow.tensor("conv.weights").data, DType.I2).size == 68  # 270 fields of 2 bits, in words


@NARROW
def test_channels_of_zeros_stay_zero(bits: int) -> None:
    graph = small_model()
    data = graph.tensor("conv.weights").data.copy()
    data[3:5] = 0
    narrow = requantize_weights(with_weights(graph, "conv", data), bits)
    assert not narrow.tensor("conv.weights").data[3:5].any()
    assert np.all(narrow.tensor("conv.weights").quantization.scale > 0)


def test_weights_of_two_layers_get_the_bits_of_each() -> None:
    rng = np.random.default_rng(3)
    quantization = Quantization.per_tensor(0.1, 0)
    weights = Tensor(
        "w", (4, 4), DType.I8, per_channel([0.01], None), rng.integers(-9, 9, (4, 4)).astype(np.int8)
    )
    tensors = [Tensor(name, (1, 4), DType.I8, quantization) for name in ("x", "a", "b")]
    nodes = (
        Node("one", FullyConnected(), ("x", "w"), ("a",)),
        Node("two", FullyConnected(), ("a", "w"), ("b",)),
    )
    graph = Graph("shared", {t.name: t for t in (*tensors, weights)}, nodes, ("x",), ("b",))
    narrow = requantize_weights(graph, {"two": 2})
    one, two = (narrow.tensor(node.inputs[1]) for node in narrow.nodes)
    assert (one.dtype, two.dtype) == (DType.I8, DType.I2)


def test_every_wrong_request_is_named_with_the_choices() -> None:
    with pytest.raises(UsageError) as error:
        requantize_weights(small_model(), {"flatten": 4, "conv": 3, "sliding": 4, "nowhere": 2})
    text = str(error.value)
    assert len(error.value.problems) == 3
    assert "'flatten'" in text and "'nowhere'" in text
    assert "'conv', 'sliding', 'pointwise', 'depthwise', 'dense'" in text
    assert "bits of 'conv': weights cannot have 3 bits" in text and "8, 4, 2" in text
    with pytest.raises(UsageError, match="weights cannot have 16 bits"):
        requantize_weights(small_model(), 16)


def test_weights_that_cannot_be_requantized_are_refused() -> None:
    graph = small_model()
    real = graph.tensor("dense.weights")
    wrong = replace(real, dtype=DType.F32, data=real.data.astype(np.float32), quantization=None)
    with pytest.raises(ModelError, match=r"'dense' \(FULLY_CONNECTED\): its weights 'dense.weights' are f32"):
        requantize_weights(replace(graph, tensors={**graph.tensors, wrong.name: wrong}), 4)
    narrow = requantize_weights(graph, {"conv": 2})
    with pytest.raises(ModelError, match="have 2 bits already"):
        requantize_weights(narrow, 4)
    variable = replace(
        graph,
        tensors={**graph.tensors, real.name: replace(real, data=None)},
        inputs=("x", real.name),
    )
    with pytest.raises(ModelError, match="computed at run time"):
        requantize_weights(variable, {"dense": 4})
