"""The agent on QEMU's boards: the whole conversation, exact counts, faults, and QEMU's own end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import toy

from smidgen.device.serial_device import Deadlines
from smidgen.device.simulated_device import QemuDevice
from smidgen.device.simulators import qemu
from smidgen.errors import DeviceError
from smidgen.golden import checksum

pytestmark = pytest.mark.skipif(
    not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)

A = np.arange(1000).astype(np.int8).reshape(1, 1000)
B = np.arange(8).astype(np.int8)


def slow(board: str):
    return pytest.param(board, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with the toy model for mps2-an386."""
    return toy.build_board(tmp_path_factory.mktemp("agent"), "mps2-an386")


@pytest.mark.parametrize("board", ["mps2-an386", "mps3-an547", slow("stm32vldiscovery")])
def test_a_board_serves_the_model(tmp_path: Path, board: str) -> None:
    model = toy.ToyModel()
    with QemuDevice(toy.build_board(tmp_path, board), board) as device:
        described = device.describe()
        assert (described.board, described.model) == (board, "toy")
        runs = [device.run([A, B]) for _ in range(3)]
        for run in runs:
            for actual, expected in zip(run.outputs, model.run(A, B), strict=True):
                np.testing.assert_array_equal(actual, expected)
            assert run.cycles is None
        assert runs[0].instructions == runs[1].instructions == runs[2].instructions > 6000
        sums = [one.crc for one in device.layer_checksums([A, B])]
        assert sums == [checksum(tensor) for tensor in model.tensors(A, B)]
        assert device.selftest().layer == "split"
        use = device.memory()
        assert use.arena_used_bytes == use.arena_bytes == 4008
        assert 0 < use.stack_run_bytes < use.stack_used_bytes < use.stack_bytes == 2048


def test_layers_sum_to_the_whole(agent: Path) -> None:
    with QemuDevice(agent, "mps2-an386") as device:
        profile, again = (device.profile([A, B]) for _ in range(2))
    counts = [layer.instructions for layer in profile.layers]
    assert counts == [layer.instructions for layer in again.layers]
    # Hooks are called between layers; what else a run does are a few instructions at its ends.
    assert 0 <= profile.run.instructions - sum(counts) < 20
    assert 0 < profile.overhead_instructions < 20 * 3 * profile.cost_instructions
    assert 0 < profile.cost_instructions < 60
    assert [layer.cycles for layer in profile.layers] == [None] * 3
    assert profile.run.cycles is profile.profiled_cycles is profile.cost_cycles is None


MISBEHAVIOUR = {
    "an address where nothing is": (
        "-DTOY_TRAP=0xa0000000u",
        r"^run: the firmware trapped: data bus error \(cause 73\), address 0xa0000000, at pc 0x",
    ),
    "endless recursion": (
        "-DTOY_DEEP -Wno-infinite-recursion",
        r"^run: the firmware trapped: stack overflow",
    ),
    "writing behind the arena": (
        "-DTOY_OVERRUN",
        r"^run: the device refused: the model wrote behind its arena",
    ),
    "an undefined instruction": (
        '-DTOY_INSTRUCTION=".inst.w(0xf7f0a123)"',
        r"undefined instruction \(cause 80\), instruction 0xf7f0a123, .* in layer 1 \('accumulate', ADD\)",
    ),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
@pytest.mark.parametrize("board", ["mps2-an386", slow("mps2-an505")])
def test_a_model_that_misbehaves_is_reported(tmp_path: Path, board: str, case: str) -> None:
    flags, message = MISBEHAVIOUR[case]
    image = toy.build_board(tmp_path, board, flags=tuple(flags.split()))
    with QemuDevice(image, board) as device, pytest.raises(DeviceError, match=message):
        device.run([A, B])


class DyingDevice(QemuDevice):
    """Kills QEMU when it is about to run the model."""

    def _ask(self, stage, *arguments, **fields):
        if stage.name == "run":
            self.simulator = self._simulator
            self._simulator.process.kill()
        return super()._ask(stage, *arguments, **fields)


def test_a_qemu_that_is_killed_is_reported_and_leaves_nothing(agent: Path) -> None:
    with (
        DyingDevice(agent, "mps2-an386", deadlines=Deadlines(*[60.0] * 4)) as device,
        pytest.raises(DeviceError, match=r"^run: QEMU was killed by signal 9$"),
    ):
        device.run([A, B])
    assert device.simulator.process.poll() is not None
    assert not device.simulator.folder.exists()


def test_qemu_ends_with_the_process_that_started_it(agent: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "from smidgen.device.simulators import qemu\n"
        "simulator = qemu.start(pathlib.Path(sys.argv[1]), 'mps2-an386')\n"
        "print(simulator.process.pid, simulator.folder, flush=True)\n"
        "os._exit(1)\n"
    )
    # QEMU holds the other end of this pipe too, so reading it to its end waits for QEMU's.
    inherited, kept = os.pipe()
    os.set_inheritable(kept, True)
    command = [sys.executable, "-c", program, str(agent)]
    done = subprocess.run(command, capture_output=True, text=True, pass_fds=[kept], check=False)
    os.close(kept)
    assert done.returncode == 1, done.stderr
    with os.fdopen(inherited, "rb") as pipe:
        assert pipe.read() == b""
    shutil.rmtree(done.stdout.split()[1])


def test_an_unknown_machine_is_one_error(agent: Path) -> None:
    device = QemuDevice(agent, "mps9")
    with pytest.raises(DeviceError, match=r"^start of QEMU: qemu-system-arm: unsupported machine type"):
        device.load()
    device.close()


def test_a_missing_qemu_is_one_error_with_its_cure(
    agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"(?s)^qemu-system-arm: not found.*apt install qemu-system-arm"):
        QemuDevice(agent, "mps2-an386").load()
