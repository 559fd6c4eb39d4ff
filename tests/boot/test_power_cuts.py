"""The power fails before, inside and after every flash operation of an update: what the board starts then."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nor
import pytest

pytest.importorskip("imgtool", reason="imgtool, which makes the images, is not installed")

# What goes on while the power fails (firmware/power_cuts.c): a board's first image, an update, an update to
# an image that hangs, the update after an update, and back to the image before.
SCENARIOS = ("first", "update", "hang", "next", "back")
WAYS = 7  # in which a cut leaves an operation


def cut(program: Path, scenario: str, cuts: int, images: list[Path]) -> dict[str, int]:
    """The counts that the program prints; it ends with 1 when a board started what it should not."""
    command = [str(program), scenario, str(cuts), *map(str, images)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}{result.stderr}"
    words = result.stdout.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nor.build(tmp_path_factory.mktemp("power"), "power_cuts.c", more=nor.UPLOAD)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images")
    return [
        nor.make_image(folder, name, slot, size)
        for name, slot, size in (("first", 0, 900), ("second", 1, 1300), ("third", 0, 1100))
    ]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_cut_in_any_operation_leaves_the_old_or_the_new_image(
    program: Path, images: list[Path], scenario: str
) -> None:
    counts = cut(program, scenario, 1, images)
    print(scenario, counts)
    assert counts["kinds"] == WAYS
    assert counts["runs"] == counts["operations"] * WAYS
    assert counts["erases"] >= 1 and counts["operations"] >= 6
    assert (counts["none"] > 0) == (scenario == "first")
    assert counts["new"] > 0 and (counts["old"] > 0) == (scenario != "first")


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_second_cut_in_any_operation_after_the_first_one_changes_nothing(
    tmp_path: Path, scenario: str
) -> None:
    program = nor.build(tmp_path, "power_cuts.c", (), nor.UPLOAD)
    images = [nor.make_image(tmp_path, name, slot, 280) for name, slot in (("a", 0), ("b", 1), ("c", 0))]
    once, twice = (cut(program, scenario, cuts, images) for cuts in (1, 2))
    print(scenario, twice)
    assert twice["runs"] > once["runs"] * once["operations"]
