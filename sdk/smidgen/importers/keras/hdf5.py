"""Reading HDF5 files that are trusted in nothing.

Only hard links are followed, only plain numeric datasets of sane size are read, and nothing outside the
file's own bytes is ever opened (external links, external and virtual datasets are refused).
"""

from __future__ import annotations

import io
import math

import h5py
import numpy as np

from smidgen.importers.tflite.tensors import MAX_ELEMENTS

MAX_TOTAL_BYTES = 256 << 20  # of all attributes or arrays that are read from one file
_MAX_ATTRIBUTE_BYTES = 64 << 20
_MAX_RANK = 6


class BadFile(Exception):
    """The file is damaged, or does what a model file must not do: what is wrong and what to do."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


_DAMAGED = "the file is damaged or truncated: save or download it again"


class Hdf5:
    """One open file of bytes. Paths are tuples of names from its root."""

    def __init__(self, content: bytes) -> None:
        try:
            self._root = h5py.File(io.BytesIO(content), "r")
        except Exception as error:  # h5py raises OSError, ValueError, RuntimeError and KeyError alike
            raise BadFile(f"is no readable HDF5 file ({_reason(error)})", _DAMAGED) from None
        self._read = 0

    def has(self, path: tuple[str, ...]) -> bool:
        return self._find(path) is not None

    def names(self, path: tuple[str, ...]) -> list[str]:
        """What is in a group; empty where there is none."""
        group = self._find(path)
        try:
            return list(group) if isinstance(group, h5py.Group) else []
        except Exception as error:
            raise BadFile(f"group {_shown(path)} cannot be listed ({_reason(error)})", _DAMAGED) from None

    def text(self, path: tuple[str, ...], attribute: str) -> str | None:
        """A text attribute; None where there is none."""
        value = self._attribute(path, attribute)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return value if isinstance(value, str) else None

    def texts(self, path: tuple[str, ...], attribute: str) -> list[str]:
        """A list of names, which Keras cuts into `attribute0`, `attribute1`, ... when it is long."""
        value = self._attribute(path, attribute)
        parts = [] if value is None else [value]
        while value is None or len(parts) > 1:
            part = self._attribute(path, f"{attribute}{len(parts)}")
            if part is None:
                break
            parts.append(part)
            value = None
        names = [name for part in parts for name in np.asarray(part).reshape(-1).tolist()]
        return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names]

    def array(self, path: tuple[str, ...]) -> np.ndarray:
        """A dataset of numbers as float32 (int32 where it holds integers). Raises BadFile."""
        dataset = self._find(path)
        if not isinstance(dataset, h5py.Dataset):
            raise BadFile(f"holds no array {_shown(path)}", "save the model again, with its weights")
        try:
            external = bool(dataset.external) or dataset.is_virtual
        except Exception as error:
            raise BadFile(f"array {_shown(path)} cannot be read ({_reason(error)})", _DAMAGED) from None
        if external:
            raise BadFile(
                f"array {_shown(path)} lies in another file, which is not read", "save the model again"
            )
        if dataset.dtype.kind not in "fiub" or dataset.shape is None:
            raise BadFile(f"array {_shown(path)} holds {dataset.dtype} instead of numbers")
        elements = math.prod(dataset.shape)
        if elements > MAX_ELEMENTS or len(dataset.shape) > _MAX_RANK:
            raise BadFile(f"array {_shown(path)} has shape {list(dataset.shape)}, which is not sane")
        self._count(elements * dataset.dtype.itemsize)
        try:
            values = np.asarray(dataset[()])
        except Exception as error:
            raise BadFile(f"array {_shown(path)} cannot be read ({_reason(error)})", _DAMAGED) from None
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise BadFile(f"array {_shown(path)} holds values that are not finite", "train the model again")
        return values.astype(np.float32 if values.dtype.kind == "f" else np.int32)

    def _find(self, path: tuple[str, ...]) -> h5py.Group | h5py.Dataset | None:
        node = self._root
        for name in path:
            if not isinstance(node, h5py.Group) or not name or name in (".", "..") or "/" in name:
                return None
            try:
                link = node.get(name, getlink=True)
                if link is not None and not isinstance(link, h5py.HardLink):
                    raise BadFile(
                        f"{_shown(path)} is a link to {_target(link)}, which is not followed",
                        "save the model again into one file",
                    )
                node = None if link is None else node[name]
            except BadFile:
                raise
            except Exception as error:
                raise BadFile(f"{_shown(path)} cannot be read ({_reason(error)})", _DAMAGED) from None
        return node

    def _attribute(self, path: tuple[str, ...], attribute: str):
        node = self._find(path)
        try:
            if node is None or attribute not in node.attrs:
                return None
            kind = node.attrs.get_id(attribute)
            size = math.prod(kind.shape) * kind.dtype.itemsize
            if size > _MAX_ATTRIBUTE_BYTES:
                raise BadFile(f"attribute '{attribute}' of {_shown(path)} holds {size:,} bytes")
            self._count(size)
            return node.attrs[attribute]
        except BadFile:
            raise
        except Exception as error:
            raise BadFile(
                f"attribute '{attribute}' of {_shown(path)} cannot be read ({_reason(error)})", _DAMAGED
            ) from None

    def _count(self, size: int) -> None:
        self._read += size
        if self._read > MAX_TOTAL_BYTES:
            raise BadFile(
                f"its arrays unpack to more than {MAX_TOTAL_BYTES:,} bytes",
                "Smidgen is for models that fit a microcontroller",
            )


def _shown(path: tuple[str, ...]) -> str:
    return "'" + ("/".join(path) or "/")[:200] + "'"


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _target(link: object) -> str:
    if isinstance(link, h5py.ExternalLink):
        return f"file '{link.filename[:200]}'"
    return "another place in the file"
