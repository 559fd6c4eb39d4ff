"""The generated C on this machine equals the reference, byte for byte and layer by layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compile_graphs import (
    assert_host_equals_reference,
    build_for_host,
    constant,
    graph,
    random_inputs,
    tensor,
)

from smidgen.compile.bundle import load_bundle
from smidgen.device.host import HostDevice
from smidgen.errors import DeviceError, UsageError
from smidgen.golden import checksum
from smidgen.graph import DType, Graph, Node, State
from smidgen.graph.operators import Add, Concatenation, Dequantize, Mul, Quantize, Relu, Reshape, Split
from smidgen.graph.reference import run
from smidgen.importers import load_model
from tflite_builder import ModelBuilder

SEED = 5


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad", "sww"])
def test_real_models(model: str, optimize: str, shared_data: Path, tmp_path: Path) -> None:
    loaded = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    assert_host_equals_reference(loaded, tmp_path, random_inputs(loaded, SEED), optimize)


def test_several_inputs_and_outputs_from_a_file(tmp_path: Path) -> None:
    builder = ModelBuilder("several")
    x0 = builder.input((1, 4, 6), scale=0.5, zero_point=3)
    x1 = builder.input((1, 4, 6), scale=0.25, zero_point=-7)
    total = builder.tensor((1, 4, 6), scale=0.7, zero_point=1)
    parts = [builder.tensor((1, 4, 3), scale=0.7, zero_point=1) for _ in range(2)]
    axis = builder.constant(np.array(2, np.int32))
    builder.operator("ADD", [x0, x1], [total])
    builder.operator("SPLIT", [axis, total], parts, num_splits=2)
    builder.output(parts[1], total, parts[0])
    model = load_model(builder.save(tmp_path / "several.tflite"))
    assert_host_equals_reference(model, tmp_path / "bundle", random_inputs(model, SEED))


def accumulator(zero_point: int = -4) -> Graph:
    """y = s + x, and s becomes y."""
    tensors = [tensor(name, (1, 5), 0.5, zero_point) for name in ("x", "s", "y")]
    states = [State("s", "y", np.full((1, 5), 17, np.int8))]
    return graph(tensors, [Node("add", Add(), ("x", "s"), ("y",))], ["x"], ["y"], states)


def test_state_goes_on_from_run_to_run(tmp_path: Path) -> None:
    model = accumulator()
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED, count=6))


def test_reset_gives_state_its_initial_value(tmp_path: Path) -> None:
    model = accumulator()
    first, second = random_inputs(model, SEED, count=2)
    with HostDevice(build_for_host(model, tmp_path)) as device:
        fresh = device.run(first).outputs[0]
        device.run(second)
        assert not np.array_equal(device.run(first).outputs[0], fresh)
        device.reset()
        np.testing.assert_array_equal(device.run(first).outputs[0], fresh)


def test_states_that_swap_keep_both_values(tmp_path: Path) -> None:
    """Each state becomes the other; y tells them apart."""
    tensors = [tensor(name, (1, 4)) for name in ("x", "s", "t", "u", "y")]
    nodes = [Node("add0", Add(), ("s", "x"), ("u",)), Node("mul", Mul(), ("u", "t"), ("y",))]
    states = [
        State("s", "t", np.array([[1, 2, 3, 4]], np.int8)),
        State("t", "s", np.array([[9, -8, 7, -6]], np.int8)),
    ]
    model = graph(tensors, nodes, ["x"], ["y"], states)
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED, count=5))


def test_state_that_becomes_an_input(tmp_path: Path) -> None:
    """A delay line of one step: the output is the input of the run before, through a reshape."""
    tensors = [tensor("x", (1, 4)), tensor("r", (2, 2)), tensor("s", (2, 2)), tensor("y", (2, 2))]
    nodes = [Node("reshape", Reshape(), ("x",), ("r",)), Node("relu", Relu(), ("s",), ("y",))]
    states = [State("s", "r", np.array([[5, 6], [7, 8]], np.int8))]
    model = graph(tensors, nodes, ["x"], ["y"], states)
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED, count=4))


def test_model_that_computes_nothing(tmp_path: Path) -> None:
    tensors = [tensor("x", (1, 4)), tensor("y", (2, 2))]
    model = graph(tensors, [Node("reshape", Reshape(), ("x",), ("y",))], ["x"], ["y"])
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_input_that_nobody_reads_and_output_that_is_constant(tmp_path: Path) -> None:
    tensors = [tensor("x0", (1, 9)), tensor("x1", (1, 9)), tensor("y", (1, 9))]
    tensors.append(constant("c", np.arange(7, dtype=np.int8).reshape(1, 7)))
    model = graph(tensors, [Node("relu", Relu(), ("x1",), ("y",))], ["x0", "x1"], ["y", "c", "y"])
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_float_at_the_edges(tmp_path: Path) -> None:
    tensors = [tensor("x", (1, 6), None, dtype=DType.F32), tensor("q", (1, 6), 0.05, 3)]
    tensors += [tensor("r", (1, 6), 0.05, 3), tensor("y", (1, 6), None, dtype=DType.F32)]
    nodes = [
        Node("quantize", Quantize(), ("x",), ("q",)),
        Node("relu", Relu(), ("q",), ("r",)),
        Node("dequantize", Dequantize(), ("r",), ("y",)),
    ]
    model = graph(tensors, nodes, ["x"], ["y"])
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_constant_operands_and_odd_sizes(tmp_path: Path) -> None:
    generator = np.random.default_rng(SEED)
    tensors = [tensor("x", (1, 3, 7)), tensor("a", (1, 3, 7)), tensor("y", (1, 3, 12))]
    tensors.append(constant("c", generator.integers(-128, 128, (1, 3, 7)).astype(np.int8), 0.25, 9))
    tensors.append(constant("d", generator.integers(-128, 128, (1, 3, 5)).astype(np.int8)))
    nodes = [
        Node("mul", Mul(), ("x", "c"), ("a",)),
        Node("join", Concatenation(2), ("a", "d"), ("y",)),
    ]
    model = graph(tensors, nodes, ["x"], ["y"])
    assert_host_equals_reference(model, tmp_path, random_inputs(model, SEED))


def test_every_tensor_that_a_layer_writes_is_seen(tmp_path: Path) -> None:
    tensors = [tensor("x", (1, 6)), tensor("r", (1, 6))]
    tensors += [tensor(name, (1, 3)) for name in ("a", "b", "y")]
    nodes = [
        Node("relu", Relu(), ("x",), ("r",)),
        Node("split", Split(1), ("r",), ("a", "b")),
        Node("add", Add(), ("a", "b"), ("y",)),
    ]
    model = graph(tensors, nodes, ["x"], ["y"])
    (sample,) = random_inputs(model, SEED, count=1)
    expected = run(model, sample, keep="all").tensors
    with HostDevice(build_for_host(model, tmp_path)) as device:
        actual = device.tensors(sample)
        sums = [(one.layer, one.crc) for one in device.layer_checksums(sample)]
    assert list(actual) == ["r", "a", "b", "y"]
    for name, value in actual.items():
        np.testing.assert_array_equal(value, expected[name].reshape(-1))
    assert sums == [
        (layer, checksum(expected[name])) for layer, name in [(0, "r"), (1, "a"), (1, "b"), (2, "y")]
    ]


def test_selftest_finds_a_wrong_layer(tmp_path: Path) -> None:
    """With a golden checksum changed, the self-test names the layer it belongs to."""
    bundle = build_for_host(accumulator(), tmp_path)
    bundle.manifest["golden"][0]["checksums"] = [1]
    with HostDevice(bundle) as device:
        result = device.selftest()
    assert (result.passed, result.layer, result.expected) == (False, "add", 1)


def test_wrong_inputs_are_refused(tmp_path: Path) -> None:
    with HostDevice(build_for_host(accumulator(), tmp_path)) as device:
        with pytest.raises(UsageError, match="shape"):
            device.run([np.zeros((1, 6), np.int8)])
        with pytest.raises(UsageError, match="type float32"):
            device.run([np.zeros((1, 5), np.float32)])


def test_device_that_is_not_loaded_says_so(tmp_path: Path) -> None:
    device = HostDevice(build_for_host(accumulator(), tmp_path))
    with pytest.raises(DeviceError, match="not loaded"):
        device.run([np.zeros((1, 5), np.int8)])


def test_bundle_is_read_back_and_damage_is_found(tmp_path: Path) -> None:
    built = build_for_host(accumulator(), tmp_path)
    assert load_bundle(tmp_path).manifest == built.manifest
    (tmp_path / "model.c").write_text("int x;\n")
    with pytest.raises(UsageError, match=r"model\.c"):
        load_bundle(tmp_path)
    with pytest.raises(UsageError, match="not a bundle"):
        load_bundle(tmp_path / "kernels")
