"""Targets: found by name, by path and on the search path; everything wrong in a file is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from smidgen.errors import UsageError
from smidgen.targets import list_targets, load_target

NAMES = (
    *("host", "midge", "midge-rv32imc", "midge-rv32imc-flash"),
    *("mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"),
    *("microbit", "netduinoplus2", "stm32vldiscovery"),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_packages_targets_load(name: str) -> None:
    target = load_target(name)
    assert target.name == name
    assert list_targets()[name] == target.path


def test_midge_has_the_memories_of_its_address_map() -> None:
    target = load_target("midge-rv32imc")
    flash, ram = target.memory_of_kind("flash"), target.memory_of_kind("ram")
    assert (flash.origin, flash.length) == (0, 1 << 20)
    assert (ram.origin, ram.length) == (0x1000_0000, 256 << 10)


def test_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(UsageError, match="did you mean midge-rv32imc"):
        load_target("midge-rv32im")


def own_target(folder: Path, name: str = "myboard", base: str = "midge-rv32imc", **changes: str) -> Path:
    """A copy of a target with other texts in it."""
    text = load_target(base).path.read_text()
    changes = {f'name = "{base}"': f'name = "{name}"', **changes}
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = own_target(tmp_path)
    assert load_target(path).name == "myboard"
    monkeypatch.chdir(tmp_path)
    assert load_target("./myboard.toml").name == "myboard"
    assert load_target("myboard.toml").name == "myboard"


@pytest.mark.parametrize("variable", ["SMIDGEN_TARGETS", "XDG_CONFIG_HOME"])
def test_by_name_on_the_search_path(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "smidgen" / "targets"
    folder.mkdir(parents=True)
    own_target(folder)
    monkeypatch.setenv(variable, str(folder if variable == "SMIDGEN_TARGETS" else tmp_path))
    assert load_target("myboard").path == folder / "myboard.toml"


def test_own_target_comes_before_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = own_target(tmp_path, "host")
    monkeypatch.setenv("SMIDGEN_TARGETS", str(tmp_path))
    assert load_target("host").path == path


def test_a_board_folder_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "board").mkdir()
    path = own_target(tmp_path, **{'folder = "midge"': 'folder = "board"'})
    assert load_target(path).board.folder == tmp_path / "board"


def test_all_problems_are_reported_with_file_and_key(tmp_path: Path) -> None:
    path = own_target(
        tmp_path,
        **{
            'description = "Midge': 'colour = "red"\ndescription = "Midge',
            'isa = "rv32imc"': "isa = 32",
            "clock_hz": "clock_khz",
            "origin = 0x1000_0000": "origin = 0x000f_ffff",
            'kind = "flash"': 'kind = "rom"',
            'folder = "midge"': 'folder = "nowhere"',
            'kind = "verilator"': 'kind = "telepathy"',
            "baud = 115200": "baud = -1",
        },
    )
    with pytest.raises(UsageError) as error:
        load_target(path)
    problems = [str(problem) for problem in error.value.problems]
    assert all(str(path) in problem for problem in problems)
    for expected in (
        "'colour' is not known",
        "'core.isa' must be a text, not 32",
        "did you mean 'clock_hz'",
        "'memory.sram' overlaps 'flash'",
        "'memory.flash.kind' is 'rom'",
        "'board.folder' is 'nowhere'",
        "'runner.kind' is 'telepathy'",
        "'serial.baud' must be a whole number of 0 or more",
    ):
        assert any(expected in problem for problem in problems), f"{expected} not in {problems}"


def test_missing_tables_and_keys_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text('name = "empty"\n')
    with pytest.raises(UsageError) as error:
        load_target(path)
    text = str(error.value)
    for key in ("description", "core", "memory", "kernels", "toolchain", "board", "runner"):
        assert f"'{key}' is missing" in text


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe\x00", b"name = 1\nname = 2\n"])
def test_file_that_is_not_toml(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_target(path)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load_target(tmp_path / "none.toml")


def problems_of(path: Path) -> str:
    with pytest.raises(UsageError) as error:
        load_target(path)
    return str(error.value)


FLASH = '[memory.flash]\nkind = "flash"\norigin = 0x0800_0000\nlength = 0x10_0000'
RAM = '[memory.sram]\nkind = "ram"\norigin = 0x2000_0000\nlength = 0x2_0000'
BAD_STEP = '[[board.setup]]\ndoes = "nothing"\nregister = 0x20\nset = 1\n\n[runner]'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            RAM,
            RAM.replace("2000_", "3000_"),
            "where the chip has no memory\n    the chip's RAM: 0x20000000",
        ),
        (RAM, RAM.replace("0x2_0000", "0x3_0000"), "ends 65,536 bytes behind the chip's memory"),
        (RAM, RAM.replace("0000\nl", "0010\nl"), "the guard below the stack wants a multiple of 32"),
        (FLASH, FLASH.replace("0800_", "0801_"), "but the chip starts from what lies at 0x8000000"),
        (
            FLASH,
            FLASH.replace("0800_", "0000_"),
            "'memory.flash' lies from 0x0 to 0x100000, where the chip",
        ),
        ("base = 0x4001_1000", "base = 0x2000_1000", "where the chip has no peripherals"),
        ("base = 0x4001_1000", "base = 0x4001_1002", "which is no multiple of 4"),
        ("[runner]", BAD_STEP, "'board.setup[0].register' is 0x20, where the chip has no peripherals"),
        ("[{ origin = 0x4000_", "[{ origin = 0x2001_", "'chip.peripherals[0]' overlaps 'memory[1]'"),
        ("[chip]", "[other]", "'chip' is missing"),
        ('driver = "stm32_usart"', 'driver = "morse"', "use one of: cmsdk, "),
        ('machine = "netduinoplus2"', "", "'runner.machine' is missing"),
    ],
)
def test_a_wrong_memory_map_is_refused_before_anything_is_built(
    old: str, new: str, expected: str, tmp_path: Path
) -> None:
    assert expected in problems_of(own_target(tmp_path, base="netduinoplus2", **{old: new}))


def test_regions_that_are_swapped_are_refused_with_both_places(tmp_path: Path) -> None:
    swap = {FLASH: FLASH.replace('"flash"', '"ram"'), RAM: RAM.replace('"ram"', '"flash"')}
    text = problems_of(own_target(tmp_path, base="netduinoplus2", **swap))
    assert "'memory.flash' is RAM and lies from 0x8000000 to 0x8100000, where the chip has flash" in text
    assert "'memory.sram' is flash" in text


def test_ram_behind_other_ram_is_refused_where_there_is_no_stack_limit(tmp_path: Path) -> None:
    """An overflow would write into what is below, unless the core compares the stack pointer with a limit."""
    part = '{ kind = "ram", origin = 0x2000_0000, length = 0x2_0000 }'
    lower = part.replace("0x2_", "0x1_")
    changes = {
        RAM: RAM.replace("2000_", "2001_").replace("0x2_", "0x1_"),
        part: lower + ",\n    " + lower.replace("2000_", "2001_"),
    }
    text = problems_of(own_target(tmp_path, base="netduinoplus2", **changes))
    assert "right behind other memory, which a stack overflow would write into" in text
    changes['isa = "armv7e-m"'] = 'isa = "armv8-m.main+dsp"'
    assert load_target(own_target(tmp_path, base="netduinoplus2", **changes)).core.isa.startswith("armv8")


@pytest.mark.parametrize(
    ("base", "kernels", "expected"),
    [
        (
            "mps2-an385",
            '["dsp", "portable"]',
            "names 'dsp', which needs the DSP extension; core.isa, 'armv7-",
        ),
        ("microbit", '["dsp", "portable"]', 'write kernels = ["portable"]'),
        ("mps2-an386", '["mve", "dsp", "portable"]', 'write kernels = ["dsp", "portable"]'),
        ("midge-rv32imc", '["thumb", "portable"]', 'write kernels = ["portable"]'),
        ("midge-rv32imc", '["midge", "portable"]', "which needs Midge's extension"),
    ],
)
def test_kernels_that_the_core_cannot_run_are_refused(
    base: str, kernels: str, expected: str, tmp_path: Path
) -> None:
    path = own_target(tmp_path, base=base)
    text = path.read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("kernels = "))
    path.write_text(text.replace(line, f"kernels = {kernels}"))
    assert expected in problems_of(path)
