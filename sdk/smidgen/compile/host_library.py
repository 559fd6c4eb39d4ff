"""The generated C as a shared library for this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from smidgen.compile.cache import cached, content_key
from smidgen.compile.runtime import model_flags
from smidgen.compile.sources import write_files
from smidgen.targets import Target
from smidgen.toolchains import Compiler, run_tool

LIBRARY = "libmodel.so"


def build_library(
    files: Mapping[str, str], target: Target, compiler: Compiler, optimize: str, output: Path
) -> None:
    """Compile `model.c` (with hooks) and what it includes, given by path, to a shared library."""
    flags = [*model_flags(target, optimize), "-DSMIDGEN_HOOKS", "-fPIC", "-shared"]
    parts = [compiler.version, json.dumps(flags), *(f"{k}\n{v}" for k, v in sorted(files.items()))]

    def make(folder: Path) -> None:
        write_files(folder / "work", files)
        source, library = folder / "work" / "model.c", folder / LIBRARY
        run_tool(compiler.path, [*flags, str(source), "-o", str(library)], "compiling the model")
        shutil.rmtree(folder / "work")

    shutil.copyfile(cached("host", content_key(parts), make) / LIBRARY, output)
