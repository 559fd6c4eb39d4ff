"""Import of ONNX models, float or quantized with QuantizeLinear and DequantizeLinear (QDQ).

An input that convolutions and the like read channels first, (N, C, H, W), is an input (N, H, W, C) of the
graph, and an output that they so write is one, too; see `edges`. A symbolic batch becomes 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from smidgen.errors import ModelError, Problem
from smidgen.graph import Graph
from smidgen.importers import folding
from smidgen.importers.layout import cancel_transposes
from smidgen.importers.names import with_names
from smidgen.importers.onnx import (
    activation,
    conv,
    elementwise,
    logic,
    matmul,
    norm,
    pool,
    quantize,
    recurrent,
    reduce,
    resize,
    shape,
    slices,
    unary,
)
from smidgen.importers.onnx.call import IMPORTERS, Importer
from smidgen.importers.onnx.model import ModelImport
from smidgen.importers.onnx.qdq import is_quantized, to_integers
from smidgen.importers.onnx.reader import parse
from smidgen.importers.patterns import join_patterns

# Loading a family's module registers its importers.
FAMILIES = (
    activation, conv, elementwise, logic, matmul, norm, pool, quantize, recurrent, reduce, resize, shape,
    slices, unary,
)  # fmt: skip

# ONNX operator -> how it is imported. Constant, Shape and Size are missing: they are known at import.
SUPPORTED: Mapping[str, Importer] = MappingProxyType(
    {name: importer for name, importer in IMPORTERS.items() if not importer.folds}
)


def is_onnx(content: bytes) -> bool:
    """Whether the content is a protobuf message with what every ONNX model has; the format has no
    signature."""
    return parse(content) is not None


def load(content: bytes, path: Path) -> Graph:
    """Import an ONNX file's content; `path` names it in errors, and data beside it may belong to it.

    Raises ModelError with every problem found.
    """
    model = parse(content)
    if model is None:
        fix = "the file is damaged or truncated: download it or export the model again"
        raise ModelError(Problem(str(path), "is no ONNX model", fix))
    done = ModelImport(model, path)
    graph = join_patterns(cancel_transposes(done.run()))
    if is_quantized(graph.tensors):
        graph = to_integers(graph, str(path))
    graph = folding.fold(graph)
    # Folding leaves Reshapes beside each other.
    return with_names(cancel_transposes(graph), done.scope.labels)
