"""From a bundle to a board that holds it: check the bundle, find the board, ask it what it is, write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from smidgen.compile.bundle import Bundle, load_bundle
from smidgen.device.flashers import Found, Track, make_flasher, untracked
from smidgen.device.virtual_board import VirtualBoard, has_virtual_flash
from smidgen.errors import Problem, UsageError
from smidgen.targets import Target


def flash_command(folder: Path, target: Target, port: str = "", probe: str = "") -> list[str] | None:
    """The command line that flashes this bundle, None where Smidgen itself does. Raises UsageError."""
    return make_flasher(target, port, probe).command(bundle_for(folder, target))


def flash_bundle(
    folder: Path,
    target: Target,
    port: str = "",
    probe: str = "",
    name: str = "",
    progress: Callable[[str], None] = lambda stage: None,
    track: Track = untracked,
) -> Found:
    """Writes a bundle's image to a board and gives the board.

    port, probe: see Flasher; with neither, a simulated target's virtual board, the one of that name.
    progress is told the name of each stage as it starts.
    Raises UsageError: a wrong bundle, no board, too many; DeviceError: not this target's board, or it failed.
    """
    bundle = bundle_for(folder, target)
    with ExitStack() as stack:
        virtual = has_virtual_flash(target) and not port and not probe
        if virtual:
            progress("starting the virtual board's boot loader")
            simulator = stack.enter_context(VirtualBoard(target, name).bootloader())
            port = simulator.port
        flasher = stack.enter_context(closing(make_flasher(target, port, probe)))
        if virtual:
            flasher.clock = simulator.seconds
        progress("looking for the board")
        found = flasher.probe()
        progress(f"flashing {found.place or found.board}")
        flasher.flash(bundle, track)
        return replace(found, place=f"the virtual board {target.name}") if virtual else found


def bundle_for(folder: Path, target: Target) -> Bundle:
    """The bundle in a folder, which is whole and was built for this target. Raises UsageError."""
    bundle = load_bundle(folder)
    built_for = bundle.manifest.get("target")
    if built_for != target.name:
        fix = f"build it with -t {target.name}, or use it with -t {built_for}"
        raise UsageError(Problem(str(folder), f"was built for '{built_for}', not for '{target.name}'", fix))
    return bundle
