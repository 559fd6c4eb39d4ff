"""Names that are taken while a file is imported, and the folder it lies in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from smidgen.importers.names import unique_name
from smidgen.importers.onnx.problems import Refused

MAX_CONSTANTS = 1 << 26


@dataclass
class Scope:
    """folder: where the model's external data may lie; labels: tensors between nodes -> the file's name for
    what they hold, perhaps in another order."""

    folder: Path
    labels: dict[str, str] = field(default_factory=dict)
    elements: int = 0  # of all constants so far
    _tensors: set[str] = field(default_factory=set)
    _nodes: set[str] = field(default_factory=set)

    def count(self, arrays: Iterable[np.ndarray]) -> None:
        """Constants that are held from now on. Raises Refused when all together are absurdly many."""
        self.elements += sum(array.size for array in arrays)
        if self.elements > MAX_CONSTANTS:
            raise Refused(f"makes the constants of the model more than {MAX_CONSTANTS:,} numbers")

    def unique(self, name: str) -> str:
        """A printable tensor name of reasonable length that no other tensor has."""
        return unique_name(self._tensors, printable(name) or "tensor")

    def labelled(self, label: str, what: str) -> str:
        """A name for a tensor that the file does not have."""
        name = self.unique(f"{label}_{what}")
        self.labels[name] = printable(label)
        return name

    def again(self, name: str) -> str:
        """A name for another form of a constant."""
        own = self.unique(name)
        self.labels[own] = self.labels.get(name, printable(name))
        return own

    def unique_node(self, name: str) -> str:
        return unique_name(self._nodes, printable(name))


def printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)[:200]
