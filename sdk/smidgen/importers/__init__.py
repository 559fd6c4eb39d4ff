"""From a model file to a Graph.

The content decides what a file is; its name only helps to say what is wrong.
"""

from __future__ import annotations

from pathlib import Path

from smidgen.errors import ModelError, Problem, UsageError
from smidgen.graph import Graph
from smidgen.importers import tflite

MAX_FILE_BYTES = 256 << 20

_CONVERT = "convert it with tf.lite.TFLiteConverter to a .tflite file"
_NAME = "name a .tflite, .onnx, .keras or .h5 file"
_SUFFIXES = (".tflite", ".onnx", ".keras", ".h5")

# (bytes at the start, what such a file is, what to do about it)
_KNOWN_CONTENT = (
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", ""),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"\x7fELF", "an ELF program", ""),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "run: git lfs pull"),
)
_KNOWN_SUFFIXES = {
    ".pb": "a TensorFlow graph, which this version does not import",
    ".pt": "a PyTorch file, which Smidgen does not import",
    ".pth": "a PyTorch file, which Smidgen does not import",
}
_READ_SUFFIXES = {".onnx": "ONNX model", ".keras": "Keras archive", ".h5": "HDF5 file"}


def load_model(path: str | Path) -> Graph:
    """Read a model file.

    Raises UsageError when there is no readable file at `path`, ModelError with every problem found when the
    file is no model, is damaged, or holds something that Smidgen does not support.
    """
    path = Path(path)
    content = _read(path)
    if tflite.is_tflite(content):
        return tflite.load(content, path)
    # Only now: these two bring libraries that take a while to load.
    from smidgen.importers import keras, onnx

    if keras.is_keras(content):
        return keras.load(content, path)
    if onnx.is_onnx(content):
        return onnx.load(content, path)
    raise ModelError(_not_a_model(path, content))


def _read(path: Path) -> bytes:
    where = str(path)
    try:
        if path.is_dir():
            fix = _CONVERT if (path / "saved_model.pb").exists() else _NAME
            raise UsageError(Problem(where, "is a directory, not a model file", fix))
        if not path.exists():
            raise UsageError(Problem(where, "there is no such file", _suggest(path)))
        if not path.is_file():
            raise UsageError(Problem(where, "is not a regular file", _NAME))
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            what = f"holds {size:,} bytes; at most {MAX_FILE_BYTES:,} are read"
            raise ModelError(Problem(where, what, "Smidgen is for models that fit a microcontroller"))
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            Problem(where, f"cannot be read: {reason}", "check the name and permissions")
        ) from None


def _suggest(path: Path) -> str:
    """Name the model files beside a path that does not exist."""
    try:
        beside = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in _SUFFIXES)
    except OSError:
        beside = []
    if not beside:
        return "check the path"
    listed = ", ".join(beside[:8]) + (", ..." if len(beside) > 8 else "")
    return f"model files in {path.parent}: {listed}"


def _not_a_model(path: Path, content: bytes) -> Problem:
    """Say what a file that is no model seems to be."""
    if not content:
        return Problem(str(path), "is empty", "write or download the model again")
    for start, description, fix in _KNOWN_CONTENT:
        if content.startswith(start):
            return Problem(str(path), f"is {description}", fix or _NAME)
    if path.suffix.lower() in _KNOWN_SUFFIXES:
        return Problem(str(path), f"is {_KNOWN_SUFFIXES[path.suffix.lower()]}", _CONVERT)
    if path.suffix.lower() in _READ_SUFFIXES:
        kind = _READ_SUFFIXES[path.suffix.lower()]
        what = f"is no {kind}: it is damaged or truncated, or something else"
        return Problem(str(path), what, "download it or export the model again")
    what = "is not a TFLite model: the signature 'TFL3' is missing at byte 4"
    return Problem(str(path), what, "check that the file is complete and is a model")
