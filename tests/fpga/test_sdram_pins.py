"""The pins of the SDRAM with the delays of a chip: how long the way through the FPGA's pins may be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from smidgen.paths import data_folder
from verilated import build_bench

HERE = Path(__file__).parent
SOURCES = (
    "soc/external_package.sv", "midge/rtl/midge_fifo.sv", "soc/sdram_controller.sv",
    "boards/ecp5_sdram_pins.sv", "sim/ecp5/pins.sv",
)  # fmt: skip
# By the period of the pins' clock: the shortest and the longest way that will do, and ways that will not; ps.
WAYS = {12_500: ((1_000, 9_000), (500, 10_000)), 10_000: ((500, 6_000), (7_000,))}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = [*(data_folder("hw") / name for name in SOURCES), HERE / "sdram_pins_bench.sv"]
    return build_bench(tmp_path_factory.mktemp("pins"), "sdram_pins_bench", sources, "--binary", "--timing")


@pytest.mark.slow
@pytest.mark.parametrize("period", WAYS)
def test_what_is_read_is_what_was_written_unless_the_way_is_too_short_or_too_long(
    bench: Path, period: int
) -> None:
    """The chip's access time is 6 ns, and it lets go 2.5 ns after the next edge."""

    def wrong(way: int) -> int:
        command = [bench, f"+period={period}", f"+way={way}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-1000:]
        return int(done.stdout.split()[0])

    good, bad = WAYS[period]
    assert not any(map(wrong, good))
    assert all(map(wrong, bad))
