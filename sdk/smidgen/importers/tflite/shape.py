"""Operators that move elements.

RESHAPE, SQUEEZE, EXPAND_DIMS, TRANSPOSE, CONCATENATION, PAD, PADV2, PACK, UNPACK, SPLIT, SPLIT_V; SLICE and
STRIDED_SLICE are in `slices`. SHAPE, and PACK and STRIDED_SLICE of shapes, become constants.
"""

from __future__ import annotations

import math

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Activation,
    Concatenation,
    Pack,
    Pad,
    Reshape,
    Split,
    Transpose,
    Unpack,
)
from smidgen.importers.tflite.call import Call, importer


@importer("SHAPE", folds=True)
def shape_of(call: Call) -> None:
    """A constant, because shapes are static: converters leave this behind for a batch of unknown size."""
    call.expect(inputs=1)
    call.fold(np.array(call.input(0).shape, np.int32))


@importer("RESHAPE", "ReshapeOptions")
def reshape(call: Call) -> None:
    call.expect(inputs=(1, 2))
    x, y = _operands(call)
    if call.optional_input(1) is not None:
        wanted = tuple(int(size) for size in call.parameter(1, "new shape"))
    else:
        options = call.file.options
        listed = (
            options.integers("NewShape") if options is not None and options.kind == "ReshapeOptions" else None
        )
        if listed is None:
            call.fail("neither an input nor its options give the new shape")
        wanted = listed
    call.expect_shape(y, _resolve(call, x, wanted))
    call.emit(Reshape(), [x], [y])


def _resolve(call: Call, x: Tensor, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The new shape with its one unknown size, -1, filled in."""
    known = math.prod(size for size in wanted if size != -1)
    if any(size < 1 and size != -1 for size in wanted) or wanted.count(-1) > 1:
        call.fail(f"the new shape {list(wanted)} is not a shape")
    if known == 0 or x.elements % known or (-1 not in wanted and known != x.elements):
        call.fail(f"{x.elements} elements cannot take the new shape {list(wanted)}")
    return tuple(x.elements // known if size == -1 else size for size in wanted)


@importer("SQUEEZE", "SqueezeOptions")
def squeeze(call: Call) -> None:
    call.expect(inputs=1)
    x, y = _operands(call)
    options = call.file.options
    listed = (
        options.integers("SqueezeDims") if options is not None and options.kind == "SqueezeOptions" else None
    )
    rank = len(x.shape)
    if listed:
        axes = {call.axis(axis, rank) for axis in listed}
    else:
        axes = {axis for axis in range(rank) if x.shape[axis] == 1}
    if any(x.shape[axis] != 1 for axis in axes):
        call.fail(f"cannot drop dimensions {sorted(axes)} of shape {list(x.shape)}: their size is not 1")
    call.expect_shape(y, tuple(size for axis, size in enumerate(x.shape) if axis not in axes))
    call.emit(Reshape(), [x], [y])


@importer("EXPAND_DIMS")
def expand_dims(call: Call) -> None:
    call.expect(inputs=2)
    x, y = _operands(call)
    axis = _scalar_axis(call, 1, len(x.shape) + 1)
    call.expect_shape(y, (*x.shape[:axis], 1, *x.shape[axis:]))
    call.emit(Reshape(), [x], [y])


@importer("TRANSPOSE")
def transpose(call: Call) -> None:
    call.expect(inputs=2)
    x, y = _operands(call)
    rank = len(x.shape)
    permutation = tuple(call.axis(int(axis), rank) for axis in call.parameter(1, "permutation"))
    if sorted(permutation) != list(range(rank)):
        call.fail(f"permutation {list(permutation)} does not name each of {rank} dimensions once")
    call.expect_shape(y, tuple(x.shape[axis] for axis in permutation))
    call.emit(Transpose(permutation), [x], [y])


@importer("CONCATENATION", "ConcatenationOptions")
def concatenation(call: Call) -> None:
    call.expect(inputs=(1, 1 << 16))
    tensors, y = [call.input(index) for index in range(len(call.inputs))], call.outputs[0]
    call.expect_types(*tensors, y, wide=True)
    call.expect_same_quantization(y, *tensors)
    if call.activation(y) is not Activation.NONE:
        call.fail("a fused activation is not supported here", "keep the activation as an operator of its own")
    axis = call.axis(int(call.option("Axis")), len(y.shape))
    rest = _without(y.shape, axis)
    for tensor in tensors:
        if len(tensor.shape) != len(y.shape) or _without(tensor.shape, axis) != rest:
            call.fail(
                f"input shape {list(tensor.shape)} does not fit output shape {list(y.shape)} on axis {axis}"
            )
    total = sum(tensor.shape[axis] for tensor in tensors)
    call.expect_shape(y, (*y.shape[:axis], total, *y.shape[axis + 1 :]))
    call.emit(Concatenation(axis), list(tensors), [y])


@importer("PAD")
def pad(call: Call) -> None:
    call.expect(inputs=2)
    _pad(call, value=None)


@importer("PADV2")
def padv2(call: Call) -> None:
    call.expect(inputs=3)
    x, constant = call.input(0), call.input(2, "pad value")
    call.expect_types(x, constant, wide=True)
    call.expect_same_quantization(x, constant)
    if constant.data is None or constant.elements != 1:
        call.fail("its pad value is not one constant")
    _pad(call, value=constant.data.reshape(-1)[0].item())


def _pad(call: Call, value: float | None) -> None:
    x, y = _operands(call)
    rank = len(x.shape)
    table = call.parameter(1, "paddings")
    if call.input(1).shape != (rank, 2):
        call.fail(f"its paddings have shape {list(call.input(1).shape)} instead of [{rank}, 2]")
    if (table < 0).any():
        call.fail("a padding is negative")
    paddings = tuple((int(before), int(after)) for before, after in table.reshape(rank, 2))
    call.expect_shape(y, tuple(size + sum(pair) for size, pair in zip(x.shape, paddings, strict=True)))
    call.emit(Pad(paddings, value), [x], [y])


@importer("PACK", "PackOptions")
def pack(call: Call) -> None:
    call.expect(inputs=(1, 1 << 16))
    tensors, y = [call.input(index) for index in range(len(call.inputs))], call.outputs[0]
    shape = tensors[0].shape
    if any(tensor.shape != shape for tensor in tensors):
        call.fail("its inputs have different shapes")
    if call.option("ValuesCount") != len(tensors):
        call.fail(f"has {len(tensors)} inputs, but its options say {call.option('ValuesCount')}")
    axis = call.axis(int(call.option("Axis")), len(shape) + 1)
    if y.dtype is DType.I32 and not shape:
        call.fold(np.concatenate([call.parameter(index, "size") for index in range(len(tensors))]))
        return
    call.expect_types(*tensors, y, wide=True)
    call.expect_same_quantization(y, *tensors)
    call.expect_shape(y, (*shape[:axis], len(tensors), *shape[axis:]))
    call.emit(Pack(axis), list(tensors), [y])


@importer("UNPACK", "UnpackOptions")
def unpack(call: Call) -> None:
    count = int(call.option("Num"))
    call.expect(inputs=1, outputs=count)
    x = call.input(0)
    call.expect_types(x, *call.outputs, wide=True)
    call.expect_same_quantization(x, *call.outputs)
    axis = call.axis(int(call.option("Axis")), len(x.shape))
    if x.shape[axis] != count:
        call.fail(f"has {count} outputs for {x.shape[axis]} slices of axis {axis}")
    for output in call.outputs:
        call.expect_shape(output, _without(x.shape, axis))
    call.emit(Unpack(axis), [x], call.outputs)


@importer("SPLIT", "SplitOptions")
def split(call: Call) -> None:
    call.expect(inputs=2, outputs=len(call.outputs))
    x = call.input(1)
    axis = _scalar_axis(call, 0, len(x.shape))
    count = int(call.option("NumSplits"))
    if count != len(call.outputs) or count < 1 or x.shape[axis] % count:
        call.fail(
            f"cannot cut axis {axis} of {list(x.shape)} into {count} equal parts for "
            f"{len(call.outputs)} outputs"
        )
    _split(call, x, axis, [x.shape[axis] // count] * count)


@importer("SPLIT_V", "SplitVOptions")
def split_v(call: Call) -> None:
    call.expect(inputs=3, outputs=len(call.outputs))
    x = call.input(0)
    sizes = [int(size) for size in call.parameter(1, "sizes")]
    axis = _scalar_axis(call, 2, len(x.shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = x.shape[axis] - sum(sizes) - 1
    if len(sizes) != len(call.outputs) or any(size < 1 for size in sizes) or sum(sizes) != x.shape[axis]:
        call.fail(f"cannot cut axis {axis} of {list(x.shape)} into {sizes} for {len(call.outputs)} outputs")
    _split(call, x, axis, sizes)


def _split(call: Call, x: Tensor, axis: int, sizes: list[int]) -> None:
    call.expect_types(x, *call.outputs, wide=True)
    call.expect_same_quantization(x, *call.outputs)
    for output, size in zip(call.outputs, sizes, strict=True):
        call.expect_shape(output, (*x.shape[:axis], size, *x.shape[axis + 1 :]))
    call.emit(Split(axis), [x], call.outputs)


def _operands(call: Call) -> tuple[Tensor, Tensor]:
    """Input 0 and the only output, of one type and quantization."""
    call.expect(inputs=len(call.inputs))
    x, y = call.input(0), call.outputs[0]
    call.expect_types(x, y, wide=True)
    call.expect_same_quantization(x, y)
    return x, y


def _scalar_axis(call: Call, index: int, rank: int) -> int:
    values: np.ndarray = call.parameter(index, "axis")
    if values.size != 1:
        call.fail(f"its axis holds {values.size} numbers instead of 1")
    return call.axis(int(values[0]), rank)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]
