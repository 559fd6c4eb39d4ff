"""prune_groups: the weakest groups of 16 inputs by 16 channels become zero, and the others stay."""

from __future__ import annotations

import numpy as np
import pytest
from compress_graphs import inputs_of, per_channel, small_model

from smidgen.compress import prune_groups, requantize_weights
from smidgen.errors import UsageError
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Conv2D, FullyConnected
from smidgen.graph.operators.conv import SPARSE_GROUP
from smidgen.graph.reference import run


def layer(operator: Conv2D | FullyConnected, x: tuple[int, ...], shape: tuple[int, ...], seed: int) -> Graph:
    """One layer whose channels have scales far apart, so that integers alone do not tell what is small."""
    rng = np.random.default_rng(seed)
    scale = 2.0 ** rng.uniform(-12, -4, shape[0])
    data = rng.integers(-127, 128, shape).astype(np.int8)
    weights = Tensor("w", shape, DType.I8, per_channel(scale, 0), data)
    y = (x[0], shape[0]) if len(x) == 2 else (*x[:1], x[1] - shape[1] + 1, x[2] - shape[2] + 1, shape[0])
    tensors = [
        Tensor("x", x, DType.I8, Quantization.per_tensor(0.1, 0)),
        weights,
        Tensor("y", y, DType.I8, Quantization.per_tensor(0.5, 0)),
    ]
    return Graph(
        "one", {t.name: t for t in tensors}, (Node("n", operator, ("x", "w"), ("y",)),), ("x",), ("y",)
    )


def groups(weights: np.ndarray) -> list[np.ndarray]:
    """The groups one by one: blocks of 16 channels, kernel rows, 16 inputs along each row."""
    rows = weights.reshape(len(weights), weights.shape[1] if weights.ndim == 4 else 1, -1)
    return [
        rows[block : block + 16, row, first : first + 16]
        for block in range(0, len(rows), 16)
        for row in range(rows.shape[1])
        for first in range(0, rows.shape[2], 16)
    ]


CASES = {
    "conv 3 x 3": (Conv2D(), (1, 6, 5, 7), (37, 3, 3, 7)),
    "pointwise": (Conv2D(), (1, 2, 2, 40), (16, 1, 1, 40)),
    "fully connected": (FullyConnected(), (2, 100), (33, 100)),
}


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("name", CASES)
def test_the_smallest_groups_become_zero(name: str, fraction: float) -> None:
    graph = layer(*CASES[name], seed=len(name))
    pruned = prune_groups(graph, fraction)
    assert pruned.nodes[0].operator.sparse_group == SPARSE_GROUP
    before, after = graph.tensor("w"), pruned.tensor("w")
    real = before.data * before.quantization.scale.reshape(-1, *(1,) * (before.data.ndim - 1)).astype(
        np.float64
    )
    norms = np.array([np.square(group).sum() for group in groups(real)])
    smallest = set(np.argsort(norms, kind="stable")[: int(fraction * norms.size)].tolist())
    for index, (old, new) in enumerate(zip(groups(before.data), groups(after.data), strict=True)):
        np.testing.assert_array_equal(new, np.zeros_like(old) if index in smallest else old)
    for sample in inputs_of(graph, 1):
        assert run(pruned, sample).outputs[0].shape == graph.tensor("y").shape


def test_depthwise_and_grouped_convolutions_are_left_alone() -> None:
    graph = small_model()
    pruned = prune_groups(graph, 0.5)
    for node in pruned.nodes:
        if node.id in ("sliding", "depthwise"):
            assert pruned.tensor(node.inputs[1]) is graph.tensor(node.inputs[1])
        elif node.id in ("conv", "pointwise", "dense"):
            assert node.operator.sparse_group == SPARSE_GROUP
    grouped = layer(Conv2D(), (1, 3, 3, 8), (16, 1, 1, 4), seed=9)
    assert prune_groups(grouped, 0.5).nodes[0].operator.sparse_group == 0


def test_zero_groups_survive_fewer_bits() -> None:
    """Prune first, then requantize: zero stays zero."""
    graph = layer(*CASES["fully connected"], seed=4)
    narrow = requantize_weights(prune_groups(graph, 0.5), 2)
    zero = [not group.any() for group in groups(narrow.tensor("w").data)]
    assert sum(zero) >= len(zero) // 2
    assert narrow.nodes[0].operator.sparse_group == SPARSE_GROUP


@pytest.mark.parametrize("fraction", [-0.1, 1.01, float("nan")])
def test_other_fractions_are_refused(fraction: float) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        prune_groups(small_model(), fraction)
