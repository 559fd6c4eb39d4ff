"""What the exporter writes, the importer reads back and the oracle computes, for every operator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from import_cases import CASES, build
from import_oracle import differences, random_inputs

from smidgen.compress.quantize import gather, quantize
from smidgen.errors import ModelError
from smidgen.exporters.tflite import export_tflite
from smidgen.graph import DType, Graph
from smidgen.graph.operators import Comparison
from smidgen.graph.reference import run
from smidgen.graph.reference.quantize import dequantize_array, quantize_array
from smidgen.importers import tflite

_PATH = Path("model.tflite")
_NOT_FLOAT = ("QUANTIZE", "DEQUANTIZE", "CAST")
# With steps, poles or slopes that make much of small errors: tests/compress/test_functions.py has them.
_NOT_SMOOTH = (
    "SIGN", "FLOOR", "CEIL", "ROUND", "EXP", "LOG", "SQRT", "RSQRT", "RECIPROCAL", "POW", "ARG_MAX",
    "ARG_MIN", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT", "LOGICAL_XOR", *Comparison.__members__,
)  # fmt: skip
_SMOOTH_CASES = [
    name for name in CASES if name not in _NOT_FLOAT and name.removeprefix("smidgen.") not in _NOT_SMOOTH
]
# TensorFlow Lite Micro has no int8 kernel for these.
_NOT_IN_THE_ORACLE = {"TILE", "GELU", "NEG", "SQUARE", "SIN", "COS", "RELU_N1_TO_1", "RELU_0_TO_1"}


def imported(name: str, dtype: str) -> Graph:
    return tflite.load(build(name, dtype)[0], _PATH)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_exported_graph_comes_back(name: str, dtype: str) -> None:
    graph = imported(name, dtype)
    again = tflite.load(export_tflite(graph), _PATH)
    assert [node.operator for node in again.nodes] == [node.operator for node in graph.nodes]
    assert (again.inputs, again.outputs) == (graph.inputs, graph.outputs)
    inputs = random_inputs(graph, 1)
    for before, after in zip(run(graph, inputs).outputs, run(again, inputs).outputs, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_litert_knows_every_operator_in_the_version_that_is_written(dtype: str) -> None:
    for name in CASES:
        content = export_tflite(imported(name, dtype))
        if b"smidgen." not in content:
            resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
            interpreter.allocate_tensors()


def quantized(name: str) -> tuple[Graph, Graph, list[list[np.ndarray]]]:
    """(float graph, what it is quantized to, the samples that this was done with)."""
    graph = imported(name, "float32")
    samples = [random_inputs(graph, seed) for seed in range(4)]
    return graph, quantize(graph, gather(graph, samples)), samples


@pytest.mark.parametrize("name", _SMOOTH_CASES)
def test_every_operator_can_be_quantized(name: str) -> None:
    """The integers stand for the float model's outputs: the noise is 25 dB and more below them."""
    graph, integer, samples = quantized(name)
    for sample in samples:
        inputs = [quantize_array(x, integer.tensor(n)) for x, n in zip(sample, integer.inputs, strict=True)]
        floats, integers = run(graph, sample).outputs, run(integer, inputs).outputs
        for expected, got, output in zip(floats, integers, integer.outputs, strict=True):
            tensor = integer.tensor(output)
            assert tensor.dtype is DType.I8
            noise = np.square(dequantize_array(got, tensor) - expected).mean()
            assert noise <= 10**-2.5 * np.square(expected).mean()


def test_oracle_computes_every_quantized_operator_alike(tmp_path: Path) -> None:
    missing = _NOT_IN_THE_ORACLE | {name for name in CASES if name.startswith("smidgen.")}
    names = [name for name in _SMOOTH_CASES if name not in missing]
    models = {}
    for number, name in enumerate(names):
        _, integer, _ = quantized(name)
        models[number] = (export_tflite(integer), integer)
    different, compared = differences(models, tmp_path)
    assert {names[number]: what for number, what in different.items()} == {}
    refused = [names[n] for n in models if not (tmp_path / f"{n}.output.npz").exists()]
    assert compared == len(models), f"the oracle refuses {refused}"


def test_int8_model_is_not_quantized_again() -> None:
    graph = imported("CONV_2D", "int8")
    with pytest.raises(ModelError, match="integers already"):
        quantize(graph, {})
