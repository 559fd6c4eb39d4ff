"""A byte is lost, flipped or doubled between stm32loader and the boot ROM: the image is right or refused."""

from __future__ import annotations

import os
import random
import select
import shutil
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial
from flash_bundles import image_of, make_bundle

from smidgen.device.flashing import flash_bundle
from smidgen.device.simulators import qemu, stm32_rom
from smidgen.errors import DeviceError
from smidgen.targets import load_target

pytest.importorskip("stm32loader", reason="needs stm32loader: pip install stm32loader")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
        reason="needs qemu-system-arm and arm-none-eabi-gcc",
    ),
]

TARGET = "stm32vldiscovery"
SIZE = 1500
# What goes over the line each way while this image is flashed: about so many bytes.
TO_BOARD, FROM_BOARD = 1700, 1600
DAMAGE = {
    "lost": lambda byte, generator: b"",
    "flipped": lambda byte, generator: bytes([byte ^ 1 << generator.randrange(8)]),
    "doubled": lambda byte, generator: bytes([byte, byte]),
}


class Bridge(threading.Thread):
    """Passes bytes between a pseudo-terminal and the board, and damages one of them."""

    def __init__(self, board: str, kind: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._generator = random.Random(f"{kind} {seed}")
        self._damage = DAMAGE[kind]
        self._to_board = bool(self._generator.getrandbits(1))
        self._left = self._generator.randrange(TO_BOARD if self._to_board else FROM_BOARD)
        self._board = serial.Serial(board, timeout=0)
        self._controller, self._terminal = os.openpty()
        tty.setraw(self._terminal)
        self._wake_end, self._close_end = os.pipe()
        self.port = os.ttyname(self._terminal)
        self.damaged = False

    def run(self) -> None:
        ends = {self._controller: self._board.fileno(), self._board.fileno(): self._controller}
        while True:
            ready, _, _ = select.select([*ends, self._wake_end], [], [])
            if self._wake_end in ready:
                return
            for end in ready:
                data = os.read(end, 256)
                os.write(ends[end], self._passed(data, end == self._controller))

    def _passed(self, data: bytes, to_board: bool) -> bytes:
        if self.damaged or to_board != self._to_board:
            return data
        if self._left >= len(data):
            self._left -= len(data)
            return data
        self.damaged = True
        at = self._left
        return data[:at] + self._damage(data[at], self._generator) + data[at + 1 :]

    def close(self) -> None:
        os.close(self._close_end)
        self.join(20)
        for descriptor in (self._controller, self._terminal, self._wake_end):
            os.close(descriptor)
        self._board.close()


@contextmanager
def noisy(board: str, kind: str, seed: int) -> Iterator[Bridge]:
    bridge = Bridge(board, kind, seed)
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.close()


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("seed", range(4))
def test_the_image_is_right_or_refused(kind: str, seed: int, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("smidgen.device.flashers.stm32_rom._ANSWER_SECONDS", 1.0)
    target, image = load_target(TARGET), image_of(SIZE, seed)
    bundle = make_bundle(tmp_path / "bundle", TARGET, image)
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xff" * target.memory_of_kind("flash").length)
    with stm32_rom.start(target, flash) as simulator, noisy(simulator.port, kind, seed) as bridge:
        try:
            flash_bundle(bundle.folder, target, port=bridge.port)
            accepted = True
        except DeviceError:
            accepted = False
        assert bridge.damaged
    assert flash.read_bytes().startswith(image) or not accepted
