"""The headers of the kernels are clean C, each by itself and all of them together."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from kernel_harness import WARNINGS

from smidgen.compile.kernels import COMPILE_FLAGS

COMPILERS = {
    "host": ["gcc"],
    "rv32imc": ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32"],
    "cortex-m0": ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb"],
    "cortex-m3": ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb"],
    "cortex-m4": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"],
    "cortex-m55": ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"],
}
# For each kernel set those that models use with it, and the compilers. Xmidge runs on the host by emulation.
SETS = {
    "portable": (("portable",), ("host", "rv32imc", "cortex-m0", "cortex-m4", "cortex-m55")),
    "mve": (("mve", "dsp", "portable"), ("host", "cortex-m55")),
    "midge": (("midge", "portable"), ("host", "rv32imc")),
    "npu": (("npu", "midge", "portable"), ("host", "rv32imc")),
    "thumb": (("thumb", "portable"), ("host", "cortex-m0", "cortex-m3")),
    "dsp": (("dsp", "portable"), ("host", "cortex-m4")),
}
# Included by xmidge.h, dsp.h and vectors.h.
EMULATIONS = ("midge/xmidge_host.h", "dsp/dsp_host.h", "mve/mve_host.h")


@pytest.mark.parametrize("optimize", sorted(COMPILE_FLAGS))
@pytest.mark.parametrize(
    ("kernel_set", "compiler"), [(name, compiler) for name, (_, used) in SETS.items() for compiler in used]
)
def test_headers_compile_without_warnings(
    kernel_set: str, compiler: str, optimize: str, repository: Path, tmp_path: Path
) -> None:
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    folder = repository / "firmware" / "kernels"
    headers = [
        f"{beside}/{path.name}"
        for beside in SETS[kernel_set][0]
        for path in sorted((folder / beside).glob("*.h"))
        if f"{beside}/{path.name}" not in EMULATIONS
    ]
    own = [header for header in headers if header.startswith(f"{kernel_set}/")]
    for number, group in enumerate([*([header] for header in own), headers]):
        source = tmp_path / f"{number}.c"
        source.write_text("".join(f'#include "{header}"\n' for header in group), encoding="utf-8")
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
