"""Seeded kernel cases with shapes chosen to hurt, by operator family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from case_parts import (
    ACTIVATIONS,
    DTYPES,
    Rng,
    case,
    output_of,
    tensor,
    values,
    weights_and_bias,
    window,
)
from function_cases import conditions, functions, norms, powers, quotients, reductions
from int16_cases import layers as int16_layers
from int16_cases import values as int16_values
from kernel_harness import Case
from product_cases import batch_matmuls, transpose_convolutions
from rearranging_cases import bilinear, rearrangements
from recurrent_cases import recurrent

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Minimum,
    Mul,
    Pack,
    Pad,
    Padding,
    Quantize,
    Relu,
    Relu6,
    Reshape,
    ResizeNearestNeighbor,
    Softmax,
    Split,
    StridedSlice,
    Sub,
    Tanh,
    Transpose,
    Unpack,
)


def convolutions(rng: Rng, number: int) -> Iterator[Case]:
    rows = window(rng, (1, 2, 3, 4), (1, 1, 2))
    columns = window(rng, (1, 1, 2, 3), (1, 1, 2))
    groups, inputs, outputs = (
        int(rng.choice((1, 1, 1, 2, 3))),
        int(rng.integers(1, 9)),
        int(rng.integers(1, 11)),
    )
    if number % 10 == 0:  # more depth than four patches fit into scratch
        groups, inputs = 1, 300
    x = tensor("x", (int(rng.choice((1, 1, 2))), rows[0], columns[0], inputs * groups), rng)
    shape = (outputs * groups, rows[2], columns[2], inputs)
    weights, bias, scale = weights_and_bias(rng, shape, 0, x)
    y = output_of(rng, (x.shape[0], rows[1], columns[1], outputs * groups), scale)
    padding = Padding(rows[5], rows[6], columns[5], columns[6])
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    operator = Conv2D((rows[3], columns[3]), (rows[4], columns[4]), padding, activation)
    operands = [x, weights] if rng.random() < 0.1 else [x, weights, bias]
    yield case(f"conv {number}", rng, operator, operands, [y])


def depthwise(rng: Rng, number: int) -> Iterator[Case]:
    square = number % 2 == 0  # the sliding kernel, and those that only just miss it
    kernels = (3,) if square else (1, 2, 3, 4, 7)
    rows = window(rng, kernels, (1,) if square else (1, 1, 2))
    columns = window(rng, kernels, (1,) if square else (1, 1, 2))
    multiplier = 1 if square else int(rng.choice((1, 2, 3)))
    channels = int(rng.integers(1, 8))
    x = tensor("x", (int(rng.choice((1, 1, 2))), rows[0], columns[0], channels), rng)
    shape = (1, rows[2], columns[2], channels * multiplier)
    weights, bias, scale = weights_and_bias(rng, shape, 3, x)
    y = output_of(rng, (x.shape[0], rows[1], columns[1], channels * multiplier), scale)
    padding = Padding(rows[5], rows[6], columns[5], columns[6])
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    operator = DepthwiseConv2D((rows[3], columns[3]), (rows[4], columns[4]), padding, activation)
    yield case(f"depthwise {number}", rng, operator, [x, weights, bias], [y])


def sliding(rng: Rng, number: int) -> Iterator[Case]:
    """3 x 3 depthwise with SAME and VALID padding on small and odd images, both strides."""
    stride = (int(rng.choice((1, 2))), int(rng.choice((1, 2))))
    same = number % 3 != 0
    size = [int(rng.integers(1 if same else 3, 9)) for _ in range(2)]
    channels = int(rng.integers(1, 6))
    pads, outputs = [], []
    for axis in range(2):
        output = -(-size[axis] // stride[axis]) if same else (size[axis] - 3) // stride[axis] + 1
        total = max((output - 1) * stride[axis] + 3 - size[axis], 0) if same else 0
        pads.append((total // 2, total - total // 2))
        outputs.append(output)
    x = tensor("x", (int(rng.choice((1, 2))), *size, channels), rng)
    weights, bias, scale = weights_and_bias(rng, (1, 3, 3, channels), 3, x)
    y = output_of(rng, (x.shape[0], *outputs, channels), scale)
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    operator = DepthwiseConv2D(stride, (1, 1), Padding(*pads[0], *pads[1]), activation)
    yield case(f"sliding {number}", rng, operator, [x, weights, bias], [y])


def fully_connected(rng: Rng, number: int) -> Iterator[Case]:
    rows, depth, outputs = int(rng.integers(1, 4)), int(rng.integers(1, 40)), int(rng.integers(1, 28))
    x = tensor("x", (rows, depth), rng)
    weights, bias, scale = weights_and_bias(rng, (outputs, depth), 0, x)
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    operands = [x, weights] if rng.random() < 0.2 else [x, weights, bias]
    y = output_of(rng, (rows, outputs), scale)
    yield case(f"fully connected {number}", rng, FullyConnected(activation), operands, [y])


def thresholds(rng: Rng, number: int) -> Iterator[Case]:
    """Large shifts and accumulators of up to 31 bits that lie just around where the output changes."""
    shift, fraction = 14 + number % 17, float(rng.choice((0.5, 0.75, 0.999)))
    depth, outputs = int(rng.integers(1, 5)), 8
    quantization = Quantization.per_tensor(2.0**-4, int(rng.choice((0, 3, -128, 127))))
    x = tensor("x", (1, depth), rng, quantization=quantization)
    steps = 2.0**shift / fraction  # accumulators per unit of the output
    largest = max(int(2**31 / steps), 1)
    changes = (rng.integers(-largest, largest, outputs) + 0.5) * steps
    bias = np.clip(changes + rng.integers(-9, 10, outputs), -(2**31), 2**31 - 1).astype(np.int32)
    weights = rng.integers(-1, 2, (outputs, depth)).astype(np.int8)
    constants = [
        tensor(
            "weights",
            weights.shape,
            rng,
            data=weights,
            quantization=Quantization.per_tensor(16 / steps, 0),
        ),
        tensor("bias", (outputs,), rng, DType.I32, data=bias, quantization=None),
    ]
    zero_point = int(rng.choice((0, 1, 2, 3, -1, -2, 5, -128, 127)))
    y = tensor("y", (1, outputs), rng, quantization=Quantization.per_tensor(1.0, zero_point))
    activation = ACTIVATIONS[number % 2]
    yield case(f"thresholds {number}", rng, FullyConnected(activation), [x, *constants], [y])


def pools(rng: Rng, number: int) -> Iterator[Case]:
    rows, columns = window(rng, (1, 2, 3, 5)), window(rng, (1, 2, 3))
    # A window that lies wholly in the padding has no mean; window never pads as much as its kernel.
    x = tensor("x", (int(rng.choice((1, 2))), rows[0], columns[0], int(rng.integers(1, 6))), rng)
    y = tensor("y", (x.shape[0], rows[1], columns[1], x.shape[3]), rng, quantization=x.quantization)
    padding = Padding(rows[5], rows[6], columns[5], columns[6])
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    for kind in (AveragePool2D, MaxPool2D):
        operator = kind((rows[2], columns[2]), (rows[3], columns[3]), padding, activation)
        yield case(f"{kind.__name__} {number}", rng, operator, [x], [y])


def means(rng: Rng, number: int) -> Iterator[Case]:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    axes = tuple(axis for axis in range(len(shape)) if rng.random() < 0.5) or (0,)
    kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    x, y = tensor("x", shape, rng), tensor("y", kept, rng)
    yield case(f"mean {number} {shape} {axes}", rng, Mean(axes, False), [x], [y])


def elementwise(rng: Rng, number: int) -> Iterator[Case]:
    shape = [int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5)))]
    one = [1 if rng.random() < 0.3 else size for size in shape]
    other = [
        1 if size != kept and rng.random() < 0.3 else kept for size, kept in zip(one, shape, strict=True)
    ]
    other = other[int(rng.integers(0, len(other))) :] if rng.random() < 0.3 else other
    output_shape = np.broadcast_shapes(tuple(one), tuple(other))
    for kind in (Add, Sub, Mul, Minimum, Maximum):
        a = tensor("a", one, rng)
        b = tensor("b", other, rng)
        y = tensor("y", output_shape, rng)
        if kind in (Minimum, Maximum):
            b = tensor("b", other, rng, quantization=a.quantization)
            y = tensor("y", output_shape, rng, quantization=a.quantization)
            operator = kind()
        else:
            operator = kind(ACTIVATIONS[rng.integers(len(ACTIVATIONS))])
        if rng.random() < 0.3:
            b = tensor("b", other, rng, data=values(rng, b), quantization=b.quantization)
        yield case(f"{kind.__name__} {number}", rng, operator, [a, b], [y])


def activations(rng: Rng, number: int) -> Iterator[Case]:
    shape = [int(size) for size in rng.integers(1, 7, int(rng.integers(1, 4)))]
    alpha = float(rng.uniform(-0.5, 1.5))
    fixed = {Logistic: (1 / 256, -128), Tanh: (1 / 128, 0)}
    for operator in (Logistic(), Tanh(), Relu(), Relu6(), LeakyRelu(alpha)):
        x, y = tensor("x", shape, rng), tensor("y", shape, rng)
        if type(operator) in fixed:
            y = tensor("y", shape, rng, quantization=Quantization.per_tensor(*fixed[type(operator)]))
        elif isinstance(operator, Relu6):
            y = tensor("y", shape, rng, quantization=x.quantization)
        yield case(f"{operator.type_name} {number}", rng, operator, [x], [y])
    depth = int(rng.choice((1, 2, 3, 10, 300)))
    x = tensor("x", (*shape[:1], depth), rng)
    y = tensor("y", (*shape[:1], depth), rng, quantization=Quantization.per_tensor(1 / 256, -128))
    yield case(f"softmax {number}", rng, Softmax(float(rng.choice((1.0, 0.5, 3.0)))), [x], [y])


def moves(rng: Rng, number: int) -> Iterator[Case]:
    dtype = DTYPES[number % len(DTYPES)]
    rank = int(rng.integers(1, 5))
    x = tensor("x", rng.integers(1, 6, rank), rng, dtype)
    more = {} if x.quantization is None else {"quantization": x.quantization}

    def like(name: str, shape: Sequence[int]) -> Tensor:
        return tensor(name, shape, rng, dtype, **more)

    permutation = tuple(int(axis) for axis in rng.permutation(rank))
    y = like("y", [x.shape[axis] for axis in permutation])
    yield case(f"transpose {number}", rng, Transpose(permutation), [x], [y])

    begin, step, size = [], [], []
    for extent in x.shape:
        stride = int(rng.choice((1, 1, 2, -1, -2)))
        first = int(rng.integers(0, extent))
        room = (extent - 1 - first) // stride if stride > 0 else first // -stride
        begin.append(first)
        step.append(stride)
        size.append(int(rng.integers(1, room + 2)))
    yield case(f"slice {number}", rng, StridedSlice(tuple(begin), tuple(step)), [x], [like("y", size)])

    paddings = tuple((int(rng.integers(0, 3)), int(rng.integers(0, 3))) for _ in range(rank))
    padded = [extent + sum(pad) for extent, pad in zip(x.shape, paddings, strict=True)]
    value = None if rng.random() < 0.5 else -3
    yield case(f"pad {number}", rng, Pad(paddings, value), [x], [like("y", padded)])
    yield case(f"reshape {number}", rng, Reshape(), [x], [like("y", (x.elements,))])

    axis, parts = int(rng.integers(0, rank)), int(rng.integers(1, 5))
    shapes = [[*x.shape[:axis], int(rng.integers(1, 4)), *x.shape[axis + 1 :]] for _ in range(parts)]
    whole = like("whole", [*x.shape[:axis], sum(shape[axis] for shape in shapes), *x.shape[axis + 1 :]])
    pieces = [like(f"part{i}", shape) for i, shape in enumerate(shapes)]
    yield case(f"concatenation {number}", rng, Concatenation(axis), pieces, [whole])
    yield case(f"split {number}", rng, Split(axis), [whole], pieces)
    equal = [like(f"part{i}", x.shape) for i in range(parts)]
    stacked = like("whole", [*x.shape[:axis], parts, *x.shape[axis:]])
    yield case(f"pack {number}", rng, Pack(axis), equal, [stacked])
    yield case(f"unpack {number}", rng, Unpack(axis), [stacked], equal)


def quantizations(rng: Rng, number: int) -> Iterator[Case]:
    shape = [int(size) for size in rng.integers(1, 20, 2)]
    integers = DTYPES[:3]
    source, target = integers[number % 3], integers[number // 3 % 3]
    yield case(
        f"rescale {number}",
        rng,
        Quantize(),
        [tensor("x", shape, rng, source)],
        [tensor("y", shape, rng, target)],
    )
    x = tensor("x", shape, rng, DType.F32)
    quantized = case(
        f"quantize {number}", rng, Quantize(), [x], [tensor("y", shape, rng, integers[number % 2])]
    )
    quantized.inputs[0].reshape(-1)[:1] = rng.choice([np.inf, -np.inf, np.nan, 1e30, -1e-30])
    yield quantized
    y = tensor("y", shape, rng, DType.F32)
    yield case(f"dequantize {number}", rng, Dequantize(), [tensor("x", shape, rng, source)], [y])


def resizes(rng: Rng, number: int) -> Iterator[Case]:
    dtype = DTYPES[number % len(DTYPES)]
    batches, height, width, channels = (int(size) for size in rng.integers(1, 6, 4))
    x = tensor("x", (batches, height, width, channels), rng, dtype)
    y = tensor("y", (batches, *rng.integers(1, 9, 2), channels), rng, dtype)
    corners = bool(rng.random() < 0.5)
    operator = ResizeNearestNeighbor(corners, not corners and bool(rng.random() < 0.5))
    yield case(f"resize {number}", rng, operator, [x], [y])


Maker = Callable[[Rng, int], Iterator[Case]]
# How often each maker runs; together some 700 cases.
FAMILIES: dict[str, tuple[tuple[Maker, int], ...]] = {
    "conv": ((convolutions, 120), (depthwise, 60), (sliding, 80)),
    "matmul": ((fully_connected, 60), (thresholds, 68)),
    "pool": ((pools, 30),),
    "reduce": ((means, 40), (reductions, 20)),
    "elementwise": ((elementwise, 24), (quotients, 16)),
    "activation": ((activations, 12), (functions, 28), (powers, 6)),
    "logic": ((conditions, 16),),
    "norm": ((norms, 16),),
    "shape": ((moves, 16), (rearrangements, 8)),
    "quantize": ((quantizations, 18),),
    "resize": ((resizes, 24), (bilinear, 12)),
    "int16": ((int16_layers, 10), (int16_values, 6)),
    "recurrent": ((recurrent, 10),),
    "products": ((batch_matmuls, 16), (transpose_convolutions, 20)),
}


def cases_of(family: str) -> list[Case]:
    """The family's cases; each comes from a seed of its own, so that it does not depend on the others."""
    return [
        made
        for maker, count in FAMILIES[family]
        for number in range(count)
        for made in maker(np.random.default_rng([number, *maker.__name__.encode()]), number)
    ]
