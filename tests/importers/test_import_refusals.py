"""Wrong files end in one clear error that names what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from import_cases import CASES, OperatorModel, build

from smidgen.errors import ModelError, SmidgenError, UsageError
from smidgen.importers import load_model, tflite
from tflite_builder import ModelBuilder


def refusal(content: bytes) -> ModelError:
    """The error that importing `content` ends in."""
    with pytest.raises(ModelError) as caught:
        tflite.load(content, Path("model.tflite"))
    assert all(problem.what for problem in caught.value.problems)
    return caught.value


def one_operator(name: str, shape: tuple[int, ...] = (1, 4), **options: object) -> ModelBuilder:
    builder = ModelBuilder()
    x, y = builder.input(shape, scale=0.1), builder.tensor(shape, scale=0.1)
    builder.operator(name, [x], [y], **options)
    builder.output(y)
    return builder


# Files


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("photo.tflite", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100), "JPEG"),
        ("model.tflite", b"", "is empty"),
        ("model.tflite", b"TFL", "signature 'TFL3' is missing"),
        ("model.tflite", b"hello, this is no model", "signature 'TFL3' is missing"),
        ("model.onnx", b"\x08\x07\x12\x07pytorch", "ONNX"),
        ("model.keras", b"PK\x03\x04" + bytes(30), "Keras|.keras"),
        ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(30), "HDF5"),
        ("model.tflite", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_a_file_that_is_no_model_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words) as caught:
        load_model(path)
    assert caught.value.problems[0].where == str(path)
    assert caught.value.problems[0].fix


def test_a_missing_file_names_the_models_beside_it(tmp_path: Path) -> None:
    (tmp_path / "kws.tflite").write_bytes(b"")
    with pytest.raises(UsageError, match=r"no such file(.|\n)*kws\.tflite"):
        load_model(tmp_path / "kw.tflite")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["\0.tflite", "x" * 5000])
def test_an_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be read|no such file"):
        load_model(name)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(build("RELU")[0])
    assert [node.id for node in load_model(path).nodes] == ["relu_0"]


@pytest.mark.parametrize("sixteenth", range(1, 16))
@pytest.mark.parametrize("model", ["ad", "ic", "kws", "sww", "vww"])
def test_a_truncated_file_is_damaged(shared_data: Path, model: str, sixteenth: int) -> None:
    content = (shared_data / "mlperf_tiny" / f"{model}_int8.tflite").read_bytes()
    error = refusal(content[: len(content) * sixteenth // 16])
    assert "damaged or truncated" in str(error)


# How the model was converted


def test_uint8_models_are_refused_once() -> None:
    builder = ModelBuilder()
    x, a, y = (builder.tensor((1, 4), "uint8", scale=0.1, zero_point=100) for _ in range(3))
    builder.graph.inputs.append(x)
    builder.operator("RELU", [x], [a])
    builder.operator("TANH", [a], [y])
    builder.output(y)
    error = refusal(builder.build())
    assert len(error.problems) == 1
    assert "quantized to uint8" in str(error) and "representative_dataset" in str(error)


def test_a_wrong_conversion_does_not_hide_unsupported_operators() -> None:
    builder = ModelBuilder()
    x, a, y = (builder.tensor((1, 4), "uint8", scale=0.1, zero_point=100) for _ in range(3))
    builder.graph.inputs.append(x)
    builder.operator("CUMSUM", [x], [a])
    builder.operator("BITCAST", [a], [y])
    builder.output(y)
    text = str(refusal(builder.build()))
    assert "quantized to uint8" in text and "operator 0 CUMSUM" in text and "operator 1 BITCAST" in text


# Operators


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CUMSUM", "operator 0 CUMSUM: this operator is not supported"),
        ("MyOwnOperator", "operator 0 MyOwnOperator: custom operators are not supported"),
        ("RANGE", "shape only known at run time"),
    ],
)
def test_an_unknown_operator_is_named(name: str, words: str) -> None:
    assert words in str(refusal(one_operator(name).build()))


def test_all_unsupported_operators_are_listed_at_once() -> None:
    builder = ModelBuilder()
    last = builder.input((1, 4), scale=0.1)
    for name in ("CUMSUM", "RELU", "BITCAST", "ZEROS_LIKE"):
        following = builder.tensor((1, 4), scale=0.1)
        builder.operator(name, [last], [following])
        last = following
    builder.output(last)
    error = refusal(builder.build())
    assert [problem.where for problem in error.problems] == [
        f"model.tflite: operator {name}" for name in ("0 CUMSUM", "2 BITCAST", "3 ZEROS_LIKE")
    ]
    assert all(problem.fix for problem in error.problems)


def test_problems_of_supported_operators_are_collected_with_them() -> None:
    builder = ModelBuilder()
    x = builder.input((1, 4), scale=0.1)
    a, b, c = (builder.tensor((1, 4), scale=0.1) for _ in range(3))
    builder.operator("CUMSUM", [x], [a])
    builder.operator("TANH", [a], [b])  # the output's quantization is not tanh's
    builder.operator("LEAKY_RELU", [b], [c], alpha=float("nan"))
    builder.output(c)
    error = refusal(builder.build())
    assert [problem.where.partition(": ")[2] for problem in error.problems] == [
        "operator 0 CUMSUM", "operator 1 TANH", "operator 2 LEAKY_RELU",
    ]  # fmt: skip


def test_a_damaged_file_does_not_flood_the_screen() -> None:
    builder = ModelBuilder()
    last = builder.input((1, 4), scale=0.1)
    for _ in range(300):
        following = builder.tensor((1, 4), scale=0.1)
        builder.operator("CUMSUM", [last], [following])
        last = following
    builder.output(last)
    problems = refusal(builder.build()).problems
    assert len(problems) == 51 and "250 more problems" in problems[-1].what


# Shapes and order


def _uint8_interface(builder: ModelBuilder) -> None:
    x, y = builder.input((1, 4), "uint8", scale=0.1, zero_point=128), builder.tensor((1, 4), scale=0.1)
    builder.operator("QUANTIZE", [x], [y])
    builder.output(y)


def _half_precision_weights(builder: ModelBuilder) -> None:
    half = builder.constant(np.ones((1, 4), np.float16))
    x, wide, y = builder.input((1, 4), "float32"), builder.tensor((1, 4), "float32"), builder.tensor((1, 4))
    builder.operator("DEQUANTIZE", [half], [wide])
    builder.operator("ADD", [x, wide], [y])
    builder.output(y)


def _dynamic_input(builder: ModelBuilder) -> None:
    x = builder.input((1, 1, 40), scale=0.1, shape_signature=(1, -1, 40))
    y = builder.tensor((1, 1, 40), scale=0.1)
    builder.operator("RELU", [x], [y])
    builder.output(y)


def _shape_at_run_time(builder: ModelBuilder) -> None:
    x, shape = builder.input((1, 4), scale=0.1), builder.input((2,), "int32")
    y = builder.tensor((2, 2), scale=0.1)
    builder.operator("RESHAPE", [x, shape], [y])
    builder.output(y)


def _out_of_order(builder: ModelBuilder) -> None:
    x = builder.input((1, 4), scale=0.1)
    a, b = (builder.tensor((1, 4), scale=0.1) for _ in range(2))
    builder.operator("RELU", [a], [b])
    builder.operator("RELU", [x], [a])
    builder.output(b)


def _right(builder: ModelBuilder) -> None:
    x, y = builder.input((1, 4), scale=0.1), builder.tensor((1, 4), scale=0.1)
    builder.operator("RELU", [x], [y])
    builder.output(y)


def _written_twice(builder: ModelBuilder) -> None:
    _right(builder)
    builder.operator("RELU", [0], [1])


def _unwritten_output(builder: ModelBuilder) -> None:
    _right(builder)
    builder.output(builder.tensor((1, 4), scale=0.1))


def _no_such_axis(builder: ModelBuilder) -> None:
    x, y = builder.input((1, 3, 4), scale=0.1), builder.tensor((1, 3), scale=0.1)
    builder.operator("MEAN", [x, builder.constant(np.array([3], np.int32))], [y])
    builder.output(y)


def _rescaling_reshape(builder: ModelBuilder) -> None:
    x, y = builder.input((1, 4), scale=0.1), builder.tensor((4, 1), scale=0.2)
    builder.operator("RESHAPE", [x, builder.constant(np.array([4, 1], np.int32))], [y])
    builder.output(y)


def _two_subgraphs(builder: ModelBuilder) -> None:
    _right(builder)
    builder.model.subgraphs.append(builder.graph)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_uint8_interface, ("interface is uint8", "inference_input_type")),
        (_half_precision_weights, ("FLOAT16",)),
        (_dynamic_input, ("dynamic shape [1, -1, 40]", "fixed sizes")),
        (_shape_at_run_time, ("computed at run time", "fixed sizes")),
        (_out_of_order, ("before anything has written it",)),
        (_written_twice, ("already has a value",)),
        (_unwritten_output, ("no operator writes it",)),
        (_no_such_axis, ("axis 3 does not exist in 3 dimensions",)),
        (_rescaling_reshape, ("quantized differently",)),
        (_two_subgraphs, ("2 subgraphs",)),
    ],
)
def test_a_wrong_model_is_refused_once(make: Callable[[ModelBuilder], None], words: tuple[str, ...]) -> None:
    builder = ModelBuilder()
    make(builder)
    error = refusal(builder.build())
    assert len(error.problems) == 1 and all(word in str(error) for word in words), error


@pytest.mark.parametrize("shape", [(1, -1), (1, 0), (1 << 30, 1 << 30), (1,) * 9])
def test_impossible_shapes_are_refused(shape: tuple[int, ...]) -> None:
    assert "shape" in str(refusal(one_operator("RELU", shape).build()))


def test_an_output_shape_that_does_not_follow_is_refused() -> None:
    for name in CASES:
        model = OperatorModel("int8")
        CASES[name](model)
        output = model.builder.graph.tensors[model.builder.graph.outputs[0]]
        output.shape = [*output.shape[:-1], output.shape[-1] + 1]
        with pytest.raises(ModelError):
            tflite.load(model.builder.build(), Path("model.tflite"))


# Fields that must not be trusted


def _scale(value: float) -> Callable[[ModelBuilder], None]:
    def damage(builder: ModelBuilder) -> None:
        builder.graph.tensors[0].quantization.scale = [value]

    return damage


def _weight_zero_point(builder: ModelBuilder) -> None:
    builder.graph.tensors[1].quantization.zeroPoint = [1, 0, 0, 0]


def _bias_scale(builder: ModelBuilder) -> None:
    builder.graph.tensors[2].quantization.scale = [1.0] * 4


def _bias_overflow(builder: ModelBuilder) -> None:
    bias = np.array([1, 2**31 - 1, 3, 4], np.int32)
    builder.model.buffers[builder.graph.tensors[2].buffer].data = bias.view(np.uint8)


def _short_buffer(builder: ModelBuilder) -> None:
    buffer = builder.model.buffers[builder.graph.tensors[1].buffer]
    buffer.data = buffer.data[:-1]


def _weights_along_the_input(builder: ModelBuilder) -> None:
    weights = builder.graph.tensors[1]
    weights.quantization.scale = weights.quantization.scale[:3]
    weights.quantization.zeroPoint = [0, 0, 0]
    weights.quantization.quantizedDimension = 3


def _options(**fields: object) -> Callable[[ModelBuilder], None]:
    def damage(builder: ModelBuilder) -> None:
        vars(builder.graph.operators[0].builtinOptions).update(fields)

    return damage


def _zero_point(builder: ModelBuilder) -> None:
    builder.graph.tensors[0].quantization.zeroPoint = [200]


def _no_zero_points(builder: ModelBuilder) -> None:
    builder.graph.tensors[1].quantization.zeroPoint = [0, 0]


def _per_channel_activation(builder: ModelBuilder) -> None:
    quantization = builder.graph.tensors[0].quantization
    quantization.scale, quantization.zeroPoint = [0.1] * 3, [0] * 3
    quantization.quantizedDimension = 3


def _no_quantization(builder: ModelBuilder) -> None:
    builder.graph.tensors[0].quantization = None


def _no_options(builder: ModelBuilder) -> None:
    builder.graph.operators[0].builtinOptions = None
    builder.graph.operators[0].builtinOptionsType = 0


def _shared_output(builder: ModelBuilder) -> None:
    builder.graph.operators[0].outputs = [0]


def _variable(builder: ModelBuilder) -> None:
    builder.graph.tensors[0].isVariable = True


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_scale(float("nan")), "positive finite"),
        (_scale(0.0), "positive finite"),
        (_scale(-0.05), "positive finite"),
        (_scale(1e30), "scale"),
        (_zero_point, "zero point 200"),
        (_no_zero_points, "4 scales but 2 zero points"),
        (_per_channel_activation, "per channel"),
        (_no_quantization, "no quantization"),
        (_weight_zero_point, "zero point that is not 0"),
        (_weights_along_the_input, "3 scales for 4 channels"),
        (_bias_scale, "bias's scale"),
        (_bias_overflow, "overflows 32 bits"),
        (_short_buffer, "its buffer holds"),
        (_no_options, "options are missing"),
        (_options(strideH=0), "stride 0"),
        (_options(strideW=-1), "stride -1"),
        (_options(dilationHFactor=0), "dilation 0"),
        (_options(dilationWFactor=1 << 30), "dilation"),
        (_options(padding=7), "padding 7"),
        (_options(fusedActivationFunction=4), "activation TANH"),
        (_options(fusedActivationFunction=99), "activation number 99"),
        (_shared_output, "follows from its inputs|already has a value|output shape"),
        (_variable, "variable"),
    ],
)
def test_a_damaged_convolution_is_refused(damage: Callable[[ModelBuilder], None], words: str) -> None:
    model = OperatorModel("int8")
    CASES["CONV_2D"](model)
    damage(model.builder)
    with pytest.raises(ModelError, match=words):
        tflite.load(model.builder.build(), Path("model.tflite"))


def test_shuffled_weights_are_refused() -> None:
    model = OperatorModel("int8")
    CASES["FULLY_CONNECTED"](model)
    model.builder.graph.operators[0].builtinOptions.weightsFormat = 1
    assert "shuffled" in str(refusal(model.builder.build()))


@pytest.mark.parametrize("name", CASES)
def test_every_operator_survives_missing_and_absent_operands(name: str) -> None:
    for change in range(4):
        model = OperatorModel("int8")
        CASES[name](model)
        operator = model.builder.graph.operators[0]
        if change == 0:
            operator.inputs = operator.inputs[:-1]
        elif change == 1:
            operator.inputs = [-1] * len(operator.inputs)
        elif change == 2:
            operator.inputs = [*operator.inputs, *operator.inputs, *operator.inputs]
        else:
            operator.outputs = []
        try:
            tflite.load(model.builder.build(), Path("model.tflite"))
        except SmidgenError as error:
            assert error.problems
