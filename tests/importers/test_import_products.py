"""Wrong matrix products, transposed convolutions and rearrangements are refused with what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from operator_model import OperatorModel

from smidgen.errors import ModelError
from smidgen.graph import DType
from smidgen.graph.operators import Gather
from smidgen.importers import tflite

Maker = Callable[[OperatorModel], None]
WRONG: dict[str, tuple[str, Maker]] = {}


def wrong(words: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        WRONG[maker.__name__] = (words, maker)
        return maker

    return register


@wrong("5 columns and 4 rows cannot be multiplied")
def matrices_that_do_not_fit(m: OperatorModel) -> None:
    m.builder.operator("BATCH_MATMUL", [m.x(3, 5), m.x(4, 2)], [m.y(3, 2)])


@wrong("do not broadcast")
def batches_that_do_not_broadcast(m: OperatorModel) -> None:
    m.builder.operator("BATCH_MATMUL", [m.x(2, 3, 5), m.x(3, 5, 2)], [m.y(2, 3, 2)])


@wrong("overflows 32 bits")
def sums_that_overflow(m: OperatorModel) -> None:
    a, b = m.x(1, 40000), m.x(40000, 1)
    m.builder.operator("BATCH_MATMUL", [a, b], [m.y(1, 1)])


def transpose_conv(m: OperatorModel, shape: tuple[int, ...], padding: str, inputs: int = 3) -> None:
    operands = [m.integers(*shape), m.weights(4, 3, 3, inputs, axis=0), m.x(1, 4, 4, 3), m.bias(4)]
    options = {"padding": padding, "stride_h": 2, "stride_w": 2}
    m.builder.operator("TRANSPOSE_CONV", operands, [m.y(*shape)], **options)


@wrong("has 5 positions of a window of 3 with stride 2, but the input has 4")
def an_output_larger_than_the_input_reaches(m: OperatorModel) -> None:
    transpose_conv(m, (1, 11, 8, 4), "VALID")


@wrong("output shape .* does not fit 1 images of 4 channels")
def an_output_with_other_channels(m: OperatorModel) -> None:
    transpose_conv(m, (1, 8, 8, 5), "SAME")


@wrong("do not fit 3 input channels")
def weights_for_other_channels(m: OperatorModel) -> None:
    transpose_conv(m, (1, 8, 8, 4), "SAME", inputs=2)


@wrong("index 5 is outside an axis of size 5")
def an_index_outside(m: OperatorModel) -> None:
    m.builder.operator("GATHER", [m.x(5, 2), m.integers(0, 5)], [m.same(2, 2)], axis=0)


@wrong("batch dimensions are not supported")
def batch_dimensions(m: OperatorModel) -> None:
    inputs = [m.x(2, 5), m.integers([0, 1], [1, 0])]
    m.builder.operator("GATHER", inputs, [m.same(2, 2)], axis=1, batch_dims=1)


@wrong("quantized differently")
def a_gather_that_would_rescale(m: OperatorModel) -> None:
    m.builder.operator("GATHER", [m.x(5, 2), m.integers(0)], [m.y(1, 2)], axis=0)


@wrong("its indices have type f32 instead of i32")
def fractions_as_indices_of_a_constant(m: OperatorModel) -> None:
    indices = m.builder.constant(np.array([0.5], np.float32))
    m.builder.operator("TILE", [m.x(2), m.integers(1)], [m.same(2)])
    m.builder.operator("GATHER", [m.integers(5, 6), indices], [m.same(1)], axis=0)


@wrong("cannot be split into blocks of 2 x 2")
def channels_that_are_no_blocks(m: OperatorModel) -> None:
    m.builder.operator("DEPTH_TO_SPACE", [m.x(1, 2, 2, 6)], [m.same(1, 4, 4, 1)], block_size=2)


@wrong("3 x 4 cannot be cut into blocks")
def an_image_that_is_no_blocks(m: OperatorModel) -> None:
    m.builder.operator("SPACE_TO_DEPTH", [m.x(1, 3, 4, 1)], [m.same(1, 1, 2, 4)], block_size=2)


@wrong(r"block size 0 is outside 1\.\.")
def no_block_size(m: OperatorModel) -> None:
    m.builder.operator("SPACE_TO_DEPTH", [m.x(1, 3, 4, 1)], [m.same(1, 3, 4, 1)], block_size=0)


@wrong("multiples .* do not fit")
def too_few_multiples(m: OperatorModel) -> None:
    m.builder.operator("TILE", [m.x(2, 3), m.integers(2)], [m.same(4, 3)])


@wrong("does not broadcast to")
def a_shape_that_does_not_broadcast(m: OperatorModel) -> None:
    m.builder.operator("BROADCAST_TO", [m.x(2, 3), m.integers(4, 3)], [m.same(4, 3)])


@wrong("more than shape .* can mirror")
def a_mirror_beyond_the_image(m: OperatorModel) -> None:
    m.builder.operator("MIRROR_PAD", [m.x(2, 3), m.integers([0, 0], [3, 0])], [m.same(2, 6)], mode=0)


@pytest.mark.parametrize("name", WRONG)
def test_refusals_say_what_is_wrong(name: str) -> None:
    words, maker = WRONG[name]
    model = OperatorModel("int8")
    maker(model)
    with pytest.raises(ModelError, match=words):
        tflite.load(model.builder.build(), Path("model.tflite"))


def test_token_numbers_may_be_an_input() -> None:
    model = OperatorModel("int8")
    table = model.constant(np.arange(12).reshape(6, 2))
    tokens = model.builder.input((3,), "int32")
    model.builder.operator("GATHER", [table, tokens], [model.same(3, 2)], axis=0)
    graph = tflite.load(model.builder.build(), Path("model.tflite"))
    assert [node.operator for node in graph.nodes] == [Gather(0)]
    assert graph.tensors[graph.inputs[0]].dtype is DType.I32
