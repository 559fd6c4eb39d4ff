"""Twister's hardware maps are read as they are; what is wrong in one is told all at once, with its line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from smidgen.device.boards import Entry, read_hardware_map, target_of
from smidgen.errors import UsageError

# As `west twister --generate-hardware-map` and Zephyr's documentation write them.
TWISTER = """
- connected: true
  id: 000683759358
  platform: nrf52840dk/nrf52840
  product: J-Link
  runner: nrfjprog
  serial: /dev/ttyACM1
  fixtures:
    - gpio_loopback
    - i2c:bme280
- available: false
  connected: false
  id: OSHW000032254e4500128002ab98002784d1000097969900
  notes: under the desk
  platform: reel_board reel_board@2
  product: DAPLink CMSIS-DAP
  runner: pyocd
  serial: null
  baud: 921600
  flash_timeout: 90
  script_param: {pre_script_timeout: 60, pre_script_arg: [-p, 5]}
- id: 104683759358
  connected: true
  platform: [mps2/an386]
  product: QEMU
  runner: none
  serial_pty: qemu.sh --machine mps2
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "map.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_map_of_twister_is_read_unchanged(tmp_path: Path) -> None:
    path = written(tmp_path, TWISTER)
    nordic, reel, qemu = read_hardware_map(path)
    assert nordic == Entry(
        path, 2, "000683759358", ("nrf52840dk/nrf52840",), "J-Link", "nrfjprog", True, serial="/dev/ttyACM1",
        fixtures=("gpio_loopback", "i2c:bme280"),
    )  # fmt: skip
    assert reel.platforms == ("reel_board", "reel_board@2")
    assert (reel.connected, reel.serial, reel.baud) == (False, "", 921600)
    assert reel.extra == {
        "available": False,
        "notes": "under the desk",
        "flash_timeout": 90,
        "script_param": {"pre_script_timeout": 60, "pre_script_arg": ["-p", 5]},
    }
    assert (qemu.id, qemu.serial_pty) == ("104683759358", "qemu.sh --machine mps2")


def test_zephyr_names_mean_our_targets() -> None:
    names = ["nrf52840dk/nrf52840", "nucleo_f446re", "nucleo_h743zi/stm32h743xx", "mps2/an386", "midge", "zz"]
    found = [target_of(name) for name in names]
    assert [target and target.name for target in found] == [
        "nrf52840-dk", "nucleo-f446re", "nucleo-h743zi", "mps2-an386", "midge", None,
    ]  # fmt: skip


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = """
- id: first
  platform: midge
  product: a
  runner: b
  connected: perhaps
  baud: fast
- platform: midge
  product: {a: b}
  runner: b
  connected: true
  serial: /dev/ttyACM0
  serial_pty: board.sh
  runner: c
- just a text
"""
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_hardware_map(path)
    assert [str(problem).split("\n")[0] for problem in caught.value.problems] == [
        f"{path}, line 6, board 'first': 'connected' must be true or false",
        f"{path}, line 7, board 'first': 'baud' must be a whole number above 0",
        f"{path}, line 14, board 'number 2': 'runner' is there twice",
        f"{path}, line 8, board 'number 2': 'id' is missing",
        f"{path}, line 9, board 'number 2': 'product' must be a text",
        f"{path}, line 13, board 'number 2': 'serial_pty' is there beside 'serial'",
        f"{path}, line 15, board 'number 3': is not a board: it has no keys",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a list of boards"),
        ("a: b", "is not a list of boards"),
        ("- [", "is not valid YAML"),
        (b"\xff\xfe\x00", "is not valid YAML"),
        ("- &a [*a]", "has no keys"),
        ("[" * 400, "is not valid YAML"),
        ("- !!python/object/apply:os.system [true]", "has no keys"),
    ],
)
def test_what_is_no_map_is_one_error(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_hardware_map(written(tmp_path, text))


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["- id: a", "  platform: midge", "  product: x", "  runner: y", "  connected: true"]
    lines.append("  a0: &a0 [x]")
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(UsageError, match=r"'a\d+' holds too much"):
        read_hardware_map(written(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_does_anything_but_an_error(tmp_path: Path, seed: int) -> None:
    """Bytes changed, lost and doubled: entries or a UsageError, nothing else."""
    generator = random.Random(seed)
    for _ in range(40):
        data = bytearray(TWISTER.encode())
        for _ in range(generator.randrange(1, 6)):
            at = generator.randrange(len(data))
            data[at : at + generator.randrange(3)] = bytes(
                generator.choice(b"-:[]{}&*!|>'\"%@`#,? \n\tax0\xff") for _ in range(generator.randrange(3))
            )
        path = written(tmp_path, bytes(data))
        try:
            entries = read_hardware_map(path)
        except UsageError as error:
            assert all(problem.where.startswith(str(path)) for problem in error.problems)
        else:
            assert all(entry.id and entry.platforms for entry in entries)
