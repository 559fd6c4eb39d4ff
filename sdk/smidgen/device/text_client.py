"""MLPerf Tiny's text commands over a port (docs/mlperf.md)."""

from __future__ import annotations

from smidgen.device.client import Stage
from smidgen.device.transports import Port, PortClosed

READY = "m-ready"
_END = "%"
_GREETING = "m-name-dut-"


class TextClient:
    """One conversation. Whoever begins it calls `greet` first."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._arrived = bytearray()

    def greet(self, stage: Stage) -> None:
        """Gets in step with a board that may have said something before, as it does when it starts."""
        self._port.drain()
        self._arrived.clear()
        self._send(stage, "name")
        while not any(line.startswith(_GREETING) for line in self._reply(stage)):
            pass

    def ask(self, stage: Stage, command: str) -> list[str]:
        """The lines of the reply, without the last one. DeviceError naming the stage: the board refuses,
        it does not answer in time, the port is gone."""
        self._send(stage, command)
        lines = self._reply(stage)
        refusals = [line for line in lines if line.startswith("e-")]
        if refusals:
            raise stage.error(f"the device refuses '{command}': {' '.join(refusals)}")
        return lines

    def _send(self, stage: Stage, command: str) -> None:
        try:
            self._port.write((command + _END).encode())
        except PortClosed as error:
            raise stage.error(f"the port {self._port.url} closed: {error}") from error

    def _reply(self, stage: Stage) -> list[str]:
        lines: list[str] = []
        while not lines or lines[-1] != READY:
            lines.append(self._line(stage))
        return lines[:-1]

    def _line(self, stage: Stage) -> str:
        while b"\n" not in self._arrived:
            if stage.left <= 0:
                raise stage.error(f"no answer within {stage.seconds:g} s")
            try:
                self._arrived += self._port.read(stage.left)
            except PortClosed as error:
                raise stage.error(f"the port {self._port.url} closed: {error}") from error
        line, _, rest = bytes(self._arrived).partition(b"\n")
        self._arrived[:] = rest
        return line.decode("ascii", "replace").strip("\r\0")
