"""Images in a SPI flash chip: the simulated board boots from there, is updated, and survives power cuts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from midge_board import NEW, OLD, PADDING, Board, build_image, new_board, quick_target, update_script

from smidgen.device.simulators import verilator
from smidgen.targets import Target

pytest.importorskip("imgtool", reason="imgtool, which makes the images, is not installed")

MOST_CYCLES = 3_000_000
# How the simulator ends when the boot loader sleeps and nobody is on the line any more.
WAITED = 0


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    # On the configuration that the fast tests build anyway, whose engine has less room for weights.
    changes = {'"fpga-sim"': '"fpga-sim-sdram"', "weight_bytes = 0x1_0000": "weight_bytes = 0x8000"}
    return quick_target(tmp_path_factory.mktemp("target"), "fpga-sim-spi", changes)


@pytest.fixture(scope="module")
def images(target: Target, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    folder = tmp_path_factory.mktemp("images")
    return build_image(folder, target, 0, OLD), build_image(folder, target, 1, NEW)


@pytest.fixture
def board(target: Target, images: tuple[bytes, bytes], tmp_path: Path) -> Board:
    """A new board that runs the old image."""
    board = Board(target, tmp_path / "flash.bin")
    board.flash.write_bytes(new_board(target, images[0]))
    return board


def test_it_boots_and_is_updated(board: Board, images: tuple[bytes, bytes], tmp_path: Path) -> None:
    assert board.running() == OLD
    stats = tmp_path / "stats.json"
    assert board.run(update_script(images[1]), "--stats", str(stats)) == NEW
    operations = json.loads(stats.read_text())["flash_operations"]
    assert board.running() == NEW
    # The trailer is erased first, then the image is written.
    for operation in (2, operations // 2):
        board.flash.write_bytes(new_board(board.target, images[0]))
        cut = f"{operation}:inside"
        assert board.run(update_script(images[1]), "--power-cut", cut) == verilator.POWER_CUT
        assert board.running() == OLD, f"--power-cut {cut} of {operations}"


def test_damaged_images_are_not_started(board: Board, target: Target, images: tuple[bytes, bytes]) -> None:
    slot, chip = target.slots[0], target.image_flash
    assert chip is not None
    at = slot.origin - chip.origin + len(images[0]) // 2
    contents = bytearray(board.flash.read_bytes())
    contents[at] ^= 1
    board.flash.write_bytes(contents)
    assert board.run(PADDING + b"q", "--max-cycles", str(MOST_CYCLES)) == WAITED
    damaged = bytearray(images[1])
    damaged[len(damaged) // 2] ^= 1
    board.flash.write_bytes(new_board(target, images[0]))
    # It is taken, does not match, and is neither tried nor started.
    assert board.run(update_script(bytes(damaged))) == OLD
    assert board.running() == OLD


def test_a_reset_in_the_middle_of_an_erase_is_waited_for(board: Board, target: Target) -> None:
    chip = target.image_flash
    assert chip is not None
    at = target.slots[1].origin - chip.origin
    contents = bytearray(board.flash.read_bytes())
    contents[at] = 0
    board.flash.write_bytes(contents)
    assert board.run(b"e" + PADDING + b"q", "--max-cycles", str(MOST_CYCLES)) == OLD
    assert board.flash.read_bytes()[at] == 0xFF
