"""Import of TensorFlow Lite models (.tflite), int8 or float."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from smidgen.errors import ModelError, Problem
from smidgen.graph import Graph
from smidgen.importers.tflite import (
    activation,
    conv,
    elementwise,
    logic,
    matmul,
    own,
    pool,
    quantize,
    rearrange,
    recurrent,
    reduce,
    resize,
    shape,
    slices,
    unary,
)
from smidgen.importers.tflite.call import IMPORTERS, OWN_PREFIX, Importer
from smidgen.importers.tflite.model import ModelImport
from smidgen.importers.tflite.reader import SIGNATURE, DamagedFile, read

# Loading a family's module registers its importers.
FAMILIES = (
    conv,
    matmul,
    pool,
    reduce,
    elementwise,
    unary,
    logic,
    activation,
    shape,
    slices,
    rearrange,
    quantize,
    resize,
    recurrent,
    own,
)

# Builtin operator name -> how it is imported. SHAPE is missing: it is understood, but becomes a constant.
SUPPORTED: Mapping[str, Importer] = MappingProxyType(
    {
        name: importer
        for name, importer in IMPORTERS.items()
        if not importer.folds and not name.startswith(OWN_PREFIX)
    }
)


def is_tflite(content: bytes) -> bool:
    """Whether the content carries the signature of TFLite's flatbuffers."""
    return content[4:8] == SIGNATURE


def load(content: bytes, path: Path) -> Graph:
    """Import a .tflite file's content; `path` names it in errors and gives the graph its name.

    Raises ModelError with every problem found.
    """
    try:
        return ModelImport(read(content), path).run()
    except DamagedFile as error:
        fix = "the file is damaged or truncated: download it or convert the model again"
        raise ModelError(Problem(str(path), str(error), fix)) from None
