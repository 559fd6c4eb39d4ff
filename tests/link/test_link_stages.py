"""When the other side dies or falls silent, the error names the stage in time, and nothing is left."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import pytest
import toy
from link_line import Line, swallow, unharmed
from smp.os_management import EchoWriteResponse
from wire import framed

from smidgen.device.client import Stage
from smidgen.device.serial_device import Deadlines, SerialDevice
from smidgen.device.simulated_device import MidgeDevice
from smidgen.errors import DeviceError, UsageError

STAGES = ["boot", "describe", "reset", "send input", "run", "read output", "read rows", "memory", "selftest"]
INPUTS = [np.zeros((1, 1000), np.int8), np.zeros(8, np.int8)]


def everything(device: SerialDevice) -> None:
    """Goes through every stage."""
    with device:
        device.profile(INPUTS)
        device.memory()
        device.selftest()


class Deadly:
    """A mixin: kills the device (`kill`, of the class that mixes it in) just before the first question of one
    stage."""

    stage = ""

    def _ask(self, stage: Stage, *arguments, **fields):
        if stage.name == self.stage:
            self.kill()
        return super()._ask(stage, *arguments, **fields)


class DyingSerialDevice(Deadly, SerialDevice):
    line: Line

    def kill(self) -> None:
        self.line.process.kill()


class DyingMidgeDevice(Deadly, MidgeDevice):
    processes: list

    def kill(self) -> None:
        self.processes.append(self._simulator)
        self._simulator.process.kill()


@pytest.mark.parametrize("stage", STAGES)
def test_an_agent_that_dies_is_reported_with_its_stage(host_agent: Path, stage: str) -> None:
    with Line(host_agent) as line:
        device = DyingSerialDevice(line.url, deadlines=Deadlines(*[30.0] * 4))
        device.line, device.stage = line, stage
        start = time.monotonic()
        with pytest.raises(DeviceError, match=f"^{stage}: the port .* closed"):
            everything(device)
        assert time.monotonic() - start < 30


@pytest.mark.parametrize("stage", STAGES)
def test_a_simulator_that_is_killed_is_reported_and_leaves_nothing(midge_agent: Path, stage: str) -> None:
    device = DyingMidgeDevice(midge_agent, "midge-rv32imc", deadlines=Deadlines(*[60.0] * 4))
    device.stage, device.processes = stage, []
    start = time.monotonic()
    with pytest.raises(DeviceError, match=f"^{stage}: the simulator was killed by signal 9"):
        everything(device)
    assert time.monotonic() - start < 60
    (simulator,) = device.processes
    assert simulator.process.poll() is not None
    assert not simulator.folder.exists()
    device.close()


class FrozenDevice(MidgeDevice):
    """Sends its simulator a signal as soon as the question of the stage `run` is on its way."""

    signal = signal.SIGKILL

    def _ask(self, stage: Stage, *arguments, **fields):
        if stage.name == "run":
            port, process = self._port, self._simulator.process
            write = port.write

            def write_and_signal(data: bytes) -> None:
                write(data)
                process.send_signal(self.signal)

            port.write = write_and_signal
        return super()._ask(stage, *arguments, **fields)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (signal.SIGKILL, r"^run: the simulator was killed by signal 9"),
        (signal.SIGSTOP, r"^run: no answer within 1 s"),
    ],
)
def test_a_simulator_that_stops_while_the_model_runs(tmp_path: Path, number: int, message: str) -> None:
    image = toy.build_midge(tmp_path, flags=("-DTOY_HANG",))
    device = FrozenDevice(image, "midge-rv32imc", deadlines=Deadlines(run=1.0))
    device.signal = number
    with device:
        process = device._simulator.process
        with pytest.raises(DeviceError, match=message):
            device.run(INPUTS)
    assert process.poll() is not None


def test_bytes_of_an_earlier_conversation_are_ignored(host_agent: Path) -> None:
    old = framed(bytes(EchoWriteResponse(r="old", sequence=3)))
    stale = iter([b"boot 1.0\r\n\x06\x09AAAA" + old[5:] + old])
    with (
        Line(host_agent, to_host=lambda line: next(stale, b"") + line) as line,
        SerialDevice(line.url, retry_seconds=0.05) as device,
    ):
        assert device.describe().model == "toy"


def test_a_silent_device_runs_out_of_time_in_the_stage_where_it_fell_silent(host_agent: Path) -> None:
    quick = Deadlines(boot=0.4)
    with Line(host_agent, to_host=swallow) as line:
        device = SerialDevice(line.url, deadlines=quick, retry_seconds=0.05)
        start = time.monotonic()
        with pytest.raises(DeviceError, match=r"^boot: no answer within 0.4 s"), device:
            pass
        assert 0.4 <= time.monotonic() - start < 5


def test_a_model_that_never_returns_runs_out_of_time(tmp_path: Path) -> None:
    agent = toy.build_host(tmp_path, flags=("-DTOY_HANG",))
    with (
        Line(agent) as line,
        SerialDevice(line.url, deadlines=Deadlines(run=0.5)) as device,
        pytest.raises(DeviceError, match=r"^run: no answer within 0.5 s"),
    ):
        device.run(INPUTS)


class SlowDevice(SerialDevice):
    """Takes 15 seconds for every question, by a clock of its own."""

    seconds = 0.0

    def __init__(self, url: str) -> None:
        super().__init__(url, deadlines=Deadlines(*[20.0] * 4), retry_seconds=0.05)
        self._clock = lambda: self.seconds

    def _ask(self, stage: Stage, *arguments, **fields):
        self.seconds += 15
        return super()._ask(stage, *arguments, **fields)


class StuckDevice(SlowDevice):
    """Never has more than half of the input."""

    def _ask(self, stage: Stage, *arguments, **fields):
        reply = super()._ask(stage, *arguments, **fields)
        return reply.model_copy(update={"off": 500}) if stage.name == "send input" else reply


def test_a_device_that_gets_further_is_waited_for_however_slow_it_is(host_agent: Path) -> None:
    with Line(host_agent) as line:
        device = SlowDevice(line.url)
        everything(device)
    assert device.seconds > 15 * 20
    with (
        Line(host_agent) as line,
        StuckDevice(line.url) as device,
        pytest.raises(DeviceError, match=r"^send input: stayed at byte 500 for 20 s"),
    ):
        device.run(INPUTS)


def test_a_device_that_takes_its_time_to_start_is_waited_for(host_agent: Path) -> None:
    lines = iter([swallow] * 6)  # as if the port had reset a board, which is not listening yet
    with (
        Line(host_agent, to_device=lambda line: next(lines, unharmed)(line)) as line,
        SerialDevice(line.url, retry_seconds=0.02) as device,
    ):
        assert device.describe().model == "toy"


def test_another_model_than_expected_is_refused(host_agent: Path) -> None:
    with (
        Line(host_agent) as line,
        pytest.raises(DeviceError, match=r"boot: the device serves 'toy' version 1.0, expected version 2"),
        SerialDevice(line.url, expected="2"),
    ):
        pass


def test_inputs_of_the_wrong_shape_type_or_number_are_all_reported(host_agent: Path) -> None:
    with Line(host_agent) as line, SerialDevice(line.url) as device:
        with pytest.raises(UsageError) as caught:
            device.run([np.zeros((1000, 1), np.int8), np.zeros(8, np.uint8)])
        assert [problem.where for problem in caught.value.problems] == ["input 'a'", "input 'b'"]
        with pytest.raises(UsageError, match="1 given, the model has 2"):
            device.run(INPUTS[:1])


def test_a_port_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(DeviceError, match=r"^port /dev/does-not-exist: cannot be opened"):
        SerialDevice("/dev/does-not-exist").load()


def test_a_device_that_is_not_loaded_says_so() -> None:
    with pytest.raises(DeviceError, match="is not loaded"):
        SerialDevice("/dev/does-not-exist").memory()


class CountingDevice(SerialDevice):
    """Counts the pieces of inputs that it sends."""

    pieces = 0

    def _ask(self, stage: Stage, *arguments, **fields):
        self.pieces += stage.name == "send input"
        return super()._ask(stage, *arguments, **fields)


@pytest.mark.parametrize(("agent", "sent_again"), [("host_agent", False), ("small_host_agent", True)])
def test_an_input_that_the_device_has_kept_is_not_sent_again(
    request: pytest.FixtureRequest, agent: str, sent_again: bool
) -> None:
    model = toy.ToyModel()
    with Line(request.getfixturevalue(agent)) as line, CountingDevice(line.url) as device:
        pieces = []
        for inputs in (INPUTS, INPUTS, [INPUTS[0] + 1, INPUTS[1]]):
            for actual, expected in zip(device.run(inputs).outputs, model.run(*inputs), strict=True):
                np.testing.assert_array_equal(actual, expected)
            pieces.append(device.pieces)
    first, second, third = pieces
    assert second == (2 * first if sent_again else first)
    assert third == second + first
