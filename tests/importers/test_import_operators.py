"""Every operator comes in with the attributes that its file says, and means what the oracle means by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from import_cases import CASES, OperatorModel, build
from import_oracle import differences

from smidgen.graph import DType
from smidgen.importers import load_model, tflite
from smidgen.importers.tflite.call import IMPORTERS
from tflite_builder import ModelBuilder

# TensorFlow Lite Micro has no kernel for these forms.
_NOT_IN_THE_ORACLE = {
    "STRIDED_SLICE__ellipsis_and_new_axis", "TILE", "GATHER__of_a_shape", "SIGN", "RELU_N1_TO_1",
    "RELU_0_TO_1", "SELECT", "GELU", "POW",
}  # fmt: skip
_ONLY_FLOAT_IN_THE_ORACLE = {
    "EXP", "LOG", "SQRT", "SQUARE", "SIN", "COS", "FLOOR", "CEIL", "ROUND", "NEG",
}  # fmt: skip


def test_every_supported_operator_has_a_case() -> None:
    names = {name.partition("__")[0] for name in CASES}
    assert names == {*IMPORTERS}


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_operator_is_imported_with_its_attributes(name: str, dtype: str) -> None:
    content, expected = build(name, dtype)
    graph = tflite.load(content, Path("model.tflite"))
    assert [node.operator for node in graph.nodes] == expected
    if name not in ("QUANTIZE", "DEQUANTIZE"):
        wanted = DType.I8 if dtype == "int8" else DType.F32
        assert {graph.tensors[tensor].dtype for tensor in (*graph.inputs, *graph.outputs)} == {wanted}


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_imported_operators_compute_what_the_oracle_computes(dtype: str, tmp_path: Path) -> None:
    missing = _NOT_IN_THE_ORACLE | (_ONLY_FLOAT_IN_THE_ORACLE if dtype == "int8" else set())
    names = [name for name in CASES if name not in missing and not name.startswith("smidgen.")]
    models = {}
    for number, name in enumerate(names):
        content, _ = build(name, dtype)
        models[number] = (content, tflite.load(content, Path("model.tflite")))
    different, compared = differences(models, tmp_path)
    assert {names[number]: what for number, what in different.items()} == {}
    refused = [name for number, name in enumerate(names) if not (tmp_path / f"{number}.output.npz").exists()]
    assert compared == len(names), f"the oracle refuses {refused}"


def test_node_ids_are_readable_and_tensor_names_unique() -> None:
    builder = ModelBuilder()
    x = builder.input((1, 4, 4, 2), scale=0.1, name="same")
    a = builder.tensor((1, 4, 4, 2), scale=0.1, name="same")
    b = builder.tensor((1, 2, 2, 2), scale=0.1, name="same")
    builder.operator("RELU", [x], [a])
    builder.operator("MAX_POOL_2D", [a], [b], filter_height=2, filter_width=2, stride_h=2, stride_w=2)
    builder.output(b)
    graph = tflite.load(builder.build(), Path("some model-2.tflite"))
    assert graph.name == "some_model_2"
    assert [node.id for node in graph.nodes] == ["relu_0", "max_pool2d_1"]
    assert set(graph.tensors) == {"same", "same_2", "same_3"}


@pytest.mark.parametrize(
    ("stem", "name"),
    [("kws_int8", "kws_int8"), ("2nd try", "model_2nd_try"), ("Ärger", "rger"), ("--", "model")],
)
def test_graph_name_is_a_c_identifier(stem: str, name: str) -> None:
    content, _ = build("RELU")
    assert tflite.load(content, Path(f"{stem}.tflite")).name == name


def test_several_inputs_and_outputs_keep_their_order() -> None:
    builder = ModelBuilder()
    a = builder.input((1, 4), scale=0.1, name="a")
    b = builder.input((1, 4), scale=0.2, name="b")
    s, d = (builder.tensor((1, 4), scale=0.3, name=name) for name in ("sum", "difference"))
    builder.operator("ADD", [a, b], [s])
    builder.operator("SUB", [a, b], [d])
    builder.output(d, s)
    graph = tflite.load(builder.build(), Path("model.tflite"))
    assert (graph.inputs, graph.outputs) == (("a", "b"), ("difference", "sum"))


def test_operator_codes_in_either_field_are_read() -> None:
    for field in ("builtinCode", "deprecatedBuiltinCode"):
        builder = ModelBuilder()
        x, y = builder.input((1, 4), scale=0.1), builder.tensor((1, 4), scale=0.1)
        builder.operator("RELU", [x], [y])
        builder.output(y)
        setattr(builder.model.operatorCodes[0], field, 0)
        graph = tflite.load(builder.build(), Path("model.tflite"))
        assert [node.id for node in graph.nodes] == ["relu_0"]


def test_per_channel_bias_with_a_wrong_dimension_is_read() -> None:
    builder = ModelBuilder()
    x, y = builder.input((1, 6), scale=0.1), builder.tensor((1, 4), scale=0.1)
    scales = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    weights = builder.constant(np.ones((4, 6), np.int8), scale=scales, axis=0)
    bias = builder.constant(np.arange(4, dtype=np.int32), scale=scales * np.float32(0.1), axis=3, name="bias")
    builder.operator("FULLY_CONNECTED", [x, weights, bias], [y])
    builder.output(y)
    graph = tflite.load(builder.build(), Path("model.tflite"))
    bias_tensor = graph.tensor(graph.nodes[0].inputs[2])
    assert bias_tensor.quantization is not None and bias_tensor.quantization.axis == 0


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_a_bias_with_leading_dimensions_is_flattened(dtype: str) -> None:
    model = OperatorModel(dtype)
    CASES["CONV_2D"](model)
    model.builder.graph.tensors[2].shape = [1, 1, 1, 4]
    if dtype == "int8":
        model.builder.graph.tensors[2].quantization.quantizedDimension = 3
    graph = tflite.load(model.builder.build(), Path("model.tflite"))
    bias = graph.tensor(graph.nodes[0].inputs[2])
    assert bias.shape == (4,)
    assert bias.quantization is None or bias.quantization.axis == 0


def test_a_batch_of_unknown_size_is_a_batch_of_one() -> None:
    builder = ModelBuilder()
    x = builder.input((1, 4), scale=0.1, shape_signature=(-1, 4))
    y = builder.tensor((1, 4), scale=0.1, shape_signature=(-1, 4))
    builder.operator("RELU", [x], [y])
    builder.output(y)
    graph = tflite.load(builder.build(), Path("model.tflite"))
    assert graph.tensors[graph.inputs[0]].shape == (1, 4)


@pytest.mark.parametrize(
    ("name", "operators"), [("ad", 10), ("ic", 16), ("kws", 13), ("sww", 11), ("vww", 31)]
)
def test_the_mlperf_models_are_imported(shared_data: Path, name: str, operators: int) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / f"{name}_int8.tflite")
    assert graph.name == f"{name}_int8"
    assert len(graph.nodes) == operators
    for tensor in graph.tensors.values():
        assert tensor.quantization is not None and tensor.dtype in (DType.I8, DType.I32)


def test_integer_weights_of_a_float_layer_become_what_they_stand_for() -> None:
    """Dynamic-range quantization, as in MLPerf's "float" keyword model."""
    rng = np.random.default_rng(3)
    integers, scales = rng.integers(-127, 128, (3, 2, 2, 4)).astype(np.int8), np.array([0.1, 0.02, 0.3])
    builder = ModelBuilder()
    x, y = builder.input((1, 4, 4, 4), "float32"), builder.tensor((1, 3, 3, 3), "float32")
    weights = builder.constant(integers, scale=scales, axis=0)
    builder.operator("CONV_2D", [x, weights, -1], [y], padding="VALID")
    builder.output(y)
    graph = tflite.load(builder.build(), Path("dynamic.tflite"))
    imported = graph.tensor(graph.nodes[0].inputs[1])
    assert imported.dtype is DType.F32
    expected = integers * scales.astype(np.float32).astype(np.float64)[:, None, None, None]
    np.testing.assert_allclose(imported.data, expected, rtol=1e-6)
