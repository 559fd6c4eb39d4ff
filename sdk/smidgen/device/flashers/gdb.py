"""GDB's load, through whatever speaks its remote protocol: a probe, a debugger's server, an emulator."""

from __future__ import annotations

import re

from smidgen.compile.bundle import ELF, Bundle
from smidgen.device.flashers import Found, programs
from smidgen.device.flashers.external import ExternalFlasher
from smidgen.errors import DeviceError, Problem, UsageError

_WORD = re.compile(r"^0x([0-9a-f]+)[^:\n]*:\s+0x([0-9a-f]{8})$", re.MULTILINE)
_CONNECT_SECONDS = 10


class GdbFlasher(ExternalFlasher):
    """remote: HOST:PORT or a serial port, if --port does not say; before, after: what GDB is to do between
    connecting and loading, and after it, such as "monitor reset run"."""

    def command(self, bundle: Bundle) -> list[str]:
        steps = [*self.texts("before"), "load", "compare-sections", *self.texts("after"), "detach"]
        return [*self._gdb(steps), str(bundle.folder / ELF)]

    def probe(self) -> Found:
        if not self._remote:
            fix = "start the probe's GDB server and give its HOST:PORT, or a serial port, with --port"
            raise UsageError(Problem("flash", "no GDB server is known", fix))
        self.port = self._remote
        chip_id = self.settings.chip_id
        register = chip_id.register if chip_id and chip_id.register is not None else None
        looks = [] if register is None else [f"x/1xw {register:#x}"]
        # Leaves the core halted: there may be nothing yet that it could run.
        command = self._gdb([*self.texts("before"), "print/x $pc", *looks, "disconnect"])
        what = f"asking the chip at {self.port} what it is"
        answer = programs.run(command, what, programs.PROBE_SECONDS, check=False)
        if "$1 = 0x" not in answer:
            raise DeviceError(Problem(what, answer.strip() or "no answer", f"command: {' '.join(command)}"))
        words = {int(address, 16): int(word, 16) for address, word in _WORD.findall(answer)}
        return Found(self.port, self.check_chip(self.port, words.get(register or 0)))

    def check_output(self, output: str) -> None:
        # GDB goes on after a command that failed.
        if "Transfer rate" not in output or "MIS-MATCHED" in output or "matched." not in output:
            what = f"GDB did not load and verify the image:\n    {output.strip()}"
            raise DeviceError(Problem(f"flashing {self.target.name}", what))

    def _gdb(self, steps: list[str]) -> list[str]:
        quiet = [
            "set confirm off",
            f"set remotetimeout {_CONNECT_SECONDS}",
            f"set tcp connect-timeout {_CONNECT_SECONDS}",
        ]
        connect = f"target extended-remote {self._remote or 'PORT'}"
        commands = [part for step in (*quiet, connect, *steps) for part in ("--eval-command", step)]
        return ["gdb-multiarch", "--nx", "--batch", *commands]

    @property
    def _remote(self) -> str:
        return self.port or self.text("remote")


FLASHER = GdbFlasher
