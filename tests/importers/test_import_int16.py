"""Models with int16 activations and int8 weights come in, and run, as TensorFlow Lite Micro runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from import_oracle import differences

from smidgen.compile.build import build
from smidgen.device.host import HostDevice
from smidgen.errors import ModelError
from smidgen.exporters.tflite import export_tflite
from smidgen.graph import DType, Graph
from smidgen.graph.reference import run
from smidgen.importers import tflite
from smidgen.targets import load_target
from tflite_builder import ModelBuilder

_UNIT = 2.0**-15
_PATH = Path("wide.tflite")


class Wide:
    """A model whose activations are int16."""

    def __init__(self) -> None:
        self.builder = ModelBuilder()
        self.random = np.random.default_rng(5)

    def tensor(self, *shape: int, scale: float = 0.0004) -> int:
        return self.builder.tensor(shape, "int16", scale=scale)

    def constants(self, shape: tuple[int, ...], axis: int, x_scale: float = 0.0004, bias: type = np.int64):
        channels = shape[axis]
        scales = np.linspace(0.002, 0.008, channels).astype(np.float32)
        weights = self.random.integers(-127, 128, shape).astype(np.int8)
        values = self.random.integers(-100000, 100000, channels).astype(bias)
        return [
            self.builder.constant(weights, scale=scales, axis=axis),
            self.builder.constant(values, scale=scales * np.float32(x_scale)),
        ]


def network() -> bytes:
    """Every operator with int16 kernels, from an int8 input to a softmax and an int8 output."""
    m = Wide()
    b = m.builder
    x = b.input((1, 6, 6, 3), scale=0.05, zero_point=-3)
    wide = m.tensor(1, 6, 6, 3)
    b.operator("QUANTIZE", [x], [wide])
    conv = m.tensor(1, 6, 6, 5, scale=0.0009)
    options = {"padding": "SAME", "activation": "RELU"}
    b.operator("CONV_2D", [wide, *m.constants((5, 3, 3, 3), 0)], [conv], **options)
    depthwise = m.tensor(1, 6, 6, 5, scale=0.0013)
    b.operator(
        "DEPTHWISE_CONV_2D", [conv, *m.constants((1, 3, 3, 5), 3, 0.0009)], [depthwise], padding="SAME"
    )
    total, product = m.tensor(1, 6, 6, 5, scale=0.002), m.tensor(1, 6, 6, 5, scale=0.05)
    b.operator("ADD", [conv, depthwise], [total])
    b.operator("MUL", [total, conv], [product], activation="RELU")
    gates = [m.tensor(1, 6, 6, 5, scale=_UNIT) for _ in range(2)]
    b.operator("LOGISTIC", [total], gates[:1])
    b.operator("TANH", [product], gates[1:])
    joined = m.tensor(1, 6, 6, 10, scale=_UNIT)
    b.operator("CONCATENATION", gates, [joined], axis=3)
    window = {"filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": "VALID"}
    small, smaller = m.tensor(1, 3, 3, 10, scale=_UNIT), m.tensor(1, 1, 2, 10, scale=_UNIT)
    b.operator("AVERAGE_POOL_2D", [joined], [small], **window)
    b.operator("MAX_POOL_2D", [small], [smaller], **window | {"stride_w": 1})
    flat, dense = m.tensor(1, 10, scale=_UNIT), m.tensor(1, 4, scale=0.0002)
    b.operator("MEAN", [smaller, b.constant(np.array([1, 2], np.int32))], [flat], keep_dims=False)
    b.operator("FULLY_CONNECTED", [flat, *m.constants((4, 10), 0, _UNIT)], [dense])
    soft, y = m.tensor(1, 4, scale=_UNIT), b.tensor((1, 4), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [dense], [soft], beta=1.0)
    b.operator("QUANTIZE", [soft], [y])
    b.output(y, soft)
    return b.build()


def imported() -> Graph:
    return tflite.load(network(), _PATH)


def test_a_network_computes_what_the_oracle_computes(tmp_path: Path) -> None:
    graph = imported()
    kinds = {graph.tensor(node.outputs[0]).dtype for node in graph.nodes}
    assert kinds == {DType.I16, DType.I8}
    biases = [node.inputs[2] for node in graph.nodes if len(node.inputs) > 2]
    assert {graph.tensor(name).dtype for name in biases} == {DType.I64}
    again = tflite.load(export_tflite(graph), _PATH)
    models = {seed: (network(), again) for seed in range(4)}
    assert differences(models, tmp_path) == ({}, 4)


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.slow)])
def test_generated_code_computes_it_too(optimize: str, tmp_path: Path) -> None:
    graph = imported()
    with HostDevice(build(graph, load_target("host"), tmp_path, optimize)) as device:
        assert device.selftest().passed
        random = np.random.default_rng(1)
        for _ in range(4):
            x = random.integers(-128, 128, (1, 6, 6, 3)).astype(np.int8)
            for want, got in zip(run(graph, [x]).outputs, device.run([x]).outputs, strict=True):
                np.testing.assert_array_equal(got, want)


def test_int16_may_be_the_models_input_and_output() -> None:
    m = Wide()
    x = m.builder.input((1, 4), "int16", scale=0.001)
    y = m.tensor(1, 4, scale=_UNIT)
    m.builder.operator("TANH", [x], [y])
    m.builder.output(y)
    graph = tflite.load(m.builder.build(), _PATH)
    assert [graph.tensor(name).dtype for name in (*graph.inputs, *graph.outputs)] == [DType.I16] * 2


def dense(bias: type = np.int64, y_scale: float = 0.001, y_zero: int = 0) -> bytes:
    m = Wide()
    x = m.builder.input((1, 8), "int16", scale=0.0004)
    y = m.builder.tensor((1, 4), "int16", scale=y_scale, zero_point=y_zero)
    m.builder.operator("FULLY_CONNECTED", [x, *m.constants((4, 8), 0, bias=bias)], [y])
    m.builder.output(y)
    return m.builder.build()


def one(name: str, x_scale: float, y_scale: float) -> bytes:
    m = Wide()
    x, y = m.builder.input((1, 8), "int16", scale=x_scale), m.tensor(1, 8, scale=y_scale)
    m.builder.operator(name, [x], [y])
    m.builder.output(y)
    return m.builder.build()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (dense(bias=np.int32), "bias has type i32 instead of i64"),
        (dense(y_scale=1e-9), "more than int16 layers compute with"),
        (dense(y_zero=5), "zero point 5 is outside 0..0"),
        (one("LOGISTIC", 0.001, 1 / 256), "the i16 operator writes"),
        (one("TANH", 3.0, _UNIT), "scale 3 is too large"),
        (one("ELU", 0.001, 0.001), "works on i16; supported are i8 or f32"),
    ],
)
def test_refusals_say_what_is_wrong(content: bytes, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        tflite.load(content, _PATH)
