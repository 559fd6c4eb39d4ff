"""Files that are damaged, or hold what is not supported: one clear error that names everything."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data
from onnx_builder import OnnxBuilder, computed
from test_onnx_networks import NETWORKS

from smidgen.errors import ModelError, UsageError
from smidgen.importers import load_model
from smidgen.importers import onnx as importer
from smidgen.oracles import open_oracle

PATH = Path("folder/model.onnx")


def refusal(model: ModelProto) -> ModelError:
    with pytest.raises(ModelError) as caught:
        importer.load(model.SerializeToString(), PATH)
    assert all(problem.where.startswith(str(PATH)) for problem in caught.value.problems)
    return caught.value


def network(name: str = "mobilenet") -> ModelProto:
    builder = OnnxBuilder(seed=3)
    NETWORKS[name][0](builder)
    return builder.model()


def one(kind: str, *constants: np.ndarray, shape=(1, 4), **attributes) -> ModelProto:
    builder = OnnxBuilder()
    names = [builder.constant(values, values.dtype.type) for values in constants]
    builder.output(builder.node(kind, builder.input(shape), *names, **attributes))
    return builder.model()


# Files


@pytest.mark.parametrize("sixteenth", range(1, 16))
def test_a_truncated_file_is_refused(tmp_path: Path, sixteenth: int) -> None:
    content = network().SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(content[: len(content) * sixteenth // 16])
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert caught.value.problems[0].where.startswith(str(path))


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "network.bin"
    path.write_bytes(network("resnet").SerializeToString())
    assert load_model(path).name == "network"


def test_other_text_in_an_onnx_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("this is no model", encoding="utf-8")
    with pytest.raises(ModelError, match="is no ONNX model"):
        load_model(path)


@pytest.mark.parametrize("oracle", ["tflm", "litert"])
def test_an_oracle_that_reads_other_files_says_so(tmp_path: Path, oracle: str) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(network("resnet").SerializeToString())
    with pytest.raises(UsageError, match=r"network\.onnx is none(.|\n)*--against reference"):
        open_oracle(oracle, path, load_model(path))


# The model as a whole


def _changed(change: Callable[[ModelProto], object], name: str = "mobilenet") -> ModelProto:
    model = network(name)
    change(model)
    return model


def _no_opset(model: ModelProto) -> None:
    del model.opset_import[:]


def _opset(version: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.opset_import[0].version = version

    return change


def _function(model: ModelProto) -> None:
    function = helper.make_function("own", "Twice", ["x"], ["y"], [], [helper.make_opsetid("", 17)])
    model.functions.append(function)


def _sparse(model: ModelProto) -> None:
    values, indices = (numpy_helper.from_array(np.ones(1, kind), "w") for kind in (np.float32, np.int64))
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))


def _swapped(model: ModelProto) -> None:
    first = model.graph.node[0]
    model.graph.node.append(first)
    del model.graph.node[0]


def _cycle(model: ModelProto) -> None:
    model.graph.node[0].input[0] = model.graph.node[2].output[0]


def _no_initializer(model: ModelProto) -> None:
    del model.graph.initializer[0]


def _twice(model: ModelProto) -> None:
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def _two_initializers(model: ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def _unwritten(model: ModelProto) -> None:
    model.graph.output[0].name = "nothing"


def _bytes_missing(model: ModelProto) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


def _huge(model: ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]


def _negative(model: ModelProto) -> None:
    model.graph.initializer[0].dims[0] = -8


def _typeless(model: ModelProto) -> None:
    model.graph.initializer[0].data_type = 77


def _not_a_number(model: ModelProto) -> None:
    model.graph.initializer[0].raw_data = b"\xff" * len(model.graph.initializer[0].raw_data)


def _sequence(model: ModelProto) -> None:
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT


def _half(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16


def _symbolic(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"


def _unknown(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].Clear()


def _shapeless(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.ClearField("shape")


def _constant_output(model: ModelProto) -> None:
    model.graph.output[0].name = model.graph.initializer[0].name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_no_opset, "names no operator set"),
        (_opset(12), r"operator set 12; at least 13(.|\n)*version_converter"),
        (_opset(999), r"operator set 999(.|\n)*newer onnx package"),
        (_function, r"functions of its own \(Twice\)(.|\n)*inline_local_functions"),
        (_sparse, "initializer 'w': is stored sparsely"),
        (_swapped, r"node 0 \w+ '\w+': reads 't0' before anything has written it"),
        (_cycle, r"node 0 Conv 'Conv_0': reads 't2' before"),
        (_no_initializer, r"node 0 Conv 'Conv_0': reads 'c0' before"),
        (_twice, r"node 1 .*: writes 't0', which already has a value"),
        (_two_initializers, "initializer 'c0': occurs twice"),
        (_unwritten, "output 'nothing': nothing in the file writes it"),
        (_bytes_missing, r"initializer 'c0': holds 860 bytes, but shape \[8, 3, 3, 3\] needs 864"),
        (_huge, "initializer 'c0': shape .* has .* elements; at most"),
        (_negative, r"initializer 'c0': shape \[-8, 3, 3, 3\] has a size that is not positive"),
        (_typeless, "initializer 'c0': element type number 77 is not supported"),
        (_not_a_number, r"node 0 Conv .*'c0' holds values that are not a number"),
        (_sequence, "input 'x': is no tensor"),
        (_half, r"input 'x': has type FLOAT16(.|\n)*float32"),
        (_symbolic, r"input 'x': has the dynamic size 'height' at axis 2(.|\n)*update_model_dims"),
        (_unknown, r"input 'x': has the dynamic size '\?' at axis 2"),
        (_shapeless, "input 'x': has no shape"),
        (_constant_output, "output 'c0': is a constant"),
    ],
)
def test_a_wrong_model_is_refused(change: Callable[[ModelProto], object], words: str) -> None:
    error = refusal(_changed(change))
    assert re.search(words, str(error)), error


def test_a_symbolic_batch_is_a_batch_of_one() -> None:
    graph = importer.load(network().SerializeToString(), PATH)
    assert graph.tensors[graph.inputs[0]].shape == (1, 16, 16, 3)


def test_all_problems_are_listed_at_once() -> None:
    builder = OnnxBuilder()
    x = builder.input((1, 4))
    y = builder.node("Det", builder.node("NonZero", x))
    z = builder.node("Elu", builder.node("Softmax", x, axis=7), alpha=[1.0])
    builder.output(y, z, builder.node("If", x))
    error = refusal(builder.model())
    where = [str(problem.where).removeprefix(f"{PATH}: ") for problem in error.problems]
    assert [text.split("'")[0] for text in where[:4]] == [
        "node 0 NonZero ",
        "node 1 Det ",
        "node 2 Softmax ",
        "node 4 If ",
    ]
    assert "smidgen ops" in str(error) and "control flow" in str(error)


# Operators


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (one("Elu", alpha="much"), "attribute 'alpha' has the wrong type"),
        (one("Elu", alpha=float("nan")), "attribute 'alpha' is nan"),
        (one("Relu", np.ones(4, np.float32)), "has 2 inputs instead of 1"),
        (one("Softmax", axis=2), "axis 2 does not exist in 2 dimensions"),
        (one("Transpose", perm=[0, 0]), r"\[0, 0\] is no order of 2 axes"),
        (one("Add", np.ones(3, np.float32)), "cannot be broadcast"),
        (one("Reshape", np.array([3, -1])), "cannot become"),
        (one("Reshape", np.array([0.5], np.float32)), "instead of whole numbers"),
        (one("Concat", np.ones((2, 3), np.float32), axis=1), "differ beside axis 1"),
        (one("Gather", np.array([4]), axis=1), "indices reach from 4 to 4, but axis 1 has 4"),
        (one("Slice", np.array([0]), np.array([0]), np.array([1])), "takes nothing of axis 1"),
        (one("Expand", np.array([1 << 20, 1 << 20, 4])), "elements; at most"),
        (one("Tile", np.array([1 << 20, 1 << 20])), "elements; at most"),
        (one("Pad", np.array([0, 1 << 40, 0, 0])), "its pads are"),
        (one("Cast", to=TensorProto.STRING), "casts to STRING"),
        (one("MatMul", np.ones((5, 2), np.float32)), "do not fit each other"),
        (one("Conv", np.ones((2, 3, 3), np.float32), shape=(1, 4, 9)), "do not suit 4 input channels"),
        (one("Conv", np.ones((2, 4, 9), np.float32), shape=(1, 4, 5)), "do not fit 5 positions"),
        (one("Conv", np.ones((2, 4, 3), np.float32), shape=(1, 4, 9), strides=[0]), "'strides' is"),
        (one("MaxPool", shape=(1, 4, 9)), "'kernel_shape' is missing"),
        (one("MaxPool", shape=(1, 4, 9), kernel_shape=[2], dilations=[2]), "dilations"),
        (one("MaxPool", shape=(1, 4, 9), kernel_shape=[2], pads=[2, 0]), "windows hold nothing"),
        (one("LayerNormalization", np.ones(3, np.float32)), r"scale has shape \[3\]; \[4\] is needed"),
        (
            one("MaxPool", shape=(1, 4, 9, 9), kernel_shape=[2, 2], auto_pad="VALID", strides=[-1, 1]),
            "strides",
        ),
        (
            one(
                "Conv",
                np.ones((1, 4, 9, 9), np.float32),
                shape=(1, 4, 9, 9),
                pads=[1 << 14] * 4,
                strides=[99, 99],
            ),
            "elements; at most",
        ),
        (
            one(
                "ConvTranspose",
                np.ones((4, 1, 3, 3), np.float32),
                shape=(1, 4, 9, 9),
                dilations=[1 << 14] * 2,
            ),
            "elements; at most",
        ),
        (one("Resize", shape=(1, 4, 9)), "its sizes is absent"),
        (one("ConstantOfShape"), "only known at run time"),
    ],
)
def test_a_wrong_operator_is_refused(model: ModelProto, words: str) -> None:
    error = refusal(model)
    assert re.search(words, str(error)), error
    assert re.match(r"node \d+ \w+ '\w+'", error.problems[0].where.removeprefix(f"{PATH}: "))


def test_a_small_file_cannot_make_more_than_it_should() -> None:
    builder = OnnxBuilder()
    x, sizes = builder.input((1, 4)), builder.constant([1 << 12, 1 << 12], np.int64)
    large = [builder.node("ConstantOfShape", sizes) for _ in range(5)]
    builder.output(builder.node("Add", x, builder.node("ReduceMax", large[-1], keepdims=0)))
    assert re.search(r"node 4 ConstantOfShape (.|\n)*more than 67,108,864", str(refusal(builder.model())))


def test_weights_that_are_computed_at_run_time_are_refused() -> None:
    builder = OnnxBuilder()
    x, weights = builder.input((1, 3, 8, 8)), builder.input((2, 3, 3, 3), "weights")
    builder.output(builder.node("Conv", x, weights))
    assert "weights are computed at run time" in str(refusal(builder.model()))


@pytest.mark.parametrize("kind", ["QLinearConv", "MatMulInteger", "DynamicQuantizeLinear"])
def test_other_ways_to_quantize_are_refused(kind: str) -> None:
    assert re.search(rf"node 0 {kind} (.|\n)*QuantFormat.QDQ", str(refusal(one(kind))))


def test_operators_of_other_domains_are_refused() -> None:
    model = one("Relu")
    model.graph.node[0].domain = "com.microsoft"
    assert "domain 'com.microsoft'" in str(refusal(model))


# Data in other files


def _external(tmp_path: Path, **place: object) -> ModelProto:
    model = one("Add", np.arange(4, dtype=np.float32))
    (tmp_path / "weights.bin").write_bytes(bytes(8) + np.arange(4, dtype=np.float32).tobytes())
    set_external_data(model.graph.initializer[0], **{"location": "weights.bin", "offset": 8, **place})
    model.graph.initializer[0].ClearField("raw_data")
    return model


def test_data_beside_the_model_are_read(tmp_path: Path) -> None:
    model = _external(tmp_path)
    graph = importer.load(model.SerializeToString(), tmp_path / "model.onnx")
    feeds = {"x": np.ones((1, 4), np.float32)}
    np.testing.assert_array_equal(computed(model, graph, feeds)[0], [[1, 2, 3, 4]])


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"location": "../weights.bin"}, "outside of the model's folder"),
        ({"location": "/etc/hostname"}, "outside of the model's folder"),
        ({"location": "link.bin"}, "outside of the model's folder"),
        ({"location": ""}, "outside of the model's folder"),
        ({"location": "missing.bin"}, "cannot be read"),
        ({"location": "."}, "cannot be read"),
        ({"offset": 12}, "end after 12 of 16 bytes"),
        ({"offset": -8}, "16 are needed"),
        ({"offset": 1 << 70}, "cannot be read"),
        ({"length": 99}, "have 99 bytes"),
    ],
)
def test_data_elsewhere_are_refused(tmp_path: Path, place: dict[str, object], words: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(64))
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    model = _external(folder, **place)
    with pytest.raises(ModelError, match=words):
        importer.load(model.SerializeToString(), folder / "model.onnx")
