"""Benches: modules on their own in Verilator, with a C++ or Verilog file that drives them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from smidgen.compile.cache import cached, content_key

# Options of a bench that is driven by C++.
CPP = ("--cc", "--exe", "--noassert", "-CFLAGS", "-std=c++17")
RUNTIME = ("verilated", "verilated_threads", "verilated_timing")
RUNTIME_FLAGS = ("-O0", "-std=c++20", "-fcoroutines")


def build_bench(
    folder: Path,
    top: str,
    sources: Sequence[str | os.PathLike[str]],
    *options: str,
    parameters: Mapping[str, int] | None = None,
) -> Path:
    """The program of a bench, made in `folder`. top: its module; options: more of Verilator's, CPP or
    --binary; parameters: of the top module."""
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed (`smidgen doctor` says how to get it)")
    command = [
        "verilator", "--build", "-Wno-fatal", "--top-module", top, "-Mdir", folder, "-o", "bench",
        "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0 VM_GLOBAL_FAST=", "-LDFLAGS", runtime(),
        *(f"-G{name}={value}" for name, value in (parameters or {}).items()), *options, *sources,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder / "bench"


def runtime() -> Path:
    """The library of what is the same in every bench, and takes longer to compile than most of them."""

    def answer(*command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    include = Path(answer("verilator", "--getenv", "VERILATOR_ROOT")) / "include"

    def make(folder: Path) -> None:
        for name in RUNTIME:
            source = include / f"{name}.cpp"
            command = ["g++", *RUNTIME_FLAGS, f"-I{include}", f"-I{include / 'vltstd'}", "-c", source]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        members = [f"{name}.o" for name in RUNTIME]
        subprocess.run(["ar", "rcs", "libverilated.a", *members], cwd=folder, check=True)

    key = content_key(
        [answer("verilator", "--version"), answer("g++", "--version"), *RUNTIME, *RUNTIME_FLAGS]
    )
    return cached("verilated", key, make) / "libverilated.a"
