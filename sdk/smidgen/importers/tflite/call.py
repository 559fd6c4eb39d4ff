"""One operator of the file on its way into the graph, and the registry of those that are understood.

An importer is a function of one `Call`: it checks the operator against the tensors that it reads and writes,
then emits the graph's nodes. `Call.fail` ends it with a problem; the others of the file are still looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np

from smidgen.graph import DType, Node, Quantization, Tensor
from smidgen.graph.operators import Activation, Operator
from smidgen.graph.reference.base import QUANTIZED
from smidgen.importers.tflite.reader import FileOperator
from smidgen.importers.tflite.tensors import BadTensor, check_shape

FIXED_SIZES = "convert the model with fixed sizes, for example keras.Input(batch_shape=(1, ...))"

OWN_PREFIX = "smidgen."  # of custom operators that Smidgen's exporter writes

_ACTIVATIONS = {0: Activation.NONE, 1: Activation.RELU, 2: Activation.RELU_N1_TO_1, 3: Activation.RELU6}
_ACTIVATION_NAMES = {4: "TANH", 5: "SIGN_BIT"}


class Refused(Exception):
    """The operator cannot be imported: what is wrong and what to do."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


@dataclass(frozen=True)
class Importer:
    """function: checks and emits; options: the operator's table in the schema, None when it needs none.

    folds: it never becomes a node, because its output is known at import.
    """

    function: Callable[[Call], None]
    options: str | None
    folds: bool

    @property
    def family(self) -> str:
        """The operator family, the file name that it has in every stage."""
        module = self.function.__module__.rpartition(".")[2]
        return "shape" if module in ("slices", "rearrange") else module


IMPORTERS: dict[str, Importer] = {}


_Function = Callable[["Call"], None]


def importer(name: str, options: str | None = None, folds: bool = False) -> Callable[[_Function], _Function]:
    """Register a function for the builtin operator of that name."""

    def register(function: _Function) -> _Function:
        IMPORTERS[name] = Importer(function, options, folds)
        return function

    return register


@dataclass
class Call:
    """file: the operator as read; inputs, outputs: its tensors in the graph; unique_name: makes new names;
    variables: names of those inputs that are variable tensors; states: what they become after a run."""

    file: FileOperator
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    unique_name: Callable[[str], str]
    variables: frozenset[str] = frozenset()
    states: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    folded: dict[int, Tensor] = field(default_factory=dict)  # by position among the outputs

    # Reading the operator

    def fail(self, what: str, fix: str = "") -> NoReturn:
        raise Refused(what, fix)

    def expect(self, inputs: int | tuple[int, int], outputs: int = 1) -> None:
        """Fail unless the operator has that many inputs (a number or a range) and outputs."""
        low, high = (inputs, inputs) if isinstance(inputs, int) else inputs
        if not low <= len(self.inputs) <= high:
            allowed = str(low) if low == high else f"{low} to {high}"
            self.fail(f"has {len(self.inputs)} inputs instead of {allowed}")
        if len(self.outputs) != outputs:
            self.fail(f"has {len(self.outputs)} outputs instead of {outputs}")

    def input(self, index: int, role: str = "input") -> Tensor:
        """An input that must be there."""
        tensor = self.optional_input(index)
        if tensor is None:
            self.fail(f"its {role} is absent")
        return tensor

    def optional_input(self, index: int) -> Tensor | None:
        return self.inputs[index] if index < len(self.inputs) else None

    def parameter(self, index: int, role: str) -> np.ndarray:
        """The integers of a constant input such as axes or sizes, flattened."""
        tensor = self.input(index, role)
        if tensor.data is None:
            self.fail(
                f"its {role} is computed at run time, so a shape is dynamic",
                FIXED_SIZES,
            )
        if tensor.dtype is not DType.I32:
            self.fail(f"its {role} has type {tensor.dtype.value} instead of i32")
        return tensor.data.reshape(-1)

    def option(self, name: str) -> int | float | bool:
        """A field of the options table, by its accessor's name in the schema."""
        options = self.file.options
        if options is None or options.kind != IMPORTERS[self.file.name].options:
            self.fail("its options are missing or of another operator's kind")
        return options.value(name)

    def activation(self, y: Tensor) -> Activation:
        """The activation fused into the operator that writes `y`."""
        code = self.option("FusedActivationFunction")
        if code not in _ACTIVATIONS:
            name = _ACTIVATION_NAMES.get(int(code), f"number {code}")
            self.fail(
                f"fused activation {name} is not supported", "keep the activation as an operator of its own"
            )
        activation = _ACTIVATIONS[int(code)]
        if activation in (Activation.RELU6, Activation.RELU_N1_TO_1):
            self.expect_bound(y)
        return activation

    def expect_bound(self, y: Tensor) -> None:
        """Fail when an activation's bound, at most 6, is no 32-bit integer in the quantization of `y`."""
        if y.dtype in QUANTIZED and 6 / y.scale >= 1 << 30:
            self.fail(f"scale {y.scale:g} of tensor '{y.name}' is too small for its activation's bounds")

    def axis(self, value: int, rank: int, what: str = "axis") -> int:
        """A possibly negative axis as a non-negative one."""
        if not -rank <= value < rank:
            self.fail(f"{what} {value} does not exist in {rank} dimensions")
        return int(value) % rank

    # Checking tensors

    def expect_types(self, *tensors: Tensor, wide: bool = False) -> DType:
        """Fail unless all tensors are int8 (int16 where it is `wide`) with a quantization, or all float.

        Returns that type.
        """
        dtypes = {tensor.dtype for tensor in tensors}
        known = (*QUANTIZED, DType.F32) if wide else (DType.I8, DType.F32)
        dtype = next((one for one in known if dtypes == {one}), None)
        if dtype is None:
            listed = " and ".join(sorted(dtype.value for dtype in dtypes))
            fix = FIXED_SIZES if DType.I32 in dtypes else "convert the whole model to int8"
            names = " or ".join(one.value for one in known)
            self.fail(f"works on {listed}; supported are {names} throughout", fix)
        if dtype is not DType.F32:
            for tensor in tensors:
                self.expect_quantized(tensor)
        return dtype

    def expect_quantized(self, tensor: Tensor) -> None:
        """Fail unless the tensor has one scale and one zero point."""
        if tensor.quantization is None:
            self.fail(f"tensor '{tensor.name}' has no quantization", "convert with a representative_dataset")
        if tensor.quantization.axis is not None:
            self.fail(f"tensor '{tensor.name}' is quantized per channel, which only weights can be")

    def expect_same_quantization(self, *tensors: Tensor) -> None:
        """Fail when integer values would have to change from one tensor to another."""
        first = tensors[0]
        if first.dtype not in QUANTIZED:
            return
        for other in tensors[1:]:
            if other.zero_point != first.zero_point or not nearly_equal(other.scale, first.scale):
                self.fail(
                    f"tensors '{first.name}' and '{other.name}' are quantized differently, and this operator "
                    "does not rescale",
                    "convert again with a current TensorFlow, which gives both one scale",
                )

    def expect_shape(self, tensor: Tensor, shape: tuple[int, ...]) -> None:
        """Fail unless the file's shape is the one that follows from the inputs."""
        if tensor.shape != tuple(shape):
            self.fail(
                f"output shape is {list(tensor.shape)} in the file, but {list(shape)} follows from its inputs"
            )

    def expect_broadcast(self, y: Tensor, *inputs: Tensor) -> None:
        """Fail unless the output has the shape that the inputs broadcast to, as in NumPy."""
        try:
            shape = np.broadcast_shapes(*(tensor.shape for tensor in inputs))
        except ValueError:
            shapes = " and ".join(str(list(tensor.shape)) for tensor in inputs)
            self.fail(f"shapes {shapes} do not broadcast")
        self.expect_shape(y, shape)

    def expect_rank(self, tensor: Tensor, rank: int, role: str = "input") -> None:
        if len(tensor.shape) != rank:
            self.fail(f"its {role} has shape {list(tensor.shape)}; {rank} dimensions are needed")

    # Writing the graph

    def emit(
        self, operator: Operator, inputs: list[Tensor | None], outputs: list[Tensor], suffix: str = ""
    ) -> None:
        """Add a node called after the operator and its index in the file."""
        identifier = f"{self.file.name.lower().replace('_2d', '2d')}_{self.file.index}{suffix}"
        names = tuple(None if tensor is None else tensor.name for tensor in inputs)
        self.nodes.append(Node(identifier, operator, names, tuple(tensor.name for tensor in outputs)))

    def fold(self, values: np.ndarray) -> None:
        """Make the only output a constant of these 32-bit integers: arithmetic on shapes, done at import."""
        y = self.outputs[0]
        if y.dtype is not DType.I32:
            self.fail(f"writes {y.dtype.value} instead of i32", FIXED_SIZES)
        if y.is_constant:
            self.fail(f"writes tensor '{y.name}', which already has a value")
        self.expect_shape(y, values.shape)
        self.folded[0] = replace(y, data=values.astype(np.int32))

    def new_tensor(self, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        """A tensor between two nodes of one operator, with the quantization of `like`."""
        try:
            check_shape(shape)
        except BadTensor as error:
            self.fail(error.what, error.fix)
        tensor = Tensor(self.unique_name(f"{like.name}_part"), shape, like.dtype, like.quantization)
        self.tensors.append(tensor)
        return tensor

    def new_constant(self, like: Tensor, data: np.ndarray, quantization: Quantization | None) -> Tensor:
        """A constant in another shape or with a corrected quantization, under another name."""
        name = self.unique_name(like.name)
        constant = replace(like, name=name, shape=data.shape, data=data, quantization=quantization)
        self.tensors.append(constant)
        return constant


def nearly_equal(a: float, b: float) -> bool:
    """Whether two scales are one scale but for float32 rounding in a converter."""
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b))
