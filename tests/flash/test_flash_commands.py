"""What --dry-run prints is a command line that the program itself understands.

Programs whose parser can be called are given the arguments there. The others are run for a board that cannot
exist: they get as far as looking for it. Each case has a counter-check, a command line that must be refused.
"""

from __future__ import annotations

import shlex
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flash_bundles import image_of, make_bundle, target_with

from smidgen.cli import main
from smidgen.compile.uf2 import uf2
from smidgen.device.flashers import programs
from smidgen.targets import list_targets, load_target

NOWHERE = "no-such-board"
DFU = 'method = "dfu_util"\ndevice = "0483:df11"\nmemory = "@Internal Flash"\naddress = 0x0800_0000'
FLASHED = [name for name in list_targets() if load_target(name).flasher is not None]


@pytest.fixture
def dry_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The arguments that --dry-run prints for a target's board."""

    def ask(target: str, *options: str) -> list[str]:
        folder = tmp_path / "a bundle"  # a space, because paths have such
        make_bundle(folder, target)
        assert main(["flash", "-b", str(folder), "-t", target, "--dry-run", *options]) == 0
        return shlex.split(capsys.readouterr().out)

    return ask


def needs(program: str) -> str:
    path = programs.find(program)
    if path is None:
        pytest.skip(f"needs {program}: {programs.install_hint(program)}")
    return path


def said(command: list[str]) -> str:
    """What the program answers; it must not end as if it had found the board."""
    path = needs(command[0])
    result = subprocess.run(
        [path, *command[1:]], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert result.returncode != 0
    return result.stdout + result.stderr


@pytest.mark.parametrize("target", FLASHED)
def test_every_target_has_a_dry_run_without_a_board(target: str, dry_run) -> None:
    assert dry_run(target)


@pytest.mark.parametrize("target", ["netduinoplus2", "stm32vldiscovery"])
def test_stm32loader(target: str, dry_run) -> None:
    arguments = pytest.importorskip("stm32loader.args", reason=programs.install_hint("stm32loader"))
    bootloader = pytest.importorskip("stm32loader.bootloader")
    program, *rest = dry_run(target, "--port", "/dev/ttyUSB7")
    assert program == "stm32loader"
    parsed = arguments.parse_arguments(rest)
    assert (parsed.erase, parsed.write, parsed.verify) == (True, True, True)
    assert (parsed.port, parsed.baud) == ("/dev/ttyUSB7", 115200)
    assert (parsed.address, parsed.go_address) == (0x0800_0000, 0x0800_0000)
    assert parsed.family in bootloader.Stm32Bootloader.FLASH_SIZE_ADDRESS
    assert Path(parsed.data_file).read_bytes() == b"image"
    with pytest.raises(SystemExit):
        arguments.parse_arguments([*rest, "--no-such-option"])


@pytest.mark.parametrize("target", ["nrf52840-dk", "microbit"])
def test_pyocd(target: str, dry_run) -> None:
    pytest.importorskip("pyocd", reason=programs.install_hint("pyocd"))
    from pyocd.__main__ import PyOCDTool
    from pyocd.target.builtin import BUILTIN_TARGETS

    program, *rest = dry_run(target, "--probe", "0123")
    assert program == "pyocd"
    parser = PyOCDTool().build_parser()
    parsed = parser.parse_args(rest)
    assert parsed.unique_id == "0123"
    assert parsed.target_override in BUILTIN_TARGETS
    assert parsed.no_wait
    with pytest.raises(SystemExit):
        parser.parse_args([*rest, "--no-such-option"])


def test_esptool(dry_run) -> None:
    command = dry_run("esp32-c3", "--port", f"/dev/{NOWHERE}")
    assert f"Could not open /dev/{NOWHERE}" in said(command)
    assert "No such option" in said([*command, "--no-such-option"])


@pytest.mark.parametrize("target", ["nucleo-f446re", "nucleo-h743zi"])
def test_openocd(target: str, dry_run) -> None:
    command = dry_run(target, "--probe", NOWHERE)
    assert "OpenOCD init failed" in said(command)
    misspelt = [part.replace("adapter serial", "adapter serail") for part in command]
    assert "OpenOCD init failed" not in said(misspelt)


def test_dfu_util(dry_run, tmp_path: Path) -> None:
    target = target_with(tmp_path, "nucleo-h743zi", DFU)
    command = dry_run(str(target), "--probe", NOWHERE)
    assert command[:5] == ["dfu-util", "--device", "0483:df11", "--alt", "0"]
    assert "No DFU capable USB device available" in said(command)
    assert "Usage" in said([*command, "--no-such-option"])


def test_openfpgaloader(dry_run) -> None:
    """It parses the whole command line, looks the board up, and then for its probe."""
    command = dry_run("ulx3s-85f", "--probe", NOWHERE)
    assert command[:3] == ["openFPGALoader", "--board", "ulx3s"] and command[-1].endswith("firmware.bit")
    assert "unable to open ftdi device" in said(command)
    assert "does not exist" in said([*command, "--no-such-option"])
    assert "cannot find board" in said([part.replace("ulx3s", "ulx4s", 1) for part in command])


def test_dfu_util_writes_a_bitstream(dry_run) -> None:
    command = dry_run("orangecrab-25f", "--probe", NOWHERE)
    assert command[:5] == ["dfu-util", "--device", "1209:5af0", "--alt", "0"]
    assert command[-1].endswith("firmware.bit")
    assert "No DFU capable USB device available" in said(command)


def test_teensy_loader(dry_run) -> None:
    command = dry_run("teensy41")
    missing = [*command[:-1], NOWHERE]  # with a file that is there it would wait for a board
    assert "error reading intel hex file" in said(missing)
    assert "Unknown MCU type" in said([part.replace("TEENSY41", "TEENSY99") for part in missing])


def test_bossac(dry_run) -> None:
    command = dry_run("nano-33-ble", "--port", NOWHERE)
    assert f"No device found on {NOWHERE}" in said(command)
    assert f"No device found on {NOWHERE}" not in said([*command, "--no-such-option"])


def test_gdb(dry_run) -> None:
    with deaf_server() as port:
        command = dry_run("mps2-an386", "--port", f"localhost:{port}")
        answer = said(command)
    assert "Remote" in answer
    assert "ndefined" not in answer
    with deaf_server() as port:
        command = dry_run("mps2-an386", "--port", f"localhost:{port}")
        assert "Undefined command" in said([part.replace("compare-sections", "no-such") for part in command])


@contextmanager
def deaf_server() -> Iterator[int]:
    """A port that takes a connection and closes it."""
    with socket.create_server(("localhost", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def test_a_drive_is_copied_to(dry_run) -> None:
    command = dry_run("pico", "--probe", "/media/RPI-RP2")
    assert command[0] == "cp" and command[-1] == "/media/RPI-RP2"
    assert shutil.which("cp")


@pytest.mark.parametrize("size", [1, 256, 257, 5000])
def test_uf2_blocks_hold_the_image(size: int) -> None:
    """By the format's own description: 512 bytes each, numbered, the payload's place in every one."""
    image = image_of(size)
    data = uf2(image, 0x1000_0000, 0xE48B_FF56)
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    memory = bytearray()
    for number, block in enumerate(blocks):
        first, second, flags, address, count, index, total, family = struct.unpack("<8I", block[:32])
        assert (first, second, block[508:]) == (0x0A324655, 0x9E5D5157, struct.pack("<I", 0x0AB16F30))
        assert (flags, family) == (0x2000, 0xE48BFF56)
        assert (index, total, len(block)) == (number, len(blocks), 512)
        assert address == 0x1000_0000 + len(memory)
        memory += block[32 : 32 + count]
    assert memory[:size] == image
    assert set(memory[size:]) <= {0xFF}


def test_uf2_blocks_are_read_by_others(tmp_path: Path) -> None:
    program = programs.find("uf2conv")
    if program is None:
        pytest.skip("needs uf2conv: pip install adafruit-uf2")
    image = image_of(1000)
    (tmp_path / "firmware.uf2").write_bytes(uf2(image, 0x1000_0000, 0xE48B_FF56))
    command = [program, "--convert", "firmware.uf2", "--output", "firmware.bin"]
    output = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "start address: 0x10000000" in output
    assert (tmp_path / "firmware.bin").read_bytes()[:1000] == image


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "target", "option", "code", "words"),
    [
        ("pyocd", "nrf52840-dk", "--probe", 2, "there is no such probe"),
        ("dfu-util", "dfu", "--probe", 2, "there is no such probe"),
        ("openocd", "nucleo-f446re", "--probe", 3, "openocd ended with code 1"),
        ("esptool", "esp32-c3", "--port", 3, f"Could not open {NOWHERE}"),
    ],
)
def test_programs_are_asked_for_the_board_in_words_that_they_understand(
    program: str, target: str, option: str, code: int, words: str, tmp_path: Path, capsys
) -> None:
    needs(program)
    if target == "dfu":
        target = str(target_with(tmp_path, "nucleo-h743zi", DFU))
    folder = make_bundle(tmp_path / "bundle", target).folder
    assert main(["flash", "-b", str(folder), "-t", target, option, NOWHERE]) == code
    errors = capsys.readouterr().err
    assert words in errors
    assert "Usage" not in errors and "invalid command" not in errors
