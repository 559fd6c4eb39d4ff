"""Convolutions and fully connected layers whose shapes hurt the blocks, steps and words of Xmidge's kernels.

Every shape comes with weights of 8, 4 and 2 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from case_parts import ACTIVATIONS, Rng, case, tensor, weights_and_bias
from kernel_harness import Case

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.operators import Conv2D, FullyConnected, Operator, Padding
from smidgen.graph.operators.base import same_padding

BITS = {8: DType.I8, 4: DType.I4, 2: DType.I2}
DRAWS = range(2)  # of weights, inputs and quantization, for every shape
SAME, VALID = "same", "valid"

# (images, height, width, inputs), outputs, kernel, stride, dilation, padding, groups
CONVOLUTIONS = (
    ((1, 5, 5, 1), 1, (1, 1), (1, 1), (1, 1), VALID, 1),
    ((1, 1, 1, 3), 2, (1, 1), (1, 1), (1, 1), VALID, 1),  # one pixel, which is a vector
    ((2, 3, 3, 5), 3, (1, 1), (1, 1), (1, 1), VALID, 1),  # lines of all images join; loads off the word
    ((1, 5, 3, 17), 17, (1, 1), (1, 1), (1, 1), VALID, 1),  # a channel beyond the block, 3 pixels left over
    ((1, 7, 1, 65), 65, (1, 1), (1, 1), (1, 1), VALID, 1),  # a channel beyond the parameters
    ((1, 2, 5, 16), 130, (1, 1), (1, 1), (1, 1), VALID, 1),
    ((2, 7, 9, 8), 16, (1, 1), (2, 2), (1, 1), VALID, 1),
    ((1, 7, 7, 6), 20, (1, 1), (3, 3), (1, 1), VALID, 1),
    ((1, 4, 6, 3), 5, (2, 2), (1, 1), (1, 1), VALID, 1),
    ((2, 6, 3, 5), 7, (3, 3), (1, 1), (1, 1), VALID, 1),  # kernel as wide as the image
    ((1, 9, 1, 40), 12, (5, 1), (1, 1), (1, 1), VALID, 1),  # one column
    ((1, 9, 1, 12), 9, (3, 1), (2, 1), (2, 1), SAME, 1),
    ((1, 8, 8, 3), 8, (3, 3), (2, 2), (1, 1), SAME, 1),  # asymmetric SAME
    ((1, 9, 7, 16), 18, (3, 3), (1, 1), (1, 1), SAME, 1),
    ((2, 6, 6, 17), 3, (3, 3), (2, 1), (1, 1), SAME, 1),
    ((1, 7, 5, 4), 66, (3, 3), (1, 1), (1, 1), SAME, 1),
    ((1, 11, 5, 1), 64, (10, 4), (2, 2), (1, 1), SAME, 1),  # as keyword spotting begins
    ((1, 9, 8, 2), 5, (3, 2), (1, 1), (2, 3), SAME, 1),
    ((1, 10, 9, 4), 4, (3, 3), (3, 3), (2, 1), SAME, 1),
    ((1, 7, 7, 3), 4, (1, 1), (2, 2), (1, 1), Padding(1, 1, 1, 2), 1),  # stride beyond the kernel
    ((1, 1, 1, 7), 5, (3, 3), (1, 1), (1, 1), SAME, 1),  # one pixel in its padding
    ((1, 5, 5, 6), 4, (5, 5), (1, 1), (1, 1), VALID, 1),  # one window
    ((1, 6, 5, 8), 12, (3, 3), (1, 1), (1, 1), SAME, 2),
    ((2, 4, 4, 9), 3, (2, 3), (1, 2), (1, 1), SAME, 3),
    ((1, 3, 4, 140), 70, (1, 1), (1, 1), (1, 1), VALID, 1),
)  # fmt: skip

# rows, depth, outputs
MATRICES = (
    (1, 1, 1), (1, 3, 2), (1, 16, 64), (1, 17, 65), (1, 200, 3), (1, 64, 130),
    (2, 5, 17), (4, 31, 16), (7, 64, 80),
)  # fmt: skip


def convolutions() -> list[Case]:
    return [_convolution(*key) for key in product(range(len(CONVOLUTIONS)), BITS, DRAWS)]


def matrices() -> list[Case]:
    return [_matrix(*key) for key in product(range(len(MATRICES)), BITS, DRAWS)]


def sparse() -> list[Case]:
    """Those without groups of channels, with most groups of 16 inputs zero."""
    cases = [dense for dense in (*convolutions(), *matrices()) if _has_all_inputs(dense)]
    return [_pruned(dense, number) for number, dense in enumerate(cases)]


def _has_all_inputs(dense: Case) -> bool:
    return dense.graph.tensor("weights").shape[-1] == dense.graph.tensor("x").shape[-1]


def _pruned(dense: Case, number: int) -> Case:
    rng = np.random.default_rng(number)
    weights, node = dense.graph.tensor("weights"), dense.node
    assert weights.data is not None
    rows = weights.shape[1] if len(weights.shape) == 4 else 1
    data = weights.data.copy()
    flat = data.reshape(weights.shape[0], rows, -1)
    for block, row, group in np.ndindex(-(-flat.shape[0] // 16), rows, -(-flat.shape[2] // 16)):
        if rng.random() < 0.6:
            flat[16 * block : 16 * block + 16, row, 16 * group : 16 * group + 16] = 0
    tensors = {**dense.graph.tensors, "weights": replace(weights, data=data)}
    operator = replace(node.operator, sparse_group=16)  # type: ignore[call-arg]
    graph = replace(dense.graph, tensors=tensors, nodes=(replace(node, operator=operator),))
    return Case(f"sparse {dense.name}", graph, dense.inputs)


def _convolution(number: int, bits: int, draw: int) -> Case:
    shape, outputs, kernel, stride, dilation, padding, groups = CONVOLUTIONS[number]
    rng = np.random.default_rng([number, bits, draw])
    if isinstance(padding, str):
        axes = zip(shape[1:3], kernel, stride, dilation, strict=True)
        pads = [same_padding(*axis) if padding == SAME else (0, 0) for axis in axes]
        padding = Padding(*pads[0], *pads[1])
    before_after = ((padding.top, padding.bottom), (padding.left, padding.right))
    size = [
        (shape[1 + axis] + sum(before_after[axis]) - (kernel[axis] - 1) * dilation[axis] - 1) // stride[axis]
        + 1
        for axis in range(2)
    ]
    x = tensor("x", shape, rng)
    operator = Conv2D(stride, dilation, padding, ACTIVATIONS[number % 2])
    weights = (outputs, *kernel, shape[3] // groups)
    name = f"conv {number} of {bits} bits: {CONVOLUTIONS[number]}"
    return _product(name, rng, operator, x, weights, (shape[0], *size, outputs), bits)


def _matrix(number: int, bits: int, draw: int) -> Case:
    rows, depth, outputs = MATRICES[number]
    rng = np.random.default_rng([100 + number, bits, draw])
    x = tensor("x", (rows, depth), rng)
    operator = FullyConnected(ACTIVATIONS[number % 2])
    name = f"fully connected {number} of {bits} bits: {MATRICES[number]}"
    return _product(name, rng, operator, x, (outputs, depth), (rows, outputs), bits)


def _product(
    name: str, rng: Rng, operator: Operator, x: Tensor, shape: Sequence[int], output: Sequence[int], bits: int
) -> Case:
    weights, bias, scale = weights_and_bias(rng, shape, 0, x)
    assert weights.data is not None
    largest = 1 << (bits - 1)
    data = rng.integers(-largest, largest, shape).astype(np.int8)
    scale *= largest / max(np.abs(weights.data.astype(int)).max(), 1)
    weights = replace(weights, data=data, dtype=BITS[bits])
    quantization = Quantization.per_tensor(float(np.float32(scale)), int(rng.integers(-128, 128)))
    y = tensor("y", output, rng, quantization=quantization)
    return case(name, rng, operator, [x, weights, bias], [y])
