"""What a target file may say under [fpga], and what is said about the rest."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from smidgen.errors import UsageError
from smidgen.fpga.bitstream import parameters, system_sources
from smidgen.targets import Engine, list_targets, load_target
from smidgen.targets.engine import block_rams

BOARDS = [name for name in list_targets() if load_target(name).fpga is not None]
BAD = {
    "an FPGA that is not known": ("LFE5U-85F", "LFE5U-86F", ("'fpga.device' is 'LFE5U-86F'", "LFE5U-25F")),
    "a package that is none": ("CABGA381", "BGA", ("'fpga.package' is 'BGA'",)),
    "a speed grade that is none": (
        "speed_grade = 6",
        "speed_grade = 5",
        ("'fpga.speed_grade' is 5", "6, 7, 8"),
    ),
    "a configuration that is none": (
        '"midge-npu"\ntop',
        '"mitch"\ntop',
        ("'fpga.configuration' is 'mitch'",),
    ),
    "a top that is not there": ("ulx3s.sv", "ulx4s.sv", ("'fpga.top' is 'ulx4s.sv'", "boards/ulx4s.sv")),
    "pins that are no pin file": ("ulx3s.lpf", "ulx3s.sv", ("'fpga.pins' is 'ulx3s.sv'", ".lpf")),
    "a clock that no PLL makes": (
        "clock_hz = 40_000_000",
        "clock_hz = 40_000_001",
        ("'fpga.clock_input_hz' is 25,000,000, of which no PLL makes core.clock_hz, 40,000,001",),
    ),
    "no clock": ("clock_hz = 40_000_000\n", "", ("'core.clock_hz' is missing",)),
    "more memory than block RAM": (
        "length = 0x2_0000",
        "length = 0x8_0000",
        (
            "'memory' and the system take 330 block RAMs of 2 KiB (flash 256, sram 32, Xmidge 5, "
            "neural engine 37); LFE5U-85F has 208",
        ),
    ),
    "memory of an odd size": (
        "length = 0x1_0000",
        "length = 0x1_8000",
        ("'memory.sram.length'", "power of two"),
    ),
    "memory at another place": (
        "origin = 0x1000_0000",
        "origin = 0x2000_0000",
        ("'memory.sram.origin' is 0x20000000", "write 0x10000000"),
    ),
    "external memory where the system has none": (
        "[fpga]",
        '[memory.more]\nkind = "external"\norigin = 0x8000_0000\nlength = 0x100_0000\n'
        "latency_cycles = 9\nword_cycles = 1\n\n[fpga]",
        ("'memory.more' lies from 0x80000000 to 0x81000000, where 'midge-npu' has none",),
    ),
    "a part that the board's module does not know": (
        '"midge-npu"\ntop',
        '"midge-npu-sdram"\ntop',
        ("'midge-npu-sdram' with EXTERNAL_KIND = 1; ulx3s.sv has no such parameter",),
    ),
    "a boot loader": (
        "[fpga]",
        "[bootloader]\nlength = 0x4000\nblock_bytes = 4096\n\n[fpga]",
        ("'bootloader' is there, but a bitstream holds the program itself",),
    ),
    "a key that is none": ("speed_grade", "speed", ("'fpga.speed' is not known", "'speed_grade'")),
}


def changed(folder: Path, old: str, new: str) -> Path:
    """The file of the ULX3S with another text in it."""
    text = load_target("ulx3s-85f").path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path = folder / "board.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named(case: str, tmp_path: Path) -> None:
    old, new, words = BAD[case]
    with pytest.raises(UsageError) as error:
        load_target(changed(tmp_path, old, new))
    for word in words:
        assert word in str(error.value)


def test_a_board_of_ones_own_needs_files_beside_its_target_file(tmp_path: Path) -> None:
    ulx3s = load_target("ulx3s-85f").fpga
    shutil.copy(ulx3s.pins, tmp_path / "mine.lpf")
    fpga = load_target(changed(tmp_path, "ulx3s.lpf", "mine.lpf")).fpga
    assert (fpga.pins, fpga.top) == (tmp_path / "mine.lpf", ulx3s.top)


def test_the_block_rams_of_an_engine_are_those_that_synthesis_counted() -> None:
    assert block_rams(Engine()) == 37
    assert block_rams(Engine(lanes=8, activation_bytes=1 << 14, weight_bytes=1 << 14)) == 21


@pytest.mark.parametrize("name", BOARDS)
def test_the_boards_module_has_the_parameters_and_pins_of_its_files(name: str) -> None:
    target = load_target(name)
    text = target.fpga.top.read_text(encoding="utf-8")
    header, _, _ = text.partition(");")
    known = set(re.findall(r"parameter [\w ]+?\b([A-Z_0-9]+)\s+=", header))
    assert parameters(target).keys() <= known
    declared = re.findall(r"(?:(?:in|out)put\s+logic|inout\s+wire)\s+(?:\[(\d+):0\]\s*)?(\w+)", header)
    ports = {port: int(width or 0) for width, port in declared}
    pins = [f"{port}[{bit}]" if width else port for port, width in ports.items() for bit in range(width + 1)]
    located = re.findall(r'^LOCATE COMP "(\S+)" SITE "(\w+)";$', target.fpga.pins.read_text(), re.MULTILINE)
    assert set(pins) <= {pin for pin, _ in located}
    assert len({site for _, site in located}) == len(located)


def test_the_system_comes_whole_and_with_the_arithmetic_of_the_fpga() -> None:
    sources = system_sources(load_target("ulx3s-85f").fpga.top)
    assert "EHXPLLL" in sources["boards/ecp5_clock.sv"]
    assert "LUT4" in sources["midge/rtl/midge_late_choice.sv"]
    modules = [name for text in sources.values() for name in re.findall(r"^module (\w+)", text, re.MULTILINE)]
    assert len(modules) == len(set(modules))
    assert {"ulx3s", "fpga_system", "midge_soc", "midge_core", "carry_chain"} <= set(modules)
