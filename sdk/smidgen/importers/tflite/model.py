"""From the file's operators and tensors to one checked Graph, with all problems collected on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smidgen.errors import ModelError, ProblemList
from smidgen.graph import DType, Graph, Node, State, Tensor
from smidgen.importers.names import graph_name, unique_name
from smidgen.importers.tflite.call import FIXED_SIZES, IMPORTERS, OWN_PREFIX, Call, Importer, Refused
from smidgen.importers.tflite.reader import FileModel, FileOperator, FileTensor
from smidgen.importers.tflite.tensors import BadTensor, convert

_MAX_PROBLEMS = 50  # a damaged file can make one of every tensor

_TO_INT8 = (
    "convert with converter.optimizations = [tf.lite.Optimize.DEFAULT], a representative_dataset, "
    "target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8] and "
    "inference_input_type = inference_output_type = tf.int8"
)
_DYNAMIC_SHAPE = ("RANK", "REDUCE_PROD", "RANGE", "FILL", "BROADCAST_ARGS")
_OTHER_CONVERSIONS = {
    "UINT8": "the model is quantized to uint8; only int8 is supported",
    "FLOAT16": "the model has half-precision weights (FLOAT16), which are not supported",
}


class ModelImport:
    """One file on its way into a Graph; `path` names it in problems."""

    def __init__(self, model: FileModel, path: Path) -> None:
        self.model = model
        self.path = path
        self.problems = ProblemList()
        self.names: set[str] = set()
        self.tensors: dict[int, Tensor | None] = {}  # None: it was refused, and its problem is listed
        self.extra: list[Tensor] = []
        self.nodes: list[Node] = []
        self.states: list[State] = []

    def run(self) -> Graph:
        """The Graph. Raises ModelError with every problem found."""
        self._check_conversion()
        if self.problems.problems:
            for operator in self.model.operators:
                self._importer(operator)
            self._stop_if_any()
        self._check_interface()
        for operator in self.model.operators:
            self._operator(operator)
        self._stop_if_any()
        self._check_order()
        self._stop_if_any()
        return self._graph()

    # What concerns the model as a whole

    def _check_conversion(self) -> None:
        """One problem for a model that was converted in another way than to int8 or float."""
        model, tensors = self.model, self.model.tensors
        ends = {*model.inputs, *model.outputs}
        if model.subgraphs > 1:
            self._problem(
                f"the model has {model.subgraphs} subgraphs, which control flow and variables make; only one "
                "is supported",
                "convert the model without control flow, with one signature",
            )
        if not model.operators or not model.outputs or not model.inputs:
            self._problem("the model has no operators, no inputs or no outputs")
            return
        used = {index for operator in model.operators for index in (*operator.inputs, *operator.outputs)}
        types = {tensors[index].type_name for index in used | ends if index >= 0}
        uint8 = [tensor for tensor in tensors if tensor.type_name == "UINT8" and tensor.index in used | ends]
        if uint8 and all(tensor.index in ends for tensor in uint8):
            listed = ", ".join(f"'{tensor.name}'" for tensor in uint8)
            self._problem(
                f"the model's interface is uint8 ({listed}); only int8 or float is supported",
                "convert with inference_input_type = inference_output_type = tf.int8",
            )
            types.discard("UINT8")
        for type_name, what in _OTHER_CONVERSIONS.items():
            if type_name in types:
                self._problem(what, _TO_INT8)

    def _check_interface(self) -> None:
        for role, indices in (("input", self.model.inputs), ("output", self.model.outputs)):
            for index in dict.fromkeys(indices):
                tensor = self._tensor(index)
                if tensor is not None and tensor.dtype not in (DType.I8, DType.I16, DType.I32, DType.F32):
                    self._tensor_problem(
                        index, f"is an {role} of the model of type {tensor.dtype.value}", _TO_INT8
                    )
                elif tensor is not None and tensor.is_constant:
                    self._tensor_problem(index, f"is an {role} of the model, but holds constant data")
        if len(set(self.model.inputs)) != len(self.model.inputs):
            self._problem("the model lists one input twice")
        for index in self.model.inputs:
            # A batch of unknown size is run as the batch of 1 that the shape says.
            file_tensor = self.model.tensors[index]
            if -1 in file_tensor.signature[1:]:
                self._tensor_problem(
                    index,
                    f"has the dynamic shape {list(file_tensor.signature)}; sizes must be fixed",
                    FIXED_SIZES,
                )

    def _check_order(self) -> None:
        """Every tensor is written once, before it is read."""
        written = {tensor.name for tensor in self._known() if tensor.is_constant}
        written |= {state.tensor for state in self.states}
        for index in self.model.inputs:
            if self._name(index) in written:
                self._tensor_problem(index, "is an input of the model and a variable tensor")
            written.add(self._name(index))
        for node in self.nodes:
            for name in node.inputs:
                if name is not None and name not in written:
                    self._problem(f"node {node.id} reads tensor '{name}' before anything has written it")
            for name in node.outputs:
                if name in written:
                    self._problem(f"node {node.id} writes tensor '{name}', which already has a value")
                written.add(name)
        for index in self.model.outputs:
            if self._name(index) not in written:
                self._tensor_problem(index, "is an output of the model, but no operator writes it")

    # Operators

    def _where(self, operator: FileOperator) -> str:
        return f"{self.path}: operator {operator.index} {operator.name}"

    def _importer(self, operator: FileOperator) -> Importer | None:
        """The operator's importer; None, with a problem listed, when there is none."""
        known = operator.custom == operator.name.startswith(OWN_PREFIX)
        importer = IMPORTERS.get(operator.name) if known else None
        if importer is None:
            kind = "custom operators are" if operator.custom else "this operator is"
            what = f"{kind} not supported"
            fix = "replace it in the model with supported operators (`smidgen ops` lists them)"
            if operator.name in _DYNAMIC_SHAPE:
                what, fix = "makes a shape only known at run time, which is not supported", FIXED_SIZES
            self.problems.add(self._where(operator), what, fix)
        return importer

    def _operator(self, operator: FileOperator) -> None:
        importer = self._importer(operator)
        if importer is None:
            return
        inputs = [None if index < 0 else self._tensor(index) for index in operator.inputs]
        outputs = [self._tensor(index) for index in operator.outputs]
        refused_inputs = any(
            tensor is None for tensor, index in zip(inputs, operator.inputs, strict=True) if index >= 0
        )
        if refused_inputs or any(tensor is None for tensor in outputs):
            return
        variables = frozenset(
            self._name(index)
            for index in operator.inputs
            if index >= 0 and self.model.tensors[index].variable
        )
        written = [tensor for tensor in outputs if tensor is not None]
        call = Call(operator, inputs, written, self._unique_name, variables)
        try:
            importer.function(call)
        except Refused as refused:
            self.problems.add(self._where(operator), refused.what, refused.fix)
            return
        self._keep(operator, call)
        for position, tensor in call.folded.items():
            self.tensors[operator.outputs[position]] = tensor
        self.nodes.extend(call.nodes)
        self.extra.extend(call.tensors)

    def _keep(self, operator: FileOperator, call: Call) -> None:
        """Add the states of an operator that changes the variable tensors that it reads."""
        changed = {before.name for before, _ in call.states}
        taken = {state.tensor for state in self.states}
        for name in sorted(call.variables):
            if name not in changed or name in taken:
                what = f"reads variable tensor '{name}', which only one recurrent layer may do"
                self.problems.add(self._where(operator), what, "convert the model without other variables")
        for before, after in call.states:
            zero = before.zero_point if before.dtype is DType.I8 else 0
            initial = np.full(before.shape, zero, before.dtype.numpy)
            self.states.append(State(before.name, after.name, initial))

    # Tensors

    def _tensor(self, index: int) -> Tensor | None:
        """The graph's tensor, converted at its first use; None when it cannot be."""
        if index not in self.tensors:
            file_tensor = self.model.tensors[index]
            try:
                self.tensors[index] = convert(file_tensor, self._unique_name(_tensor_name(file_tensor)))
            except BadTensor as error:
                self.tensors[index] = None
                self._tensor_problem(index, error.what, error.fix)
        return self.tensors[index]

    def _known(self) -> list[Tensor]:
        return [tensor for tensor in self.tensors.values() if tensor is not None] + self.extra

    def _name(self, index: int) -> str:
        tensor = self.tensors[index]
        assert tensor is not None
        return tensor.name

    def _unique_name(self, name: str) -> str:
        return unique_name(self.names, name)

    # The result

    def _graph(self) -> Graph:
        inputs = tuple(self._name(index) for index in self.model.inputs)
        outputs = tuple(self._name(index) for index in self.model.outputs)
        used = {name for node in self.nodes for name in (*node.inputs, *node.outputs)} | {*inputs, *outputs}
        tensors = {tensor.name: tensor for tensor in self._known() if tensor.name in used}
        nodes, states = tuple(self.nodes), tuple(self.states)
        return Graph(graph_name(self.path), tensors, nodes, inputs, outputs, states)

    # Problems

    def _problem(self, what: str, fix: str = "") -> None:
        self.problems.add(str(self.path), what, fix)

    def _tensor_problem(self, index: int, what: str, fix: str = "") -> None:
        name = _tensor_name(self.model.tensors[index])
        self.problems.add(f"{self.path}: tensor {index} '{name}'", what, fix)

    def _stop_if_any(self) -> None:
        problems = self.problems.problems
        if len(problems) > _MAX_PROBLEMS:
            count = len(problems) - _MAX_PROBLEMS
            del problems[_MAX_PROBLEMS:]
            self._problem(f"{count} more problems are not shown")
        self.problems.stop_if_any(ModelError)


def _tensor_name(tensor: FileTensor) -> str:
    """A printable name of reasonable length; converters chain the names of everything they fused."""
    printable = "".join(character if character.isprintable() else "?" for character in tensor.name)
    return printable[:200] or f"tensor_{tensor.index}"
