"""What a layer's weights are learned from: second moments of its inputs and outputs."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from smidgen.compress.layers import WEIGHTS
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, TransposeConv2D
from smidgen.graph.reference.conv import pad_rows_and_columns

# Of each batch; neighbouring positions of an image tell little more.
_MAX_ROWS = 4096


class Moments:
    """Sums over rows of data, for groups of output channels that read the same inputs.

    x (rows, groups, inputs) is what the quantized model gives the layer, as real values; z (rows, groups,
    outputs) what the float model makes of its own input, before the activation. A convolution has one group
    (or as many as it has), a depthwise one a group per input channel.
    """

    def __init__(self, groups: int, inputs: int, outputs: int) -> None:
        self.rows = 0
        # Sums are of distances from the first batch's means: float32 products of values far from zero
        # would lose a small variance.
        self.x_origin, self.z_origin = np.zeros((groups, inputs)), np.zeros((groups, outputs))
        self.x = np.zeros((groups, inputs))
        self.z = np.zeros((groups, outputs))
        self.xx = np.zeros((groups, inputs, inputs))
        self.xz = np.zeros((groups, inputs, outputs))

    def add(self, x: np.ndarray, z: np.ndarray) -> None:
        if self.rows == 0:
            self.x_origin, self.z_origin = x.mean(axis=0), z.mean(axis=0)
        x, z = x - self.x_origin, z - self.z_origin
        self.rows += len(x)
        self.x += x.sum(axis=0, dtype=np.float64)
        self.z += z.sum(axis=0, dtype=np.float64)
        by_group = np.ascontiguousarray(x.transpose(1, 2, 0))
        self.xx += by_group @ by_group.transpose(0, 2, 1)
        self.xz += by_group @ z.transpose(1, 0, 2)

    @property
    def x_mean(self) -> np.ndarray:
        return self.x_origin + self.x / self.rows

    @property
    def z_mean(self) -> np.ndarray:
        return self.z_origin + self.z / self.rows

    def covariances(self) -> tuple[np.ndarray, np.ndarray]:
        """Of inputs with inputs (groups, inputs, inputs) and with outputs (groups, inputs, outputs)."""
        x, z = self.x / self.rows, self.z / self.rows
        return (
            self.xx / self.rows - x[:, :, None] * x[:, None, :],
            self.xz / self.rows - x[:, :, None] * z[:, None, :],
        )


def empty_moments(graph: Graph, node: Node) -> Moments:
    weights = graph.tensor(node.inputs[WEIGHTS]).shape
    channels = graph.tensor(node.inputs[0]).shape[-1]
    match node.operator:
        case Conv2D() | TransposeConv2D():
            groups = channels // weights[3]
            return Moments(groups, weights[1] * weights[2] * weights[3], weights[0] // groups)
        case DepthwiseConv2D():
            return Moments(channels, weights[1] * weights[2], weights[3] // channels)
    return Moments(1, weights[1], weights[0])


def rows_and_outputs(
    graph: Graph, node: Node, x: np.ndarray, z: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A batch as `Moments.add` takes it: x and z of the layer, (N, ...), some of their rows."""
    weights = graph.tensor(node.inputs[WEIGHTS]).shape
    if not isinstance(node.operator, Conv2D | DepthwiseConv2D | TransposeConv2D):
        rows, outputs = x.reshape(-1, 1, weights[1]), z.reshape(-1, 1, weights[0])
        chosen = _chosen(len(rows), rng)
        return rows[chosen], outputs[chosen]
    if isinstance(node.operator, TransposeConv2D):
        windows = _transposed_windows(node.operator, x, weights[1:3], z.shape[1:3])
    else:
        windows = _windows(node.operator, x, weights[1:3])
    where = np.unravel_index(_chosen(int(np.prod(windows.shape[:3])), rng), windows.shape[:3])
    patches, outputs = windows[where], z[where]  # (rows, channels, kernel height, kernel width)
    if isinstance(node.operator, DepthwiseConv2D):
        channels = x.shape[3]
        return patches.reshape(len(patches), channels, -1), outputs.reshape(len(outputs), channels, -1)
    groups = x.shape[3] // weights[3]
    grouped = patches.reshape(len(patches), groups, weights[3], *weights[1:3]).transpose(0, 1, 3, 4, 2)
    return grouped.reshape(len(patches), groups, -1), outputs.reshape(len(outputs), groups, -1)


def _windows(operator: Conv2D | DepthwiseConv2D, x: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """View of shape (N, output rows, output columns, C, kernel height, kernel width)."""
    padded = pad_rows_and_columns(x, operator.padding)
    reach = tuple((side - 1) * step + 1 for side, step in zip(size, operator.dilation, strict=True))
    windows = sliding_window_view(padded, reach, axis=(1, 2))
    (stride_y, stride_x), (rows, columns) = operator.stride, operator.dilation
    return windows[:, ::stride_y, ::stride_x, :, ::rows, ::columns]


def _transposed_windows(
    operator: TransposeConv2D, x: np.ndarray, size: tuple[int, ...], output: tuple[int, ...]
) -> np.ndarray:
    """As _windows: what each position of the kernel meets for an output, zero where that is no input."""
    before = (operator.padding.top, operator.padding.left)
    spread = np.zeros((len(x), *(o + k - 1 for o, k in zip(output, size, strict=True)), x.shape[3]), x.dtype)
    places, inside = [], []
    for axis in (0, 1):
        at = np.arange(x.shape[1 + axis]) * operator.stride[axis] + size[axis] - 1 - before[axis]
        inside.append((at >= 0) & (at < spread.shape[1 + axis]))
        places.append(at[inside[-1]])
    spread[:, places[0][:, None], places[1]] = x[:, inside[0]][:, :, inside[1]]
    return sliding_window_view(spread, size, axis=(1, 2))[..., ::-1, ::-1]


def _chosen(count: int, rng: np.random.Generator) -> np.ndarray:
    if count <= _MAX_ROWS:
        return np.arange(count)
    return np.sort(rng.choice(count, _MAX_ROWS, replace=False))
