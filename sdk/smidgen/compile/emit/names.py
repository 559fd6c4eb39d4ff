"""C identifiers and types."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from smidgen.graph import DType

_DTYPES = {
    DType.F32: "float", DType.I8: "int8_t", DType.I16: "int16_t", DType.I32: "int32_t",
    DType.I4: "uint8_t", DType.I2: "uint8_t", DType.BOOL: "uint8_t",
}  # fmt: skip
_ARRAYS = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t",
    "uint32": "uint32_t", "int64": "int64_t", "uint64": "uint64_t", "float32": "float", "bool": "uint8_t",
}  # fmt: skip


def identifier(text: str) -> str:
    """A lower-case C identifier made from any text, for the start of a model's names.

    It is always followed by an underscore and more, so it cannot meet a keyword; `smidgen` is taken.
    """
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not name or name[0].isdigit() or name.startswith("smidgen"):
        name = f"model_{name}".rstrip("_")
    return name


def unique_identifiers(texts: Iterable[str], prefix: str) -> dict[str, str]:
    """A C identifier for each text, all different, starting with `prefix_`."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for text in texts:
        base = f"{prefix}_{re.sub(r'[^a-z0-9]+', '_', text.lower()).strip('_') or 'value'}"[:60]
        name, number = base, 1
        while name in used:
            number += 1
            name = f"{base}_{number}"
        used.add(name)
        names[text] = name
    return names


def tensor_type(dtype: DType) -> str:
    """The C type in which a tensor of this type lies in the arena."""
    return _DTYPES[dtype]


def array_type(array: np.ndarray) -> str:
    """The C type of a constant array's elements."""
    return _ARRAYS[array.dtype.name]
