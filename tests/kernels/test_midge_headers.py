"""The headers of Xmidge's kernels are clean C, with the extension and with its emulation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from kernel_harness import WARNINGS

from smidgen.compile.kernels import COMPILE_FLAGS

COMPILERS = {"host": ["gcc"], "midge": ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32"]}


@pytest.mark.parametrize("optimize", sorted(COMPILE_FLAGS))
@pytest.mark.parametrize("compiler", COMPILERS)
def test_headers_compile_without_warnings(
    compiler: str, optimize: str, repository: Path, tmp_path: Path
) -> None:
    """Each header alone, and all of them in one file with the portable ones."""
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    folder = repository / "firmware" / "kernels"
    paths = sorted(f"{path.parent.name}/{path.name}" for path in folder.glob("*/*.h"))
    midge = [path for path in paths if path.startswith("midge/") and path != "midge/xmidge_host.h"]
    everything = [path for path in paths if path != "midge/xmidge_host.h"]
    for number, group in enumerate([*([path] for path in midge), everything]):
        source = tmp_path / f"{number}.c"
        source.write_text("".join(f'#include "{path}"\n' for path in group), encoding="utf-8")
        flags = [
            *WARNINGS,
            "-Wshadow",
            "-pedantic",
            "-ffreestanding",
            *COMPILE_FLAGS[optimize],
            f"-I{folder}",
        ]
        full = [*command, *flags, "-c", str(source), "-o", str(tmp_path / "out.o")]
        compiled = subprocess.run(full, capture_output=True, text=True)
        assert compiled.returncode == 0, compiled.stderr
