"""Whole models equal TensorFlow Lite Micro byte for byte, on random inputs and on real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro import runtime

from smidgen.graph.reference import Reference
from smidgen.importers import load_model

MODELS = ["kws", "vww", "ic", "ad", "sww"]


@pytest.fixture(params=MODELS)
def model(request, shared_data) -> Path:
    return shared_data / "mlperf_tiny" / f"{request.param}_int8.tflite"


def inputs_of(reference: Reference, count: int) -> np.ndarray:
    """Random inputs; the first two hold one extreme value each."""
    shape = reference.graph.tensors[reference.graph.inputs[0]].shape
    generator = np.random.default_rng(1)
    inputs = generator.integers(-128, 128, (count, *shape)).astype(np.int8)
    inputs[0], inputs[1] = -128, 127
    return inputs


def assert_equals_tflm(path: Path, reference: Reference, inputs: np.ndarray) -> None:
    interpreter = runtime.Interpreter.from_file(str(path), arena_size=1 << 20)
    for index, values in enumerate(inputs):
        interpreter.set_input(values, 0)
        interpreter.invoke()
        ours = reference.run([values]).outputs[0]
        np.testing.assert_array_equal(ours, interpreter.get_output(0), f"{path.name}, input {index}")


def test_int8_model_equals_tflm(model):
    reference = Reference(load_model(model))
    assert_equals_tflm(model, reference, inputs_of(reference, 8))


def test_keyword_inputs_equal_tflm(shared_data):
    inputs = np.load(shared_data / "mlperf_tiny" / "kws_inputs.npz")
    path = shared_data / "mlperf_tiny" / "kws_int8.tflite"
    reference = Reference(load_model(path))
    shape = reference.graph.tensors[reference.graph.inputs[0]].shape
    values = inputs["x"][:20].reshape(20, *shape)
    assert_equals_tflm(path, reference, values)


@pytest.mark.parametrize("name", ["kws", "vww", "sww"])
def test_litert_reference_kernels_agree_where_fully_connected_does_not_matter(name, shared_data):
    """`ad` and `ic` differ in LiteRT, which rounds once in FULLY_CONNECTED."""
    path = shared_data / "mlperf_tiny" / f"{name}_int8.tflite"
    reference = Reference(load_model(path))
    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    for values in inputs_of(reference, 4):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
        interpreter.invoke()
        theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_array_equal(reference.run([values]).outputs[0], theirs)


@pytest.mark.parametrize("name", ["vww", "ic", "ad"])
def test_float_models_agree_with_litert(name, shared_data):
    path = shared_data / "mlperf_tiny" / f"{name}_float.tflite"
    reference = Reference(load_model(path))
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    shape = reference.graph.tensors[reference.graph.inputs[0]].shape
    values = np.random.default_rng(2).normal(0, 1, shape).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(reference.run([values]).outputs[0], theirs, rtol=1e-4, atol=1e-4)
