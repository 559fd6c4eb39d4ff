"""The imitation of the STM32's boot ROM in QEMU: AN3155 to the letter, and what stm32loader makes of it."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import xor
from pathlib import Path

import pytest
import serial
from flash_bundles import image_of, make_bundle

from smidgen.cli import main
from smidgen.device.flashers.stm32_rom import _Line
from smidgen.device.flashing import flash_bundle
from smidgen.device.simulators import qemu, stm32_rom
from smidgen.device.virtual_board import VirtualBoard
from smidgen.errors import DeviceError
from smidgen.targets import load_target

pytest.importorskip("stm32loader", reason="needs stm32loader: pip install stm32loader")
pytestmark = pytest.mark.skipif(
    not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)

ACK, NACK = b"\x79", b"\x1f"
FLASH = 0x0800_0000
F1, F4 = "stm32vldiscovery", "netduinoplus2"
SIZES = {F1: 0x2_0000, F4: 0x10_0000}
SECONDS = 20.0


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual boards of this test alone."""
    monkeypatch.setenv("SMIDGEN_STATE", str(tmp_path / "state"))


class Line:
    """The serial line, by hand."""

    def __init__(self, port: str) -> None:
        self._serial = serial.Serial(port, timeout=SECONDS)

    def synchronize(self) -> None:
        """As loaders do: again until there is an answer, since what comes before the USART is on is lost."""
        self._serial.timeout = 2.0
        for _ in range(10):
            self.say(b"\x7f")
            if self._serial.read():
                break
        self._serial.timeout = SECONDS

    def say(self, data: bytes) -> None:
        self._serial.write(data)

    def hear(self, count: int = 1) -> bytes:
        data = self._serial.read(count)
        assert len(data) == count, f"{len(data)} of {count} bytes came within {SECONDS:g} s"
        return data

    def ask(self, *pieces: bytes) -> bytes:
        """The answer to the last piece; all before are acknowledged."""
        for index, piece in enumerate(pieces):
            self.say(piece)
            answer = self.hear()
            assert answer == ACK or index + 1 == len(pieces), f"piece {index} was refused"
        return answer


@contextmanager
def rom(name: str, flash: Path, contents: bytes = b"") -> Iterator[Line]:
    """The boot loader of a target on a flash that starts with these contents, synchronized."""
    flash.write_bytes(contents.ljust(SIZES[name], b"\xff"))
    with stm32_rom.start(load_target(name), flash) as simulator:
        line = Line(simulator.port)
        line.synchronize()
        yield line


def command(number: int) -> bytes:
    return bytes([number, number ^ 0xFF])


def summed(data: bytes) -> bytes:
    return data + bytes([reduce(xor, data)])


def address(value: int) -> bytes:
    return summed(struct.pack(">I", value))


def block(data: bytes) -> bytes:
    return summed(bytes([len(data) - 1]) + data)


def test_it_says_what_it_is(tmp_path: Path) -> None:
    for name, chip, erase in ((F1, 0x420, 0x43), (F4, 0x413, 0x44)):
        with rom(name, tmp_path / "flash") as line:
            assert line.ask(command(0x00)) == ACK
            count = line.hear()[0]
            version, *commands = line.hear(count + 1)
            assert (version, line.hear()) == (0x31, ACK)
            assert commands == [0x00, 0x01, 0x02, 0x11, 0x21, 0x31, erase]
            assert line.ask(command(0x02)) == ACK
            assert line.hear(3) == bytes([1]) + struct.pack(">H", chip)
            assert line.hear() == ACK


BYTES = bytes(range(1, 9))
REFUSED = {
    "a second synchronizing byte": [b"\x7f\x7f"],
    "a command without its complement": [b"\x11\x11"],
    "an unknown command": [command(0x63)],
    "reading where nothing is": [command(0x11), address(0x4000_0000), command(3)],
    "reading beyond the end": [command(0x11), address(FLASH + SIZES[F4] - 2), command(3)],
    "a damaged address": [command(0x11), address(FLASH)[:4] + b"\x00"],
    "a damaged length": [command(0x11), address(FLASH), b"\x03\x03"],
    "writing to RAM": [command(0x31), address(0x2000_0000)],
    "writing to an odd place": [command(0x31), address(FLASH + 2)],
    "writing beyond the end": [command(0x31), address(FLASH + SIZES[F4] - 4), block(BYTES)],
    "damaged data": [command(0x31), address(FLASH), block(BYTES)[:-1] + b"\x55"],
    "erasing a sector that is not there": [command(0x44), summed(struct.pack(">HH", 0, 12))],
    "a damaged list of sectors": [command(0x44), struct.pack(">HH", 0, 1) + b"\x55"],
    "a damaged erasing of all": [command(0x44), b"\xff\xff\x01"],
    "starting where nothing is": [command(0x21), address(0x4000_0000)],
}


def test_whatever_is_wrong_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    contents = image_of(SIZES[F4])
    with rom(F4, tmp_path / "flash", contents) as line:
        for name, pieces in REFUSED.items():
            assert line.ask(*pieces) == NACK, name
            assert line.ask(command(0x01)) == ACK, f"after {name}"
            assert line.hear(4) == bytes([0x31, 0, 0]) + ACK
    assert (tmp_path / "flash").read_bytes() == contents


def test_programming_clears_bits_and_erasing_sets_those_of_a_sector(tmp_path: Path) -> None:
    first, second = image_of(256), image_of(256, seed=2)
    for name, sector, size, erase in (
        (F1, 3, 1024, [command(0x43), summed(bytes([0, 3]))]),
        (F4, 4, 0x1_0000, [command(0x44), summed(struct.pack(">HH", 0, 4))]),
    ):
        start = 3 * 1024 if name == F1 else 4 * 0x4000  # of the sector
        with rom(name, tmp_path / "flash", bytes(SIZES[name])) as line:
            assert line.ask(*erase) == ACK
            erased = (tmp_path / "flash").read_bytes()
            expected = bytearray(SIZES[name])
            expected[start : start + size] = b"\xff" * size
            assert erased == expected, f"{name}, sector {sector}"
            for data in (first, second):
                assert line.ask(command(0x31), address(FLASH + start), block(data)) == ACK
            assert line.ask(command(0x11), address(FLASH + start), command(0xFF)) == ACK
            assert line.hear(256) == bytes(a & b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", [F1, F4])
def test_a_virtual_board_keeps_what_was_flashed(name: str, tmp_path: Path) -> None:
    target, image = load_target(name), image_of(1001)
    VirtualBoard(target).flash.parent.mkdir(parents=True)
    VirtualBoard(target).flash.write_bytes(bytes(5000))  # of an image that was there
    bundle = make_bundle(tmp_path / "bundle", name, image)
    written = []
    found = flash_bundle(bundle.folder, target, track=lambda done, total: written.append((done, total)))
    assert f"chip {target.flasher.chip_id.value:#x}" in found.board
    assert written == [(256, 1001), (512, 1001), (768, 1001), (1001, 1001)]
    assert VirtualBoard(target).flash.read_bytes() == image.ljust(SIZES[name], b"\xff")


def test_another_chip_is_refused_before_anything_is_written(tmp_path: Path, capsys) -> None:
    bundle = make_bundle(tmp_path / "bundle", F1, image_of(300))
    with VirtualBoard(load_target(F4)).bootloader() as simulator:
        code = main(["flash", "-b", str(bundle.folder), "-t", F1, "--port", simulator.port])
    errors = capsys.readouterr().err
    assert code == 3
    assert "is chip 0x413" in errors and "has chip 0x420" in errors and "nothing was written" in errors
    assert set(VirtualBoard(load_target(F4)).flash.read_bytes()) == {0xFF}


def test_a_board_that_vanishes_while_it_is_written(tmp_path: Path) -> None:
    """Each time after one more piece; what is there then is flashed over."""
    target, image = load_target(F4), image_of(2000)
    bundle = make_bundle(tmp_path / "bundle", F4, image)
    board = VirtualBoard(target)
    board.flash.parent.mkdir(parents=True)
    board.flash.write_bytes(b"\xff" * SIZES[F4])
    simulator = stm32_rom.start(target, board.flash)

    def cut(done: int, total: int) -> None:
        simulator.process.send_signal(signal.SIGKILL)
        simulator.process.wait()

    started = time.monotonic()
    with simulator, pytest.raises(DeviceError, match="flash it again"):
        flash_bundle(bundle.folder, target, port=simulator.port, track=cut)
    assert time.monotonic() - started < 2 * SECONDS
    assert board.flash.read_bytes()[:512] == image[:256] + b"\xff" * 256
    flash_bundle(bundle.folder, target)
    assert board.flash.read_bytes().startswith(image)


def test_an_answer_that_comes_late_does_not_confuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader then sends a second synchronizing byte, which the chip takes as half a command."""
    read, calls = _Line.read, []

    def late(line: _Line, count: int = 1) -> bytes:
        calls.append(count)
        return b"" if len(calls) == 1 else read(line, count)

    monkeypatch.setattr(_Line, "read", late)
    flash_bundle(make_bundle(tmp_path / "bundle", F4).folder, load_target(F4))
    assert VirtualBoard(load_target(F4)).flash.read_bytes().startswith(b"image")


def test_one_process_at_a_time_flashes_a_virtual_board(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", F4)
    with (
        VirtualBoard(load_target(F4)).bootloader(),
        pytest.raises(DeviceError, match="another process is flashing"),
    ):
        flash_bundle(bundle.folder, load_target(F4))


def test_a_port_without_a_boot_loader_is_told_how_to_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smidgen.device.flashers.stm32_rom._ANSWER_SECONDS", 0.2)
    controller, terminal = os.openpty()
    bundle = make_bundle(tmp_path / "bundle", F4)
    try:
        with pytest.raises(DeviceError, match="set BOOT0 high"):
            flash_bundle(bundle.folder, load_target(F4), port=os.ttyname(terminal))
    finally:
        os.close(controller)
        os.close(terminal)
