"""Files that are made from a table are what the table says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GENERATOR = Path("hw") / "midge" / "xmidge.py"


def test_the_files_made_from_the_table_of_xmidge_are_up_to_date(repository: Path) -> None:
    command = [sys.executable, str(repository / GENERATOR), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_file_is_noticed(repository: Path, tmp_path: Path) -> None:
    """In a copy of the files concerned, one constant of the header is changed."""
    shutil.copytree(repository / "hw" / "midge", tmp_path / "hw" / "midge")
    generate = [sys.executable, str(tmp_path / GENERATOR)]
    subprocess.run(generate, check=True)
    subprocess.run([*generate, "--check"], check=True)
    header = tmp_path / "firmware" / "kernels" / "midge" / "xmidge.h"
    header.write_text(header.read_text().replace("XMIDGE_SHIFT 21", "XMIDGE_SHIFT 22"))
    done = subprocess.run([*generate, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "xmidge.h" in done.stdout


@pytest.mark.parametrize("level", ["-O1", "-Os", "-O3"])
def test_the_header_compiles_without_warnings(repository: Path, tmp_path: Path, level: str) -> None:
    """With every function and block macro in use."""
    compiler = shutil.which("riscv64-unknown-elf-gcc")
    if compiler is None:
        pytest.skip("riscv64-unknown-elf-gcc is not installed (`smidgen doctor` says how to get it)")
    (tmp_path / "use.c").write_text(USE)
    flags = [
        "-march=rv32imc",
        "-mabi=ilp32",
        "-std=c99",
        "-ffreestanding",
        "-Wall",
        "-Wextra",
        "-Werror",
        level,
    ]
    include = f"-I{repository / 'firmware' / 'kernels' / 'midge'}"
    subprocess.run([compiler, *flags, include, "-c", "use.c"], cwd=tmp_path, check=True)


USE = """
#include "xmidge.h"

uint32_t use(const void *p, void *q, uint32_t n) {
    xmidge_set(XMIDGE_SHAPE, XMIDGE_SHAPE_WIDTH(1) | XMIDGE_SHAPE_CHANNELS(15), 0);
    p = xmidge_mac(xmidge_macf(xmidge_lda(xmidge_ldm(XMIDGE_BIAS, p, 0, 16))));
    p = xmidge_cola(3, xmidge_col(0, p));
    xmidge_colv(1, n);
    xmidge_colva(2, n);
    xmidge_taba(-3, 1);
    xmidge_tabb(-3, 2);
    p = xmidge_sub(xmidge_add(p, 3), 3);
    xmidge_rqc(q, 0);
    xmidge_rqw(q, XMIDGE_WINDOWS(1, 2, 3));
    n = xmidge_max4(n, xmidge_min4(n, 5)) + (uint32_t)xmidge_rqv(7, 8);
    __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%1", "20") XMIDGE_ASM_LDA("%0")
                         XMIDGE_ASM_MAC("%0") XMIDGE_ASM_COLA("2", "%0") XMIDGE_ASM_RQC("%2", "%1")
                             XMIDGE_ASM_GET("16", "%1", "%1") XMIDGE_ASM_END
                     : "+r"(p), "+r"(n) : "r"(q) : "memory");
    return n + xmidge_get(XMIDGE_ACCUMULATOR, n) + *(const uint8_t *)p;
}
"""
