"""Storage: what a target file says of a SPI flash chip, and where images lie in it and run."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_targets import own_target, problems_of

from smidgen.compile.memory_map import code_regions, layout_header
from smidgen.targets import load_target

SPI = "fpga-sim-spi"
CHIP = """
[memory.chip]
kind = "storage"
origin = 0x4000_0000
length = 0x40_0000

[toolchain]"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("length = 0x40_0000", "length = 0x80_0000", "its SPI flash: 0x40000000 to 0x40400000"),
        (
            "storage_offset = 0x20_0000",
            "storage_offset = 0x20_0100",
            "it must be whole blocks of 4,096 bytes",
        ),
        ("storage_offset = 0x20_0000", "storage_offset = 0x3f_f000", "leaves no room for two slots"),
        ("length = 0x4000", "length = 0x10_0000", "leaves no room for an image in 1,048,576 bytes of flash"),
        ('kind = "storage"', 'kind = "external"\nlatency_cycles = 1\nword_cycles = 1', "no memory of kind"),
        ("trial_seconds = 10", "trial_seconds = 0.001", "must be 0.01 to 60"),
    ],
)
def test_what_is_wrong_is_said_when_the_file_is_read(
    old: str, new: str, expected: str, tmp_path: Path
) -> None:
    assert expected in problems_of(own_target(tmp_path, base=SPI, **{old: new}))


def test_an_fpga_board_has_none(tmp_path: Path) -> None:
    text = problems_of(own_target(tmp_path, base="ulx3s-85f", **{"[toolchain]": CHIP}))
    assert "'memory.chip' lies from 0x40000000 to 0x40400000, where 'midge-npu' has none" in text


def test_images_lie_in_the_chip_and_run_behind_the_boot_loader() -> None:
    target = load_target(SPI)
    assert target.bootloader is not None
    chip, program = target.image_flash, target.memory_of_kind("flash")
    assert chip is not None and program is not None
    first, second = target.slots
    assert first.origin == chip.origin + target.bootloader.storage_offset
    assert second.origin == first.end and second.end <= chip.end
    # A whole image fits into program memory.
    assert first.length - target.bootloader.block_bytes == program.end - target.bootloader.length
    one, other = code_regions(target)
    assert (one.origin, one.length) == (other.origin, other.length)
    assert program.origin + target.bootloader.length < one.origin < one.end <= program.end
    header = layout_header(target)
    assert f"#define UPDATE_LOADED {target.bootloader.length:#x}u" in header
    assert f"{first.origin:#x}u, {second.origin:#x}u" in header
    assert "UPDATE_LOADED" not in layout_header(load_target("midge-nor"))
