"""Running whole graphs: order, states, kept tensors, narrow weights and refused inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from oracle import one_operator, random_inputs, tensor
from shapes import Random
from test_reference_conv import conv_case

from smidgen.errors import ModelError, UsageError
from smidgen.graph import DType, Graph, Node, State, Tensor, operators, reference
from smidgen.graph.operators import Add, Operator, Relu, Softmax


def accumulator() -> Graph:
    """sum = x + total; total becomes sum; output = relu(sum)."""
    tensors = {name: Tensor(name, (2,), DType.F32) for name in ("x", "total", "sum", "y")}
    nodes = (Node("add", Add(), ("x", "total"), ("sum",)), Node("relu", Relu(), ("sum",), ("y",)))
    state = State("total", "sum", np.array([1, -5], np.float32))
    return Graph("accumulator", tensors, nodes, ("x",), ("y",), (state,))


def test_states_are_carried_from_run_to_run():
    graph, x = accumulator(), np.array([2, 2], np.float32)
    first = reference.run(graph, [x])
    second = reference.run(graph, [x], first.states)
    assert first.outputs[0].tolist() == [3, 0]
    assert second.outputs[0].tolist() == [5, 0]
    assert second.states["total"].tolist() == [5, -1]
    assert reference.run(graph, [x]).outputs[0].tolist() == [3, 0]


def test_all_tensors_are_kept_only_when_asked_for():
    graph, x = accumulator(), np.array([2, 2], np.float32)
    assert set(reference.run(graph, [x], keep="all").tensors) == {"x", "total", "sum", "y"}
    assert reference.run(graph, [x]).tensors == {}


def test_constants_are_not_kept():
    graph = conv_case(Random(1))
    inputs = random_inputs(graph, np.random.default_rng(0))
    assert set(reference.run(graph, inputs, keep="all").tensors) == {"in0", "out0"}


def test_every_operator_has_a_meaning():
    named = {value for value in vars(operators).values() if isinstance(value, type)}
    concrete = {value for value in named if issubclass(value, Operator) and value.type_name}
    assert concrete == set(reference.FAMILIES)


@pytest.mark.parametrize("dtype", [DType.I4, DType.I2])
def test_narrow_weights_mean_what_the_same_int8_weights_mean(dtype):
    graph = conv_case(Random(5))
    limit = 1 << (dtype.bits - 1)
    weights = graph.tensors["in1"]
    small = np.clip(weights.data, -limit, limit - 1)
    inputs = random_inputs(graph, np.random.default_rng(0))
    outputs = [
        reference.run(
            replace(graph, tensors={**graph.tensors, "in1": replace(weights, dtype=d, data=small)}), inputs
        ).outputs[0]
        for d in (DType.I8, dtype)
    ]
    np.testing.assert_array_equal(*outputs)


def test_inputs_of_another_shape_or_type_are_refused_together():
    x = tensor((2, 3), DType.I8, 0.1)
    graph = one_operator(Add(), [x, x], [x])
    with pytest.raises(UsageError) as caught:
        reference.run(graph, [np.zeros((3, 2), np.int8), np.zeros((2, 3), np.float32)])
    assert [problem.where for problem in caught.value.problems] == ["input 'in0'", "input 'in1'"]


def test_a_wrong_number_of_inputs_is_refused():
    x = tensor((2, 3), DType.I8, 0.1)
    with pytest.raises(UsageError, match="1 inputs given, the model has 2"):
        reference.run(one_operator(Add(), [x, x], [x]), [np.zeros((2, 3), np.int8)])


def test_types_without_a_meaning_are_refused_by_name():
    graph = one_operator(Softmax(), [tensor((1, 4), DType.I32, 0.1)], [tensor((1, 4), DType.I32, 1 / 32768)])
    with pytest.raises(ModelError, match=r"SOFTMAX 'node': there is no reference for its types \(i32, i32\)"):
        reference.run(graph, [np.zeros((1, 4), np.int32)])
