"""The exporter's files: padding, narrow weights, versions, and what it refuses."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from smidgen.errors import UsageError
from smidgen.exporters.tflite import export_tflite, save_tflite
from smidgen.graph import DType, Graph, Node, Quantization, State, Tensor
from smidgen.graph.operators import Conv2D, FullyConnected, MaxPool2D, Operator, Padding
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.oracles import open_oracle


def conv_graph(dtype: DType, operator: Operator, weights: tuple[int, ...], y: tuple[int, ...]) -> Graph:
    """One layer with weights of this type on an int8 input of 5 x 6 x 3, or on its 90 elements."""
    rng = np.random.default_rng(0)
    bound = 1 << (dtype.bits - 1)
    scale = rng.uniform(0.01, 0.02, weights[0]).astype(np.float32)
    zero = np.zeros(weights[0], np.int32)
    x_shape = (1, 90) if isinstance(operator, FullyConnected) else (1, 5, 6, 3)
    tensors = [
        Tensor("x", x_shape, DType.I8, Quantization.per_tensor(0.1, 4)),
        Tensor("w", weights, dtype, Quantization(scale, zero, 0),
               rng.integers(-bound, bound, weights).astype(np.int8)),
        Tensor("b", (weights[0],), DType.I32, Quantization(scale * np.float32(0.1), zero, 0),
               rng.integers(-500, 500, weights[0]).astype(np.int32)),
        Tensor("y", y, DType.I8, Quantization.per_tensor(0.7, -3)),
    ]  # fmt: skip
    node = Node("layer", operator, ("x", "w", "b"), ("y",))
    return Graph("one", {tensor.name: tensor for tensor in tensors}, (node,), ("x",), ("y",))


def assert_oracle_agrees(graph: Graph, path: Path) -> None:
    save_tflite(graph, path)
    again = load_model(path)
    rng = np.random.default_rng(1)
    with closing(open_oracle("tflm", path, again)) as oracle:
        for _ in range(3):
            x = [rng.integers(-128, 128, graph.tensor("x").shape).astype(np.int8)]
            expected = Reference(graph).run(x).outputs[0]
            np.testing.assert_array_equal(oracle.run(x).outputs[0], expected)
            np.testing.assert_array_equal(Reference(again).run(x).outputs[0], expected)


@pytest.mark.parametrize("dtype", [DType.I8, DType.I4, DType.I2])
def test_weights_keep_their_bits(dtype: DType, tmp_path: Path) -> None:
    """5 x 3 x 3 x 3 is an odd number of weights, so the last half byte is empty."""
    graph = conv_graph(dtype, Conv2D(), (5, 3, 3, 3), (1, 3, 4, 5))
    assert_oracle_agrees(graph, tmp_path / "conv.tflite")
    dense = conv_graph(dtype, FullyConnected(), (5, 90), (1, 5))
    assert_oracle_agrees(dense, tmp_path / "dense.tflite")
    for path, before in ((tmp_path / "conv.tflite", graph), (tmp_path / "dense.tflite", dense)):
        weights = load_model(path).tensor("w")
        assert weights.dtype is dtype
        np.testing.assert_array_equal(weights.data, before.tensor("w").data)


def test_narrow_convolution_weights_take_half_the_bytes() -> None:
    shape, y = (64, 3, 3, 3), (1, 3, 4, 64)
    wide, narrow = (len(export_tflite(conv_graph(d, Conv2D(), shape, y))) for d in (DType.I8, DType.I4))
    assert wide - narrow > 0.4 * 64 * 27


@pytest.mark.parametrize(
    ("padding", "y", "operators"),
    [
        (Padding(), (1, 3, 4, 5), ["CONV_2D"]),
        (Padding(1, 1, 1, 1), (1, 5, 6, 5), ["CONV_2D"]),
        (Padding(2, 0, 1, 3), (1, 5, 8, 5), ["PAD", "CONV_2D"]),
    ],
)
def test_padding(padding: Padding, y: tuple[int, ...], operators: list[str], tmp_path: Path) -> None:
    """What is neither SAME nor VALID becomes an operator of its own."""
    graph = conv_graph(DType.I8, Conv2D(padding=padding), (5, 3, 3, 3), y)
    assert_oracle_agrees(graph, tmp_path / "model.tflite")
    model = schema.Model.GetRootAs(export_tflite(graph), 0)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    codes = [names[model.OperatorCodes(i).BuiltinCode()] for i in range(model.OperatorCodesLength())]
    assert codes == operators


def test_state_is_refused() -> None:
    graph = conv_graph(DType.I8, Conv2D(), (5, 3, 3, 3), (1, 3, 4, 5))
    tensors = {**graph.tensors, "s": Tensor("s", (1, 3, 4, 5), DType.I8, graph.tensor("y").quantization)}
    state = State("s", "y", np.zeros((1, 3, 4, 5), np.int8))
    with pytest.raises(UsageError, match="not that of one recurrent layer"):
        export_tflite(replace(graph, tensors=tensors, states=(state,)))


def test_pool_padding_that_the_format_lacks_is_refused() -> None:
    """Padded positions of a pool do not count, so a PAD before it would be wrong."""
    quantization = Quantization.per_tensor(0.1, 0)
    tensors = {
        name: Tensor(name, shape, DType.I8, quantization)
        for name, shape in (("x", (1, 4, 4, 1)), ("y", (1, 4, 3, 1)))
    }
    node = Node("pool", MaxPool2D((3, 2), (1, 1), Padding(2, 0, 0, 0)), ("x",), ("y",))
    with pytest.raises(UsageError, match="padding"):
        export_tflite(Graph("pool", tensors, (node,), ("x",), ("y",)))


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    graph = conv_graph(DType.I8, Conv2D(), (5, 3, 3, 3), (1, 3, 4, 5))
    with pytest.raises(UsageError, match="nowhere"):
        save_tflite(graph, tmp_path / "nowhere" / "model.tflite")
