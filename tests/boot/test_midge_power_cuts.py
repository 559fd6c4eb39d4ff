"""Simulated boards with our boot loader: the power fails around and inside the operations of an update."""

from __future__ import annotations

import json
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest
from midge_board import (
    NEW,
    OLD,
    TRIAL_SECONDS,
    Board,
    build_image,
    new_board,
    quick_target,
    update_script,
)

from smidgen.device.simulators import verilator
from smidgen.targets import Target

pytest.importorskip("imgtool", reason="imgtool, which makes the images, is not installed")


# Program memory that is NOR flash; images in a SPI flash chip, from which the boot loader copies them.
@pytest.fixture(scope="module", params=["midge-nor", "fpga-sim-spi"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    return quick_target(tmp_path_factory.mktemp("target"), request.param)


@pytest.mark.slow
def test_a_cut_in_any_operation_leaves_the_old_or_the_new_image(tmp_path: Path, target: Target) -> None:
    old, new = (build_image(tmp_path, target, slot, number) for slot, number in ((0, OLD), (1, NEW)))
    fresh, script = new_board(target, old), update_script(new)
    board_ = Board(target, tmp_path / "flash.bin")
    board_.flash.write_bytes(fresh)
    stats = tmp_path / "stats.json"
    assert board_.run(script, "--stats", str(stats)) == NEW
    operations = json.loads(stats.read_text())["flash_operations"]
    started: Counter[int] = Counter()
    # The kinds of cuts by turns; test_power_cuts.py has them all, on the host.
    for operation, when in zip(range(1, operations + 1), cycle(("before", "inside", "after")), strict=False):
        board_.flash.write_bytes(fresh)
        case = f"--power-cut {operation}:{when} of {operations}"
        assert board_.run(script, "--power-cut", f"{operation}:{when}") == verilator.POWER_CUT, case
        image = board_.running()
        started[image] += 1
        assert image in (OLD, NEW), f"{case}: the board ended with {image}"
        if when == "inside" and image == OLD:  # and it can be updated again
            assert board_.run(script) == NEW, case
    print(f"{operations} operations, as many cuts: old {started[OLD]}, new {started[NEW]}")
    assert operations >= 10 and started[OLD] > started[NEW] > 0


@pytest.mark.slow
def test_the_watchdog_brings_the_old_image_back(tmp_path: Path, target: Target) -> None:
    old = build_image(tmp_path, target, 0, OLD)
    hangs = build_image(tmp_path, target, 1, NEW, "-DTINY_HANGS")
    board_ = Board(target, tmp_path / "flash.bin")
    board_.flash.write_bytes(new_board(target, old))
    stats = tmp_path / "stats.json"
    assert board_.run(update_script(hangs), "--stats", str(stats)) == OLD
    clock = target.core.clock_hz
    assert clock is not None and json.loads(stats.read_text())["cycles"] > TRIAL_SECONDS * clock
    assert board_.running() == OLD
