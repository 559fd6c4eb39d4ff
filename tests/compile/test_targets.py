"""Targets: found by name, by path and on the search path; everything wrong in a file is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from smidgen.errors import UsageError
from smidgen.targets import list_targets, load_target

NAMES = ("host", "midge", "midge-rv32imc", "midge-rv32imc-flash")


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


def own_target(folder: Path, name: str = "myboard", **changes: str) -> Path:
    """A copy of midge-rv32imc with other texts in it."""
    text = load_target("midge-rv32imc").path.read_text()
    changes = {'name = "midge-rv32imc"': f'name = "{name}"', **changes}
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
