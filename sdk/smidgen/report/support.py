"""The support matrix, asked from the code: which operators of a file become an operator of Smidgen, and the
types that its meaning and the kernels of each set accept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from smidgen.compile.kernels import kernels_for, willing
from smidgen.errors import ModelError
from smidgen.graph import DType, Graph, operators
from smidgen.graph.operators import Operator
from smidgen.graph.reference import Reference
from smidgen.graph.reference.base import NARROW_WEIGHTS
from smidgen.importers import keras, onnx, tflite
from smidgen.report.samples import narrow_sample, samples
from smidgen.targets import Target, list_targets, load_target

TYPES = (DType.I8, DType.I16, DType.I32, DType.F32, DType.BOOL)
NOTHING = "(nothing: gone at import)"

# Operators of a .tflite file that become an operator of another name.
_BECOMES = {
    "SQUEEZE": "RESHAPE",
    "EXPAND_DIMS": "RESHAPE",
    "SLICE": "STRIDED_SLICE",
    "SPLIT_V": "SPLIT",
    "PADV2": "PAD",
    "EMBEDDING_LOOKUP": "GATHER",
    "MIRROR_PAD": "GATHER",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "LSTM",
    "BROADCAST_TO": "TILE",
    "REVERSE_V2": "STRIDED_SLICE",
    "RELU_N1_TO_1": "CLIP",
    "RELU_0_TO_1": "CLIP",
    "SELECT_V2": "SELECT",
    **{kind.name: "COMPARE" for kind in operators.Comparison},
    **{kind.value.upper(): "LOGICAL" for kind in operators.Connective},
}


@dataclass(frozen=True)
class Matrix:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def records(self) -> list[dict[str, str]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def markdown(self) -> str:
        """As a table for a README."""
        rows = [(f"`{name}`", *rest) for name, *rest in self.rows]
        lines = [self.columns, ("---",) * len(self.columns), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def support_matrix() -> Matrix:
    """One row per operator; columns: its names in model files, its meaning, each set of kernels.

    A file's operator stands beside the operator that it usually becomes; a Keras layer such as
    MultiHeadAttention becomes several.
    """
    targets = [load_target(path) for path in list_targets().values()]
    sets = {kernel_set: None for target in targets for kernel_set in reversed(target.kernels)}
    headings = tuple(f"{kernel_set} kernels ({_cores(kernel_set, targets)})" for kernel_set in sets)
    files = {
        ".tflite": {name: (_type_name(name),) for name in tflite.SUPPORTED},
        "ONNX": {name: importer.makes for name, importer in onnx.SUPPORTED.items()},
        "Keras": {name: importer.makes for name, importer in keras.SUPPORTED.items()},
    }
    rows = [
        (
            operator.type_name,
            _family(operator),
            *(_names(operator.type_name, made) for made in files.values()),
            _types(operator, _has_meaning),
            *(_types(operator, _has_kernel(one)) for one in sets),
        )
        for operator in _operators()
    ]
    gone = (" ".join(name for name, makes in made.items() if not makes) or "-" for made in files.values())
    rows.append((NOTHING, "-", *gone, *["-"] * (len(sets) + 1)))
    return Matrix(("operator", "family", *files, "reference", *headings), tuple(rows))


def _operators() -> list[type[Operator]]:
    """All operators, family by family."""
    every = {getattr(operators, name) for name in operators.__all__}
    kinds = [one for one in every if isinstance(one, type) and issubclass(one, Operator) and one.type_name]
    return sorted(kinds, key=lambda one: (_family(one), one.type_name))


def _family(operator: type[Operator]) -> str:
    return operator.__module__.rpartition(".")[2]


def _names(type_name: str, made: Mapping[str, tuple[str, ...]]) -> str:
    """What becomes this operator in the first place, or else among others."""
    first = [name for name, makes in made.items() if makes[:1] == (type_name,)]
    return " ".join(first or [name for name, makes in made.items() if type_name in makes]) or "-"


def _type_name(name: str) -> str:
    """What an operator of a .tflite file becomes; those that only Smidgen writes are called smidgen.NAME."""
    name = name.rpartition(".")[2]
    return _BECOMES.get(name, name)


def _cores(kernel_set: str, targets: list[Target]) -> str:
    """The cores that have a set of kernels."""
    having = [target for target in targets if kernel_set in target.kernels]
    if len(having) == len(targets):
        return "every target"
    return ", ".join(sorted({target.core.isa for target in having}))


def _types(operator: type[Operator], accepts: Callable[[Graph], bool]) -> str:
    accepted = [dtype.value for dtype in TYPES if any(accepts(graph) for graph in samples(operator, dtype))]
    narrow = [
        weights.value
        for weights in NARROW_WEIGHTS
        if (sample := narrow_sample(operator, weights)) is not None and accepts(sample)
    ]
    if narrow:  # only beside int8 activations
        accepted = [f"i8 (weights also {' '.join(narrow)})" if one == "i8" else one for one in accepted]
    return " ".join(accepted) or "-"


def _has_meaning(graph: Graph) -> bool:
    try:
        Reference(graph)
        return True
    except ModelError:
        return False


def _has_kernel(kernel_set: str) -> Callable[[Graph], bool]:
    specs = kernels_for([kernel_set])
    return lambda graph: _has_meaning(graph) and bool(willing(graph, graph.nodes[0], specs)[0])
