"""Wrong functions, conditions and reductions are refused with what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from operator_model import OperatorModel

from smidgen.errors import ModelError
from smidgen.importers import tflite

Maker = Callable[[OperatorModel], None]
WRONG: dict[str, tuple[str, Maker]] = {}


def wrong(words: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        WRONG[maker.__name__] = (words, maker)
        return maker

    return register


@wrong("does not rescale")
def a_negation_that_would_have_to_rescale(m: OperatorModel) -> None:
    m.builder.operator("NEG", [m.x(2, 3)], [m.y(2, 3)])


@wrong("output shape is")
def a_function_to_another_shape(m: OperatorModel) -> None:
    m.builder.operator("EXP", [m.x(2, 3)], [m.y(2, 4)])


@wrong("overflows 32 bits")
def a_magnitude_that_overflows(m: OperatorModel) -> None:
    m.builder.operator("ABS", [m.x(2, 3, scale=1e9)], [m.y(2, 3, scale=1e-9)])


@wrong("scale .* is too small")
def a_hard_swish_that_grows_too_much(m: OperatorModel) -> None:
    m.builder.operator("HARD_SWISH", [m.x(2, 3, scale=1.0)], [m.y(2, 3, scale=1e-4)])


@wrong("do not broadcast")
def slopes_that_do_not_fit(m: OperatorModel) -> None:
    m.builder.operator("PRELU", [m.x(2, 3), m.constant(np.ones(2))], [m.y(2, 3)])


@wrong("overflows 32 bits")
def a_square_that_overflows(m: OperatorModel) -> None:
    m.builder.operator("SQUARED_DIFFERENCE", [m.x(2, 3), m.x(2, 3)], [m.y(2, 3, scale=1e-9)])


@wrong("neither its base nor its exponent is one constant")
def a_power_of_two_variables(m: OperatorModel) -> None:
    m.builder.operator("POW", [m.x(2, 3), m.x(2, 3)], [m.y(2, 3)])


@wrong("quantized differently")
def a_maximum_that_would_have_to_rescale(m: OperatorModel) -> None:
    m.builder.operator("REDUCE_MAX", [m.x(2, 3), m.integers(1)], [m.y(2)])


@wrong("its axis holds 2 numbers instead of 1")
def an_index_over_two_axes(m: OperatorModel) -> None:
    y = m.builder.tensor((2,), "int32")
    m.builder.output(y)
    m.builder.operator("ARG_MAX", [m.x(2, 3), m.integers(0, 1)], [y], output_type=2)


@wrong("overflows 32 bits")
def a_comparison_that_overflows(m: OperatorModel) -> None:
    y = m.builder.tensor((2, 3), "bool")
    m.builder.operator("LESS", [m.x(2, 3), m.x(2, 3, scale=1e6)], [y])
    m.builder.operator("CAST", [y], [m.y(2, 3)])


@wrong("has type i8 instead of bool")
def a_condition_of_numbers(m: OperatorModel) -> None:
    m.builder.operator("SELECT_V2", [m.x(2, 3), m.x(2, 3), m.x(2, 3)], [m.same(2, 3)])


@wrong("writes SELECT_V2")
def a_first_select_that_broadcasts(m: OperatorModel) -> None:
    condition = m.builder.constant(np.array([True, False]))
    m.builder.operator("SELECT", [condition, m.x(2, 3), m.x(2, 3)], [m.same(2, 3)])


@pytest.mark.parametrize("name", WRONG)
def test_is_refused(name: str) -> None:
    words, maker = WRONG[name]
    model = OperatorModel("int8")
    maker(model)
    with pytest.raises(ModelError, match=words):
        tflite.load(model.builder.build(), Path("model.tflite"))


def test_bytes_of_a_boolean_constant_other_than_0_count_as_true() -> None:
    model = OperatorModel("float32")
    condition = model.builder.constant(np.array([[True, False, True]]))
    x = model.x(1, 3)
    model.builder.operator("SELECT_V2", [condition, x, x], [model.same(1, 3)])
    model.builder.model.buffers[model.builder.graph.tensors[condition].buffer].data = np.array(
        [255, 0, 2], np.uint8
    )
    graph = tflite.load(model.builder.build(), Path("model.tflite"))
    stored = graph.tensor(graph.nodes[0].inputs[0]).data
    assert stored is not None
    np.testing.assert_array_equal(stored.view(np.uint8), [[1, 0, 1]])
