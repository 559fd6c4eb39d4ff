"""Which board is meant: the one that was named, or the only one there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serial.tools import list_ports

from smidgen.errors import Problem, UsageError


@dataclass(frozen=True)
class Seen:
    """A port, probe or drive of this machine: how it is named, and what is known about it; matches: it may
    lead to a board of the target."""

    name: str
    description: str
    matches: bool = True

    def __str__(self) -> str:
        return f"{self.name} ({self.description})" if self.description else self.name


def choose(named: str, seen: Sequence[Seen], kind: str, fix: str) -> str:
    """The board to use: the one of `seen` that is `named`, else the only one that matches.

    kind: what is chosen, such as "port"; fix: what to do when there is none.
    Raises UsageError when none or several match, with all that were seen.
    """
    listed = ", ".join(map(str, seen)) or "none"
    matching = [one.name for one in seen if (one.name == named if named else one.matches)]
    if len(matching) == 1:
        return matching[0]
    if named:
        raise UsageError(Problem(f"--{kind} {named}", f"there is no such {kind}; seen: {listed}", fix))
    if not matching:
        what = f"no {kind} leads to a board of this target; seen: {listed}"
        raise UsageError(Problem("flash", what, fix))
    what = f"several {kind}s may lead to a board of this target: {', '.join(matching)}; seen: {listed}"
    raise UsageError(Problem("flash", what, f"choose one with --{kind}"))


def serial_ports(usb: Sequence[str]) -> list[Seen]:
    """The serial ports of this machine; those behind a USB device of `usb` match, or all when it is empty.

    Ports that are no device of a bus (the many /dev/ttyS* of a PC) never match by themselves.
    """
    seen = []
    for port in sorted(list_ports.comports(), key=lambda one: one.device):
        number = f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else ""
        parts = [part for part in (number, port.description) if part and part != "n/a"]
        matches = number in usb if usb else bool(number)
        seen.append(Seen(port.device, ", ".join(parts), matches))
    return seen


def choose_port(named: str, usb: Sequence[str]) -> str:
    """The serial port: `named`, which may be any device or URL, else the only one that may lead to such a
    board. UsageError as `choose`."""
    fix = "connect the board, or give its port with --port"
    return named or choose("", serial_ports(usb), "port", fix)


def refuse_several_probes(usb: Sequence[str]) -> None:
    """UsageError when more than one USB device of these numbers has a serial port: of those without one, only
    the program that uses them knows."""
    seen = {
        port.serial_number: Seen(port.serial_number, f"beside {port.device}")
        for port in list_ports.comports()
        if port.serial_number and port.vid is not None and f"{port.vid:04x}:{port.pid:04x}" in usb
    }
    if len(seen) > 1:
        choose("", list(seen.values()), "probe", "")
