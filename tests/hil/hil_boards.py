"""Entries of hardware maps with fake boards."""

from __future__ import annotations

import sys
from pathlib import Path

PLATFORM = "midge-rv32imc"  # what the fake boards pass for


def fake(agent: Path, harm: str, after: int = 0) -> str:
    """The serial_pty of a board that misbehaves after so many bytes to the host (see fake_board.py)."""
    return f"{sys.executable} {Path(__file__).parent / 'fake_board.py'} {agent} {harm} {after}"


def entry(name: str, command: str, platform: str = PLATFORM) -> str:
    """An entry of a hardware map, which tests find by its fixture `name`."""
    return (
        f"- id: {name}-1\n  platform: {platform}\n  product: fake\n  runner: none\n  connected: true\n"
        f"  fixtures: [{name}]\n  serial_pty: {command}\n"
    )
