"""The declarations: every operator has a kernel, blobs stay small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernel_cases import FAMILIES, cases_of
from kernel_harness import lowered

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels import COMPILE_FLAGS, kernels_for
from smidgen.compile.kernels.blocks import interleave
from smidgen.compile.kernels.channels import prepare
from smidgen.compile.lower import lower
from smidgen.compile.plan import plan
from smidgen.compile.select import Selector
from smidgen.errors import ModelError
from smidgen.graph import DType, operators
from smidgen.graph.fixed_point import requantize
from smidgen.graph.reference.conv import ConvParameters
from smidgen.importers import load_model

MODELS = ("kws", "vww", "ic", "ad", "sww")


def test_every_operator_has_a_kernel() -> None:
    declared = {operator for spec in kernels_for(["portable"]) for operator in spec.operators}
    known = {
        getattr(operators, name)
        for name in operators.__all__
        if isinstance(getattr(operators, name), type)
        and issubclass(getattr(operators, name), operators.Operator)
        and getattr(operators, name) is not operators.Operator
    }
    assert declared == known


def test_names_of_kernels_are_unique() -> None:
    names = [spec.name for spec in kernels_for(["portable"])]
    assert len(names) == len(set(names))


def test_interleaving_keeps_every_weight() -> None:
    weights = np.arange(7 * 3, dtype=np.int8).reshape(7, 3)
    packed = interleave(weights)
    assert packed.size == weights.size
    for channel in range(4):
        assert np.array_equal(packed[channel:12:4], weights[channel])
    assert np.array_equal(packed[12:].reshape(3, 3), weights[4:])


def test_stuck_channels_give_their_value_and_keep_the_others() -> None:
    """A bias so large that the output is clamped whatever the input, and a shift that leaves nothing."""
    weights = np.array([[1, -1], [3, 4], [0, 0], [5, 5]], np.int8)
    bias = np.array([2**30, 7, -(2**30), 11])
    multiplier, shift = np.full(4, 2**30 + 12345), np.array([-8, -3, -8, -31])
    p = ConvParameters(-5, 3, multiplier, shift, -100, 90)
    channels = prepare(weights, bias, p, "speed")
    assert channels.variant == "right"
    assert np.array_equal(channels.weights, [[0, 0], [3, 4], [0, 0], [0, 0]])
    sums = weights.astype(np.int64) @ [100, -100] + bias
    after = channels.weights.astype(np.int64) @ [100, -100] + channels.bias
    given = (channels.multiplier.astype(np.int64) // 2, -channels.shift.astype(np.int64))
    assert np.array_equal(
        requantize(sums, multiplier, shift, 3, p.clamp), requantize(after, *given, 3, p.clamp)
    )


@pytest.mark.parametrize("family", ["conv", "matmul"])
def test_weights_are_neither_widened_nor_copied(family: str) -> None:
    """At most the weights' own bytes and 9 more per output channel: bias, multiplier, shift."""
    for case in cases_of(family):
        weights, outputs = case.graph.tensor("weights"), case.graph.tensor("y").shape[-1]
        for optimize in COMPILE_FLAGS:
            _, call = lowered(case, optimize)
            assert sum(blob.bytes for blob in call.blobs) <= weights.elements + 9 * outputs, case.name


@pytest.mark.parametrize("model", MODELS)
def test_models_stay_within_their_bytes(model: str, shared_data: Path) -> None:
    graph, _ = lower(load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite"))
    weights = outputs = 0
    for node in graph.nodes:
        if isinstance(node.operator, operators.Conv2D | operators.DepthwiseConv2D | operators.FullyConnected):
            weights += graph.tensor(node.inputs[1]).elements
            outputs += graph.tensor(node.outputs[0]).shape[-1]
    schedule = plan(assemble(graph, Selector(kernels_for(["portable"]))))
    stored = sum(blob.bytes for blob in schedule.blobs.values() if blob.what != "table")
    assert stored <= 1.05 * weights + 9 * outputs
    assert schedule.arena_bytes <= schedule.arena_lower_bound_bytes + 1024


def test_types_without_a_kernel_are_refused_with_the_reason() -> None:
    case = cases_of("conv")[0]
    float_x = replace(case.graph.tensor("x"), dtype=DType.F32)
    graph = replace(case.graph, tensors={**case.graph.tensors, "x": float_x})
    with pytest.raises(ModelError, match="'x' is f32"):
        Selector(kernels_for(["portable"])).select(graph)


def test_a_target_without_kernels_says_so() -> None:
    case = cases_of("matmul")[0]
    with pytest.raises(ModelError, match="no kernel of this target computes this operator"):
        Selector(kernels_for([])).select(case.graph)


def test_cases_reach_every_kernel_and_variant() -> None:
    """The cases of test_kernels.py call every C function that any declaration can ask for."""
    called = {
        lowered(case, mode)[1].symbol for f in FAMILIES for case in cases_of(f) for mode in COMPILE_FLAGS
    }
    variants = ("clamped", "right", "wide")
    expected = {f"smidgen_conv_{variant}" for variant in variants}
    expected |= {f"smidgen_depthwise_3x3_stride_{s}_{variant}" for s in (1, 2) for variant in variants}
    expected |= {f"smidgen_{kind}_{variant}" for kind in ("add", "sub") for variant in ("right", "wide")}
    expected |= {"smidgen_depthwise", "smidgen_fully_connected_right", "smidgen_fully_connected_wide"}
    assert expected <= called


def test_a_rounding_term_beyond_31_bits_needs_the_wide_kernel() -> None:
    """(2 * 2 + 1) << 29 does not fit, though accumulator and zero point do."""
    multiplier, shift = np.array([2**31 - 1]), np.array([-29])
    p = ConvParameters(0, 2, multiplier, shift, -128, 127)
    channels = prepare(np.array([[1]], np.int8), np.array([2**28]), p, "speed")
    assert channels.weights[0, 0] == 1  # not stuck: some inputs give 2, others 3
    assert channels.variant == "wide"
