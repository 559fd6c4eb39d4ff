"""Options that several verbs share. The help text lives on the option."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from smidgen.cli.parser import Parser


def add_model(parser: Parser) -> None:
    parser.add_argument(
        "-m", "--model", required=True, type=Path, metavar="FILE", help="an int8 .tflite model"
    )


def add_model_or_bundle(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "-m", "--model", type=Path, metavar="FILE", help="an int8 .tflite model, built for this run"
    )
    what.add_argument(
        "-b", "--bundle", type=Path, metavar="DIR",
        help="the bundle that the board was flashed with ('smidgen flash'): nothing is built",
    )  # fmt: skip


def add_target(parser: Parser) -> None:
    parser.add_argument(
        "-t", "--target", required=True, metavar="NAME|FILE",
        help="a target's name (see 'smidgen targets') or the path of a target file (./myboard.toml)",
    )  # fmt: skip


def add_optimize(parser: Parser) -> None:
    parser.add_argument(
        "--optimize",
        choices=("speed", "size"),
        default="speed",
        help="what to spend flash on (default: speed)",
    )


def add_arena(parser: Parser) -> None:
    parser.add_argument(
        "--arena",
        choices=("fast", "small"),
        default="fast",
        help="fast: the fastest plan that fits the target's RAM (default); small: the smallest arena, with "
        "kernels that need little memory and the first layers in bands of rows, some of them computed twice",
    )


def add_port(parser: Parser) -> None:
    parser.add_argument(
        "--port", metavar="PORT",
        help="the serial port of a board that this model's firmware was flashed to, such as /dev/ttyACM0, "
        "instead of what the target file says",
    )  # fmt: skip


def add_json(parser: Parser) -> None:
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write what the table shows as JSON")


def add_report(parser: Parser) -> None:
    parser.add_argument(
        "--report", type=output_file, metavar="FILE", help="write one self-contained HTML page"
    )


def add_input(parser: Parser) -> None:
    parser.add_argument(
        "--input", type=Path, metavar="FILE",
        help="an .npz file with x (N, ...) in the model's input type or float, and optionally labels y; "
        "without it, seeded random inputs",
    )  # fmt: skip
    parser.add_argument("--limit", type=count, metavar="N", help="use the first N inputs (or N random ones)")


def output_file(text: str) -> Path:
    """A file to be written; refused now rather than after a long run."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is a folder, give the name of a file")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder '{path.parent}'")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"'{text}' cannot be written")
    return path


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)
