"""The C files that a model is built from: what is generated, and the kernel headers it includes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from smidgen.compile.schedule import Schedule
from smidgen.errors import BuildError, Problem
from smidgen.paths import data_folder

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def kernel_headers(schedule: Schedule) -> dict[str, str]:
    """Texts of all kernel headers that the model needs, by path below the bundle (`kernels/SET/FILE.h`)."""
    top = data_folder("firmware")
    headers: dict[str, str] = {}
    waiting = sorted({f"kernels/{call.kernel_set}/{call.family}.h" for call in schedule.calls})
    while waiting:
        path = waiting.pop()
        if path in headers:
            continue
        try:
            headers[path] = (top / path).read_text(encoding="utf-8")
        except OSError as error:
            fix = "the installation is damaged; install smidgen again"
            raise BuildError(Problem(str(top / path), f"cannot read it: {error.strerror}", fix)) from error
        # Kernel headers include their neighbours, and those of other kernel sets.
        waiting += [_beside(path, name) for name in _INCLUDE.findall(headers[path])]
    return dict(sorted(headers.items()))


def _beside(path: str, name: str) -> str:
    """The path of a file that another includes by this name."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write texts and bytes to paths below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            path.write_bytes(content)
