"""Every QEMU board: a stack that overflows is caught and named, a bad access is, and a reset starts again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import toy
from smp.os_management import ResetWriteRequest, ResetWriteResponse

from smidgen.device.simulated_device import QemuDevice
from smidgen.device.simulators import qemu
from smidgen.errors import DeviceError
from smidgen.targets import list_targets, load_target

pytestmark = pytest.mark.skipif(
    not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)

# The toy model must leave room for the agent in the 8 KiB of the smallest.
SIZE = 400
A = np.arange(SIZE).astype(np.int8).reshape(1, SIZE)
B = np.arange(8).astype(np.int8)
BOARDS = [name for name in list_targets() if load_target(name).runner.kind == "qemu"]


def test_there_are_eight_boards() -> None:
    assert len(BOARDS) == 8


# The micro:bit stands for all: it has neither fault registers nor a stack limit.
@pytest.mark.parametrize(
    "board", [pytest.param(name, marks=[pytest.mark.slow][: name != "microbit"]) for name in BOARDS]
)
def test_a_stack_overflow_is_caught_and_named(tmp_path: Path, board: str) -> None:
    """A little of it, which would do no harm: by the stack's limit, a guard, or because the RAM ends."""
    down, up = "; ".join(["sub sp, #508"] * 5), "; ".join(["add sp, #508"] * 5)
    flags = (f'-DTOY_INSTRUCTION="{down}; push {{r0}}; pop {{r0}}; {up}"',)
    image = toy.build_board(tmp_path, board, size=SIZE, flags=flags)
    with (
        QemuDevice(image, load_target(board).runner.machine) as device,
        pytest.raises(DeviceError, match=r"^run: the firmware trapped: stack overflow .*in layer 1"),
    ):
        device.run([A, B])


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
def test_a_bad_access_is_reported_and_the_board_starts_again(tmp_path: Path, board: str) -> None:
    flags = ("-DTOY_TRAP=0xe8000000u",)  # a hole in all of them
    image = toy.build_board(tmp_path, board, size=SIZE, flags=flags)
    with QemuDevice(image, load_target(board).runner.machine) as device:
        for _ in range(2):
            with pytest.raises(DeviceError, match=r"^run: the firmware trapped: .* at pc 0x"):
                device.run([A, B])


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
def test_a_board_serves_the_model_and_resets(tmp_path: Path, board: str) -> None:
    model = toy.ToyModel(SIZE)
    image = toy.build_board(tmp_path, board, size=SIZE)
    with QemuDevice(image, load_target(board).runner.machine) as device:
        for _ in range(2):
            for actual, expected in zip(device.run([A, B]).outputs, model.run(A, B), strict=True):
                np.testing.assert_array_equal(actual, expected)
            reply = device.client.ask(device._query("reset"), ResetWriteRequest, ResetWriteResponse)
            assert isinstance(reply, ResetWriteResponse)
            model.reset()
