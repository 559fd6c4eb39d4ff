"""The three members of a .keras file, read from the zip archive without writing anything to disk."""

from __future__ import annotations

import io
import zipfile
import zlib

from smidgen.importers.keras.hdf5 import MAX_TOTAL_BYTES, BadFile

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

_LIMITS = {CONFIG: 64 << 20, METADATA: 1 << 20, WEIGHTS: MAX_TOTAL_BYTES}
_MAX_RATIO = 2000  # deflate makes zeros at most 1032 times smaller; weights and JSON by far less
_DAMAGED = "the file is damaged or truncated: save or download it again"


def members(content: bytes) -> dict[str, bytes]:
    """The archive's config.json, metadata.json and model.weights.h5, those that it has.

    Raises BadFile when the archive is damaged, ambiguous, encrypted, or unpacks to an absurd size.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [entry.filename for entry in archive.infolist()]
            twice = sorted({name for name in names if name in _LIMITS and names.count(name) > 1})
            if twice:
                raise BadFile(f"holds {' and '.join(twice)} twice", "save the model again")
            if not {*names} & {CONFIG, WEIGHTS}:
                listed = ", ".join(name[:40] for name in names[:5]) or "nothing"
                raise BadFile(
                    f"is a zip archive without {CONFIG} and {WEIGHTS} (it holds {listed})",
                    "name a .keras file that model.save(...) of Keras 3 has written",
                )
            return {name: _read(archive, name) for name in _LIMITS if name in names}
    except BadFile:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise BadFile(f"is no readable zip archive ({str(error)[:200]})", _DAMAGED) from None
    except RuntimeError as error:  # how zipfile says that a member is encrypted
        raise BadFile(
            f"cannot be unpacked ({str(error)[:200]})", "save the model without encryption"
        ) from None


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    limit = _LIMITS[name]
    entry = archive.getinfo(name)
    what = f"{name} unpacks to {entry.file_size:,} bytes; at most {limit:,} are read"
    if entry.file_size > limit or entry.file_size > _MAX_RATIO * max(entry.compress_size, 1):
        raise BadFile(what, "Smidgen is for models that fit a microcontroller")
    with archive.open(entry) as member:
        data = member.read(limit + 1)
    if len(data) > limit:  # the directory need not tell the truth
        raise BadFile(what, "Smidgen is for models that fit a microcontroller")
    return data
