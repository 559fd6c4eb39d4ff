"""From the file's nodes and values to one checked Graph, with all problems collected on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto

from smidgen.errors import ModelError, ProblemList
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import Reshape, Transpose
from smidgen.importers.names import graph_name
from smidgen.importers.onnx.call import IMPORTERS, Call, Value, to_channels_first, to_channels_last
from smidgen.importers.onnx.constants import FIXED_SIZES, check_shape, to_array, type_name
from smidgen.importers.onnx.edges import channels_first_edges
from smidgen.importers.onnx.fold import FOLDED, fold
from smidgen.importers.onnx.problems import Refused
from smidgen.importers.onnx.reader import DEFAULT_DOMAINS, check_frame
from smidgen.importers.onnx.scope import Scope, printable

_MAX_PROBLEMS = 50  # a damaged file can make one of every node
_INPUT_TYPES = {
    "FLOAT": DType.F32,
    "BOOL": DType.BOOL,
    "INT32": DType.I32,
    "INT64": DType.I32,
}
# Operators that compute on integers, of the ONNX domain and of onnxruntime's.
_QUANTIZED = ("QLinear", "QGemm", "ConvInteger", "MatMulInteger", "DynamicQuantize")
_CONTROL_FLOW = ("If", "Loop", "Scan")


class ModelImport:
    """One file on its way into a Graph; `path` names it in problems."""

    def __init__(self, model: ModelProto, path: Path) -> None:
        self.model = model
        self.path = path
        self.problems = ProblemList()
        self.opset = 0
        self.scope = Scope(path.parent)
        self.values: dict[str, Value | None] = {"": None}  # None: refused, and its problem is listed
        self.inputs: list[str] = []
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []

    def run(self) -> Graph:
        """The Graph as the file has it, still with its Transposes. Raises ModelError with every problem."""
        self.opset = check_frame(self.model, str(self.path), self.problems)
        if self.problems.problems:
            for index, node in enumerate(self.model.graph.node):
                self._known(index, node)
            self._stop_if_any()
        images = channels_first_edges(self.model.graph)
        self._initializers()
        for info in self.model.graph.input:
            if info.name not in self.values:
                self._input(info, images)
        for index, node in enumerate(self.model.graph.node):
            self._node(index, node)
        self._stop_if_any()
        outputs = [self._output(info, images) for info in self.model.graph.output]
        self._stop_if_any()
        return self._graph(outputs)

    # Values that the file gives

    def _initializers(self) -> None:
        for tensor in self.model.graph.initializer:
            try:
                if tensor.name in self.values:
                    raise Refused("occurs twice")
                array = to_array(tensor, self.scope.folder)
                self.scope.count([array])
                self.values[tensor.name] = array
            except Refused as refused:
                self.values[tensor.name] = None
                self._problem(f"initializer '{printable(tensor.name)}'", refused)

    def _input(self, info: ValueInfoProto, images: set[str]) -> None:
        """One input of the graph. What convolutions read channels first is given channels last."""
        try:
            dtype, shape = self._type(info), self._shape(info)
            check_shape(shape)
            x = Tensor(self.scope.unique(info.name), shape, dtype)
        except Refused as refused:
            self.values[info.name] = None
            self._problem(f"input '{printable(info.name)}'", refused)
            return
        value = x
        if info.name in images and len(x.shape) in (3, 4):
            value = replace(x, name=self.scope.unique(f"{x.name}_channels_first"))
            x = replace(x, shape=tuple(x.shape[axis] for axis in to_channels_last(len(x.shape))))
            self._transpose(x, value, to_channels_first(len(x.shape)))
        self.inputs.append(x.name)
        self.tensors.append(x)
        self.values[info.name] = value

    def _transpose(self, x: Tensor, y: Tensor, permutation: tuple[int, ...]) -> None:
        identifier = self.scope.unique_node(f"transpose_{x.name}")
        self.nodes.append(Node(identifier, Transpose(permutation), (x.name,), (y.name,)))
        self.tensors.append(y)

    def _type(self, info: ValueInfoProto) -> DType:
        if not info.type.HasField("tensor_type"):
            raise Refused("is no tensor", "export a model whose inputs are tensors")
        name = type_name(info.type.tensor_type.elem_type)
        if name not in _INPUT_TYPES:
            raise Refused(f"has type {name}; supported are {', '.join(_INPUT_TYPES)}", "export it as float32")
        return _INPUT_TYPES[name]

    def _shape(self, info: ValueInfoProto) -> tuple[int, ...]:
        """Its sizes; a symbolic batch is a batch of 1."""
        if not info.type.tensor_type.HasField("shape"):
            raise Refused("has no shape", FIXED_SIZES)
        sizes = []
        for axis, dimension in enumerate(info.type.tensor_type.shape.dim):
            if dimension.HasField("dim_value") and dimension.dim_value != -1:
                sizes.append(dimension.dim_value)
            elif axis == 0 or "batch" in dimension.dim_param.lower():
                sizes.append(1)
            else:
                symbol = printable(dimension.dim_param) or "?"
                raise Refused(
                    f"has the dynamic size '{symbol}' at axis {axis}; sizes must be fixed", FIXED_SIZES
                )
        return tuple(sizes)

    # Nodes

    def _known(self, index: int, node: NodeProto) -> bool:
        """Whether there is a way to import the node; a problem is listed otherwise."""
        name = printable(node.op_type)
        known = node.domain in DEFAULT_DOMAINS and (name in IMPORTERS or name in FOLDED)
        if not known:
            what, fix = "is not supported", "replace it with supported operators (`smidgen ops` lists them)"
            if name.startswith(_QUANTIZED):
                fix = "quantize with QuantizeLinear and DequantizeLinear (onnxruntime: QuantFormat.QDQ)"
            elif node.domain not in DEFAULT_DOMAINS:
                what = f"operators of the domain '{printable(node.domain)}' are not supported"
                fix = "export with operators of the ONNX domain only"
            elif name in _CONTROL_FLOW:
                what = "is control flow, which is not supported"
                fix = "export the model without loops and branches"
            self._node_problem(index, node, Refused(what, fix))
        return known

    def _node(self, index: int, node: NodeProto) -> None:
        values: list[Value | None] = []
        try:
            outputs: list[Value | None] = [None] * len(node.output)
            known = self._known(index, node)
            missing = [name for name in node.input if name not in self.values]
            if missing:
                listed = ", ".join(f"'{printable(name)}'" for name in missing)
                raise Refused(f"reads {listed} before anything has written it")
            refused = any(name and self.values[name] is None for name in node.input)
            if known and not refused:
                values = [self.values[name] for name in node.input]
                outputs = [*self._import(index, node, values)]
        except Refused as refused_node:
            self._node_problem(index, node, refused_node)
        for name, value in zip(node.output, outputs, strict=True):
            if name in self.values and name:
                self._node_problem(
                    index, node, Refused(f"writes '{printable(name)}', which already has a value")
                )
            elif name:
                self.values[name] = value

    def _import(self, index: int, node: NodeProto, values: list[Value | None]) -> list[Value | None]:
        """One value per output."""
        if not node.output:
            raise Refused("has no outputs")
        arrays = [value for value in values if value is not None]
        all_known = bool(arrays) and all(isinstance(value, np.ndarray) for value in arrays)
        if all_known and node.op_type in FOLDED:
            results: list[Value] = [*fold(node, self.opset, values)]  # type: ignore[arg-type]
            self.scope.count(results)  # type: ignore[arg-type]
        elif node.op_type in IMPORTERS:
            call = Call(node, index, self.opset, values, self.scope)
            made = IMPORTERS[node.op_type].function(call)
            results = [made] if isinstance(made, np.ndarray | Tensor) else list(made)
            results = self._adopt(call, results)
        else:
            raise Refused(
                "works on values that are only known at run time, which is not supported", FIXED_SIZES
            )
        # Outputs behind the last that the importer makes may only be absent.
        while len(results) < len(node.output) and not any(node.output[len(results) :]):
            return [*results, *[None] * (len(node.output) - len(results))]
        if len(results) < len(node.output):
            listed = printable(node.output[len(results)])
            raise Refused(f"its output '{listed}' is not supported", "export the model for inference")
        return [*results[: len(node.output)]]

    def _adopt(self, call: Call, results: list[Value]) -> list[Value]:
        """Take over a call's nodes; what they make for the file's outputs gets the file's names."""
        made = {tensor.name for tensor in call.tensors if tensor.data is None}
        names: dict[str, str] = {}
        for result, output in zip(results, call.file.output, strict=False):
            if isinstance(result, Tensor) and output and result.name in made and result.name not in names:
                names[result.name] = self.scope.unique(output)

        def renamed(tensor: Tensor) -> Tensor:
            return replace(tensor, name=names.get(tensor.name, tensor.name))

        self.tensors += [renamed(tensor) for tensor in call.tensors]
        for node in call.nodes:
            inputs = tuple(None if name is None else names.get(name, name) for name in node.inputs)
            outputs = tuple(names.get(name, name) for name in node.outputs)
            self.nodes.append(replace(node, inputs=inputs, outputs=outputs))
        return [_value(renamed(result)) if isinstance(result, Tensor) else result for result in results]

    # The result

    def _output(self, info: ValueInfoProto, images: set[str]) -> str:
        where = f"output '{printable(info.name)}'"
        value = self.values.get(info.name)
        if value is None:
            self._problem(where, Refused("nothing in the file writes it"))
            return ""
        if not isinstance(value, Tensor) or value.data is not None:
            self._problem(where, Refused("is a constant, whatever the inputs are"))
            return ""
        if info.name in images and len(value.shape) in (3, 4):
            permutation = to_channels_last(len(value.shape))
            shape = tuple(value.shape[axis] for axis in permutation)
            y = replace(value, name=self.scope.labelled(info.name, "part"), shape=shape)
            self._transpose(value, y, permutation)
            return y.name
        if value.name in self.inputs:
            y = replace(value, name=self.scope.unique(info.name))
            identifier = self.scope.unique_node(f"identity_{value.name}")
            self.nodes.append(Node(identifier, Reshape(), (value.name,), (y.name,)))
            self.tensors.append(y)
            return y.name
        return value.name

    def _graph(self, outputs: list[str]) -> Graph:
        used = {name for node in self.nodes for name in (*node.inputs, *node.outputs)}
        used |= {*self.inputs, *outputs}
        tensors = {tensor.name: tensor for tensor in self.tensors if tensor.name in used}
        return Graph(graph_name(self.path), tensors, tuple(self.nodes), tuple(self.inputs), tuple(outputs))

    # Problems

    def _problem(self, where: str, refused: Refused) -> None:
        self.problems.add(f"{self.path}: {where}", refused.what, refused.fix)

    def _node_problem(self, index: int, node: NodeProto, refused: Refused) -> None:
        name = f" '{printable(node.name)}'" if node.name else ""
        self._problem(f"node {index} {printable(node.op_type)}{name}", refused)

    def _stop_if_any(self) -> None:
        problems = self.problems.problems
        if len(problems) > _MAX_PROBLEMS:
            count = len(problems) - _MAX_PROBLEMS
            del problems[_MAX_PROBLEMS:]
            self.problems.add(str(self.path), f"{count} more problems are not shown")
        self.problems.stop_if_any(ModelError)


def _value(tensor: Tensor) -> Value:
    """A constant without quantization is an array, so that arithmetic on it goes on at import."""
    return tensor if tensor.data is None or tensor.quantization is not None else tensor.data
