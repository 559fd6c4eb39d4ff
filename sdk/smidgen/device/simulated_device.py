"""Devices whose `load` starts a simulator: the Midge core, QEMU's boards, the RP2040 in rp2040js."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from smidgen.device import protocol
from smidgen.device.base import Profile, Run
from smidgen.device.serial_device import Deadlines, SerialDevice
from smidgen.device.simulators import counting, qemu, rp2040js, verilator
from smidgen.device.simulators.process import Simulator


class SimulatedDevice(SerialDevice):
    """A firmware image on a simulator, which `start` starts with its UART on a port; `close` ends it."""

    def __init__(
        self,
        start: Callable[[], Simulator],
        *,
        expected: str | None = None,
        deadlines: Deadlines | None = None,
        retry_seconds: float = 2.0,
    ) -> None:
        super().__init__("", expected=expected, deadlines=deadlines, retry_seconds=retry_seconds)
        self._start = start
        self._simulator: Simulator | None = None
        self._messages = ""

    @property
    def messages(self) -> str:
        """What the simulator wrote beside the line, also after the device was closed."""
        return self._messages if self._simulator is None else self._simulator.log().strip()

    def load(self) -> None:
        if self._simulator is None:
            self._simulator = self._start()
            self._port_url = self._simulator.port
            self._clock = self._simulator.seconds
        super().load()

    def close(self) -> None:
        super().close()
        if self._simulator is not None:
            self._simulator.close()
            self._messages = self.messages
            self._simulator = None

    def _obituary(self) -> str:
        if self._simulator is None:
            return ""
        try:
            code = self._simulator.wait(1.0)
        except subprocess.TimeoutExpired:
            return ""
        if code < 0:
            what = f"{self._simulator.name} was killed by signal {-code}"
        elif code >= protocol.FAULT_EXIT_CODE:
            # The firmware's own report may be lost when the port goes with the simulator.
            what = protocol.trap_text(code - protocol.FAULT_EXIT_CODE)
        else:
            what = f"{self._simulator.name} ended with code {code}"
        return f"{what}\n{self._simulator.log().strip()}".strip()


class MidgeDevice(SimulatedDevice):
    """An image (ELF or BIN file) on the Midge core. configuration: of hw/configurations.toml."""

    def __init__(
        self,
        image: Path,
        configuration: str,
        *,
        expected: str | None = None,
        deadlines: Deadlines | None = None,
        retry_seconds: float = 2.0,
    ) -> None:
        # Not a pseudo-terminal: what a simulator that ends has just written to one may get lost, and that may
        # be the report of a trap.
        super().__init__(
            lambda: verilator.start(image, configuration, "tcp"),
            expected=expected, deadlines=deadlines, retry_seconds=retry_seconds,
        )  # fmt: skip


class CountedDevice(SimulatedDevice):
    """Simulators without a notion of cycles: they count the instructions that they execute, exactly."""

    def load(self) -> None:
        super().load()
        assert self._simulator is not None
        self._log = counting.CountLog(self._simulator.folder / counting.LOG)

    def run(self, inputs: Sequence[np.ndarray]) -> Run:
        run = super().run(inputs)
        return replace(run, cycles=None, instructions=self._log.new_counts()["run"][-1])

    def profile(self, inputs: Sequence[np.ndarray]) -> Profile:
        profile = super().profile(inputs)
        counts = self._log.new_counts()
        # The firmware calls its hooks around nothing first: what they cost, to the instruction.
        cost, *layers = counts["layer"]
        return replace(
            profile,
            layers=tuple(
                replace(layer, cycles=None, instructions=instructions - cost)
                for layer, instructions in zip(profile.layers, layers, strict=True)
            ),
            profiled_cycles=None,
            profiled_instructions=counts["profile"][-1],
            cost_cycles=None,
            cost_instructions=cost,
        )


class QemuDevice(CountedDevice):
    """An ELF file on one of QEMU's boards, or what is flashed there, if given. machine: as
    `qemu-system-arm -machine help` lists them."""

    def __init__(
        self,
        image: Path,
        machine: str,
        *,
        flashed: qemu.Flashed | None = None,
        expected: str | None = None,
        deadlines: Deadlines | None = None,
        retry_seconds: float = 2.0,
    ) -> None:
        super().__init__(
            lambda: qemu.start(image, machine, flashed),
            expected=expected, deadlines=deadlines, retry_seconds=retry_seconds,
        )  # fmt: skip


class Rp2040Device(CountedDevice):
    """An ELF file for the RP2040 in rp2040js."""

    def __init__(
        self,
        image: Path,
        *,
        expected: str | None = None,
        deadlines: Deadlines | None = None,
        retry_seconds: float = 2.0,
    ) -> None:
        super().__init__(
            lambda: rp2040js.start(image),
            expected=expected, deadlines=deadlines, retry_seconds=retry_seconds,
        )  # fmt: skip
