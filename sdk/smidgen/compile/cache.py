"""Folders of build results, found again by the content of everything that went into them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from smidgen.errors import BuildError, Problem
from smidgen.paths import cache_folder


def content_key(parts: Iterable[str | bytes]) -> str:
    """A digest of these parts in this order."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def cached(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder cached under this key; `make` fills it the first time.

    A folder appears whole or not at all, so processes that build the same thing at once do no harm.
    """
    folder = cache_folder() / kind / key
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=folder.parent))
    except OSError as error:
        fix = "set SMIDGEN_CACHE to a folder that can be written"
        raise BuildError(
            Problem(str(folder.parent), f"cannot write the cache: {error.strerror}", fix)
        ) from error
    try:
        make(work)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # not merely somebody else who was faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder
