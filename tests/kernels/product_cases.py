"""Kernel cases of batch matrix products and transposed convolutions, with shapes chosen to hurt."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case_parts import ACTIVATIONS, ZERO_POINTS, Rng, case, output_of, tensor, weights_and_bias
from kernel_harness import Case

from smidgen.graph import Quantization
from smidgen.graph.operators import BatchMatMul, Padding, TransposeConv2D


def batch_matmuls(rng: Rng, number: int) -> Iterator[Case]:
    """Every way to transpose and to broadcast, and all remainders of rows and columns by 4."""
    transpose_a, transpose_b = bool(number & 1), bool(number & 2)
    rows, columns = int(rng.integers(1, 10)), int(rng.integers(1, 10))
    depth = int(rng.choice((1, 2, 3, 7, 16, 40)))
    batches = [int(size) for size in rng.integers(1, 4, int(rng.integers(0, 4)))]
    of_a, of_b = ([1 if rng.random() < 0.3 else size for size in batches] for _ in range(2))
    of_b = of_b[int(rng.integers(0, len(of_b) + 1)) :]
    a = tensor("a", (*of_a, *((depth, rows) if transpose_a else (rows, depth))), rng)
    b = tensor("b", (*of_b, *((columns, depth) if transpose_b else (depth, columns))), rng)
    shape = (*np.broadcast_shapes(tuple(of_a), tuple(of_b)), rows, columns)
    scale = a.scale * b.scale * 128 * np.sqrt(depth) * 2.0 ** rng.uniform(-3, 3)
    y = output_of(rng, shape, float(np.float32(scale)))
    yield case(f"batch matmul {number}", rng, BatchMatMul(transpose_a, transpose_b), [a, b], [y])


def transpose_convolutions(rng: Rng, number: int) -> Iterator[Case]:
    """Kernels smaller and larger than the stride; outputs that begin inside and end beyond the products."""
    sizes, kernels, strides, pads, outputs = [], [], [], [], []
    for _ in range(2):
        size, kernel, stride = int(rng.integers(1, 8)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
        pad = int(rng.integers(0, kernel))
        whole = (size - 1) * stride + kernel
        sizes.append(size)
        kernels.append(kernel)
        strides.append(stride)
        pads.append(pad)
        outputs.append(max(whole - pad + int(rng.integers(-2, 3)), 1))
    inputs, channels = int(rng.integers(1, 7)), int(rng.integers(1, 11))
    if number % 10 == 0:  # more depth than four patches fit into scratch
        inputs, kernels, strides = 300, [3, 2], [1, 2]
    x = tensor("x", (int(rng.choice((1, 1, 2))), *sizes, inputs), rng)
    weights, bias, scale = weights_and_bias(rng, (channels, *kernels, inputs), 0, x)
    quantization = Quantization.per_tensor(scale, int(rng.choice(ZERO_POINTS)))
    y = tensor("y", (x.shape[0], *outputs, channels), rng, quantization=quantization)
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    operator = TransposeConv2D((strides[0], strides[1]), Padding(top=pads[0], left=pads[1]), activation)
    operands = [x, weights] if rng.random() < 0.1 else [x, weights, bias]
    yield case(f"transpose conv {number}", rng, operator, operands, [y])
