"""Statistics do not depend on how the data come, and ranges follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from float_graphs import float_model, float_samples

from smidgen.compress.quantize.ranges import METHODS, choose_range, int8_quantization
from smidgen.compress.quantize.statistics import BINS, Histogram, gather
from smidgen.errors import ModelError
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import Neg, Sqrt
from smidgen.graph.reference import run


def histogram_of(*parts: np.ndarray) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(part.astype(np.float32))
    return histogram


@pytest.mark.parametrize("seed", range(4))
def test_histogram_is_the_same_in_any_order(seed: int) -> None:
    """Values whose magnitude grows make the range double on the way; backwards it is right at once."""
    rng = np.random.default_rng(seed)
    parts = [rng.normal(0, 3.0**k, 200) for k in range(6)]
    forward, backward = histogram_of(*parts), histogram_of(*parts[::-1])
    np.testing.assert_array_equal(forward.counts, backward.counts)
    together = np.concatenate(parts).astype(np.float32)
    assert (forward.minimum, forward.maximum) == (together.min(), together.max())
    assert forward.counts.sum() == forward.total == together.size
    edges = np.linspace(-forward.radius, forward.radius, BINS + 1)
    np.testing.assert_array_equal(forward.counts, np.histogram(together, edges)[0])


def test_zeros_are_counted_apart() -> None:
    histogram = histogram_of(np.zeros(50), np.array([1.0, -2.0]))
    assert (histogram.zeros, histogram.counts.sum(), histogram.total) == (50, 2, 52)
    clamped = histogram.without_negatives()
    assert (clamped.minimum, clamped.maximum, clamped.counts.sum(), clamped.zeros) == (0, 1, 1, 51)


def test_every_float_tensor_is_gathered() -> None:
    graph, samples = float_model(), float_samples(21)
    histograms = gather(graph, samples)
    every = [run(graph, sample, keep="all").tensors for sample in samples]
    assert histograms.keys() == every[0].keys()
    for name, histogram in histograms.items():
        values = np.concatenate([tensors[name].reshape(-1) for tensors in every])
        assert histogram.total == values.size
        assert np.allclose((histogram.minimum, histogram.maximum), (values.min(), values.max()), rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_range_lies_within_what_was_seen_and_holds_zero(method: str, low: float) -> None:
    rng = np.random.default_rng(3)
    low_end, high_end = choose_range([histogram_of(np.maximum(rng.normal(0, 1, 5000), 4 * low))], method)
    assert 4 * low <= low_end <= 0 < high_end <= 5
    if low == 0:
        assert low_end == 0


@pytest.mark.parametrize("method", ["percentile", "mse", "kl"])
def test_outlier_is_clipped(method: str) -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, 100_000)
    values[7] = 300.0
    _, high = choose_range([histogram_of(values)], method)
    assert high < 280 and choose_range([histogram_of(values)], "minmax")[1] == 300.0


def test_mse_has_no_more_error_than_minmax() -> None:
    rng = np.random.default_rng(6)
    values = rng.standard_t(3, 20_000)

    def error(method: str) -> float:
        q = int8_quantization(choose_range([histogram_of(values)], method))
        scale, zero = float(q.scale[0]), int(q.zero_point[0])
        rounded = (np.clip(np.rint(values / scale) + zero, -128, 127) - zero) * scale
        return float(np.square(rounded - values).mean())

    assert error("mse") < 0.98 * error("minmax")


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 1.0), (-3.0, 0.5), (0.2, 4.0), (-2.0, -1.0)])
def test_int8_quantization_covers_the_range_and_holds_zero_exactly(bounds: tuple[float, float]) -> None:
    q = int8_quantization(bounds)
    scale, zero = float(q.scale[0]), int(q.zero_point[0])
    assert -128 <= zero <= 127
    low, high = (-128 - zero) * scale, (127 - zero) * scale
    assert low <= min(bounds[0], 0) + 0.51 * scale and high >= max(bounds[1], 0) - 0.51 * scale


def test_pixels_get_the_usual_quantization() -> None:
    q = int8_quantization((0.0, 1.0))
    assert (float(q.scale[0]), int(q.zero_point[0])) == (float(np.float32(1 / 255)), -128)


def test_what_is_not_finite_is_named() -> None:
    tensors = {name: Tensor(name, (1, 4), DType.F32) for name in ("x", "roots", "y")}
    nodes = (Node("root", Sqrt(), ("x",), ("roots",)), Node("less", Neg(), ("roots",), ("y",)))
    graph = Graph("hopeless", tensors, nodes, ("x",), ("y",))
    with pytest.raises(ModelError, match=r"hopeless: SQRT 'root'.*not a number"):
        gather(graph, [[np.full((1, 4), -1, np.float32)]])
