"""Names that are taken while a file is imported, and the folder it lies in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Scope:
    """folder: where the model's external data may lie."""

    folder: Path
    _tensors: set[str] = field(default_factory=set)
    _nodes: set[str] = field(default_factory=set)

    def unique(self, name: str) -> str:
        """A printable tensor name of reasonable length that no other tensor has."""
        return _unique(self._tensors, printable(name) or "tensor")

    def unique_node(self, name: str) -> str:
        return _unique(self._nodes, printable(name))


def printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)[:200]


def _unique(taken: set[str], name: str) -> str:
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    taken.add(candidate)
    return candidate
