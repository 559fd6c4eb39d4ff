"""Group sparsity: whole groups of weights that are zero, which kernels may skip.

A group is 16 inputs that lie side by side in one kernel row, shared by a block of 16 output channels, so that
one decision serves a whole step of a kernel that computes 16 channels at a time. Inputs of a convolution are
counted along a kernel row: column 0's input channels, then column 1's, and so on; groups start at the row's
first input and at channels 0, 16, 32, ..., and the last of a row or of the channels may be smaller.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.compress.layers import WEIGHTS, weight_layers, with_constants
from smidgen.errors import Problem, UsageError
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.operators import Conv2D, FullyConnected
from smidgen.graph.operators.conv import SPARSE_GROUP


def prune_groups(graph: Graph, fraction: float) -> Graph:
    """The graph with a fraction of all groups zero, layer by layer those with the smallest norm.

    Convolutions (not depthwise, not grouped) and fully connected layers with constant weights are pruned and
    get `sparse_group = 16`. Raises UsageError when the fraction is not from 0 to 1.
    """
    if not 0 <= fraction <= 1:
        what = f"{fraction} is no fraction"
        raise UsageError(Problem("fraction of groups to prune", what, "choose from 0 to 1"))
    for node in weight_layers(graph):
        weights = graph.tensor(node.inputs[WEIGHTS])
        if weights.data is not None and _is_dense(graph, node, weights):
            graph = with_constants(graph, node, {WEIGHTS: _pruned(weights, fraction)})
            graph = _marked(graph, node.id)
    return graph


def _is_dense(graph: Graph, node: Node, weights: Tensor) -> bool:
    """Whether every output sees every input channel."""
    if isinstance(node.operator, Conv2D):
        return weights.shape[3] == graph.tensor(node.inputs[0]).shape[3]
    return isinstance(node.operator, FullyConnected)


def _pruned(weights: Tensor, fraction: float) -> Tensor:
    data, scale = weights.data, weights.quantization.scale if weights.quantization else np.ones(1)
    assert data is not None
    channels, rows = weights.shape[0], weights.shape[1] if data.ndim == 4 else 1
    flat = data.reshape(channels, rows, -1)
    columns = np.arange(flat.shape[2]) // SPARSE_GROUP
    blocks = np.arange(channels) // SPARSE_GROUP
    norms = np.zeros((blocks[-1] + 1, rows, columns[-1] + 1))
    real = flat.astype(np.float64) * scale.reshape(-1, 1, 1)
    where = (blocks[:, None, None], np.arange(rows)[:, None], columns)
    np.add.at(norms, np.broadcast_arrays(*where), np.square(real))
    order = np.argsort(norms, axis=None, kind="stable")
    kept = np.ones(norms.size, bool)
    kept[order[: int(fraction * norms.size)]] = False
    pruned = np.where(kept.reshape(norms.shape)[where], flat, 0)
    return replace(weights, data=pruned.astype(data.dtype).reshape(weights.shape))


def _marked(graph: Graph, name: str) -> Graph:
    nodes = tuple(
        replace(node, operator=replace(node.operator, sparse_group=SPARSE_GROUP))  # type: ignore[call-arg]
        if node.id == name
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)
