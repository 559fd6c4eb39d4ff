"""Builds ONNX models for tests, with seeded weights, and computes them with the evaluator of the onnx
package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.importers import onnx as importer
from smidgen.importers.onnx.edges import channels_first_edges


class OnnxBuilder:
    """Nodes are added in order; every method returns the name of what it made."""

    def __init__(self, seed: int = 0, opset: int = 17) -> None:
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.nodes: list = []
        self.inputs: list = []
        self.outputs: list = []
        self.initializers: list = []

    def input(self, shape: Sequence[int | str], name: str = "x", dtype: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def constant(self, values: np.ndarray | Sequence | float, dtype: type = np.float32) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape: int) -> str:
        scale = 1 / np.sqrt(max(np.prod(shape[1:]), 1))
        return self.constant(self.rng.normal(0, scale, shape))

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        names = [f"t{len(self.nodes)}" + (f"_{part}" if part else "") for part in range(outputs)]
        label = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [*inputs], names, name=label, **attributes))
        return names[0]

    def output(self, *names: str) -> None:
        self.outputs += [helper.make_empty_tensor_value_info(name) for name in names]

    # Layers

    def conv(self, x: str, inputs: int, outputs: int, kernel: int = 3, group: int = 1, **attributes) -> str:
        pads = [kernel // 2] * 4
        weights = self.weights(outputs, inputs // group, kernel, kernel)
        return self.node("Conv", x, weights, self.weights(outputs), group=group, pads=pads, **attributes)

    def batch_norm(self, x: str, channels: int) -> str:
        scale, variance = (self.constant(self.rng.uniform(0.5, 1.5, channels)) for _ in range(2))
        return self.node(
            "BatchNormalization", x, scale, self.weights(channels), self.weights(channels), variance
        )

    def linear(self, x: str, inputs: int, outputs: int) -> str:
        product = self.node("MatMul", x, self.constant(self.rng.normal(0, inputs**-0.5, (inputs, outputs))))
        return self.node("Add", product, self.weights(outputs))

    # The model

    def model(self) -> ModelProto:
        for output in self.outputs:
            if not output.type.WhichOneof("value"):
                output.type.tensor_type.elem_type = TensorProto.FLOAT
        graph = helper.make_graph(self.nodes, "test", self.inputs, self.outputs, self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)

    def graph(self) -> Graph:
        return importer.load(self.model().SerializeToString(), Path("model.onnx"))


def sample(model: ModelProto, seed: int = 0) -> dict[str, np.ndarray]:
    """One random input in the file's layout; a symbolic size is 1."""
    rng = np.random.default_rng(seed)
    feeds = {}
    for info in model.graph.input:
        shape = [max(dimension.dim_value, 1) for dimension in info.type.tensor_type.shape.dim]
        feeds[info.name] = rng.normal(size=shape).astype(np.float32)
    return feeds


def expected(model: ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What the onnx package computes, in the layout of an imported graph."""
    results = ReferenceEvaluator(model).run(None, dict(feeds))
    edges = channels_first_edges(model.graph)
    return [
        channels_last(array) if info.name in edges and array.ndim in (3, 4) else array
        for info, array in zip(model.graph.output, results, strict=True)
    ]


def computed(model: ModelProto, graph: Graph, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What the graph computes from inputs in the file's layout."""
    edges = channels_first_edges(model.graph)
    inputs = [
        channels_last(array) if name in edges and array.ndim in (3, 4) else array
        for name, array in feeds.items()
    ]
    narrowed = [array.astype(np.int32) if array.dtype == np.int64 else array for array in inputs]
    return Reference(graph).run(narrowed).outputs


def channels_last(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(array, 1, -1))
