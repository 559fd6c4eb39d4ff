"""The hardware map: which boards there are, in the YAML format of Zephyr's twister.

A list of entries with the keys that twister knows (scripts/schemas/twister/hwmap-schema.yaml in Zephyr); the
ones that Smidgen has no use for, and any others, are kept as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from smidgen.errors import ProblemList, UsageError

_LARGEST_BYTES = 1 << 20
_MOST_NODES = 100_000  # aliases may multiply what a small file holds
_DEEPEST = 20
_REQUIRED = ("connected", "id", "platform", "product", "runner")
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Entry:
    """One board. platforms: targets, or Zephyr's names of them; serial: a device or a pyserial URL;
    serial_pty: a command whose standard input and output are the line; fixtures: what is attached; extra: all
    other keys.

    An entry with neither serial nor serial_pty is a virtual board, or one that is not to be reached.
    """

    file: Path
    line: int
    id: str
    platforms: tuple[str, ...]
    product: str
    runner: str
    connected: bool
    serial: str = ""
    serial_pty: str = ""
    baud: int | None = None
    probe_id: str = ""
    fixtures: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.file}, line {self.line}, board '{self.id}'"


def read_hardware_map(path: Path) -> tuple[Entry, ...]:
    """The entries in the order of the file. UsageError with everything that is wrong in it."""
    problems = ProblemList()
    root = _parse(path, problems)
    problems.stop_if_any(UsageError)
    if not isinstance(root, yaml.SequenceNode):
        fix = "write one `- id: ...` for each board, as twister's --generate-hardware-map does"
        problems.add(str(path), "is not a list of boards", fix)
        problems.stop_if_any(UsageError)
    entries = [_Reader(path, number, node, problems).entry() for number, node in enumerate(root.value, 1)]
    problems.stop_if_any(UsageError)
    return tuple(entries)


def _parse(path: Path, problems: ProblemList) -> yaml.Node | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
        if len(data) > _LARGEST_BYTES:
            problems.add(str(path), "is too large for a hardware map (1 MiB)")
            return None
        # Nodes instead of values: they know their lines, and an id keeps its leading zeros.
        return yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        problems.add(str(path), f"cannot read the hardware map: {error.strerror}")
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        what = " ".join(str(error).split()) or type(error).__name__
        problems.add(str(path), f"is not valid YAML: {what}")
    return None


class _Reader:
    """Reads one entry and collects a problem for each key that is wrong or missing."""

    def __init__(self, path: Path, number: int, node: yaml.Node, problems: ProblemList) -> None:
        self._path, self._number, self._node, self._problems = path, number, node, problems
        self._nodes: dict[str, yaml.Node] = {}
        self._left = _MOST_NODES

    def entry(self) -> Entry:
        line = self._node.start_mark.line + 1
        if not isinstance(self._node, yaml.MappingNode):
            self._problem(self._node, "", "is not a board: it has no keys")
            return Entry(self._path, line, "", (), "", "", False)
        for key, value in self._node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._problem(key, "", "has a key that is no text")
            elif key.value in self._nodes:
                self._problem(key, key.value, "is there twice")
            else:
                self._nodes[key.value] = value
        for key in _REQUIRED:
            if key not in self._nodes:
                self._problem(self._node, key, "is missing")
        entry = Entry(
            file=self._path,
            line=line,
            id=self._text("id"),
            platforms=self._platforms(),
            product=self._text("product"),
            runner=self._text("runner"),
            connected=self._flag("connected"),
            serial=self._text("serial"),
            serial_pty=self._text("serial_pty"),
            baud=self._number_of("serial_baud", self._number_of("baud", None)),
            probe_id=self._text("probe_id"),
            fixtures=self._texts("fixtures"),
            extra=self._extra(),
        )
        if entry.serial and entry.serial_pty:
            self._problem(self._nodes["serial_pty"], "serial_pty", "is there beside 'serial'", "keep one")
        for key in ("id", "platform"):
            if key in self._nodes and _is_empty(self._nodes[key]):
                self._problem(self._nodes[key], key, "is empty")
        return entry

    def _problem(self, node: yaml.Node, key: str, what: str, fix: str = "") -> None:
        given = self._nodes.get("id")
        name = given.value if isinstance(given, yaml.ScalarNode) and given.value else f"number {self._number}"
        where = f"{self._path}, line {node.start_mark.line + 1}, board '{name}'"
        self._problems.add(where, f"'{key}' {what}" if key else what, fix)

    def _text(self, key: str) -> str:
        node = self._nodes.get(key)
        if node is None or _is_null(node):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self._problem(node, key, "must be a text")
            return ""
        return node.value

    def _platforms(self) -> tuple[str, ...]:
        """A list, or a text with spaces between the names."""
        if isinstance(self._nodes.get("platform"), yaml.SequenceNode):
            return self._texts("platform")
        return tuple(self._text("platform").split())

    def _flag(self, key: str) -> bool:
        node = self._nodes.get(key)
        if node is not None and node.tag != _TAG + "bool":
            self._problem(node, key, "must be true or false")
        return node is not None and _scalar(node) is True

    def _number_of(self, key: str, default: int | None) -> int | None:
        node = self._nodes.get(key)
        if node is None or _is_null(node):
            return default
        value = _scalar(node)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 31:
            self._problem(node, key, "must be a whole number above 0")
            return default
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        node = self._nodes.get(key)
        if node is None or _is_null(node):
            return ()
        if not isinstance(node, yaml.SequenceNode) or not all(
            isinstance(item, yaml.ScalarNode) for item in node.value
        ):
            self._problem(node, key, "must be a list of texts")
            return ()
        return tuple(item.value for item in node.value)

    def _extra(self) -> dict[str, Any]:
        extra = {}
        for key, node in self._nodes.items():
            if key not in _READ:
                try:
                    extra[key] = self._plain(node, 0)
                except _TooMuch:
                    self._problem(node, key, "holds too much")
        return extra

    def _plain(self, node: yaml.Node, depth: int) -> Any:
        """What a node holds, in lists, dictionaries, texts, numbers, booleans and None."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise _TooMuch
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, depth + 1) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {str(key.value): self._plain(value, depth + 1) for key, value in node.value}
        return _scalar(node)


class _TooMuch(Exception):
    """Aliases that hold each other, or themselves."""


_READ = {*_REQUIRED, "serial", "serial_pty", "baud", "serial_baud", "probe_id", "fixtures"}


def _scalar(node: yaml.Node) -> Any:
    """A number, boolean or None where YAML says so, otherwise the text; None for what is no scalar."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    if node.tag in (_TAG + "bool", _TAG + "int", _TAG + "float", _TAG + "null"):
        with contextlib.suppress(ValueError, KeyError):
            return yaml.SafeLoader("").construct_object(node)
    return node.value


def _is_null(node: yaml.Node) -> bool:
    return node.tag == _TAG + "null"


def _is_empty(node: yaml.Node) -> bool:
    return _is_null(node) or not node.value or (isinstance(node.value, str) and not node.value.strip())
