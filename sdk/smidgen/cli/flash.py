"""smidgen flash"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from smidgen.cli import options
from smidgen.cli.parser import Parser
from smidgen.device.flashing import flash_bundle, flash_command
from smidgen.report.progress import Stages
from smidgen.targets import load_target

HELP = "write a bundle's firmware to the board, and check that it is this target's board first"


def add_options(parser: Parser) -> None:
    parser.add_argument(
        "-b", "--bundle", required=True, type=Path, metavar="DIR",
        help="the folder that 'smidgen build -o' wrote for this target",
    )  # fmt: skip
    options.add_target(parser)
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--port", default="", help="the board's port, such as /dev/ttyACM0; default: the only one"
    )
    place.add_argument(
        "--probe", default="", metavar="ID", help="the debug probe's serial number, or the board's drive"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing, only print the command line that would"
    )


def run(arguments: argparse.Namespace) -> int:
    target = load_target(arguments.target)
    place = {"port": arguments.port, "probe": arguments.probe}
    if arguments.dry_run:
        command = flash_command(arguments.bundle, target, **place)
        print(
            shlex.join(command) if command else "no other program is called: Smidgen itself writes the image"
        )
        return 0
    with Stages() as stages:
        found = flash_bundle(arguments.bundle, target, progress=stages, track=_Percent(stages), **place)
    print(f"flashed {arguments.bundle} to {found.place}: {found.board}")
    return 0


class _Percent:
    """Shows on a terminal how much is written; elsewhere the name of the stage is enough."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._shown = -1

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // total
        if sys.stderr.isatty() and percent != self._shown:
            self._shown = percent
            self._stages(f"writing: {percent} %")
