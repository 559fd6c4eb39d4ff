"""A damaged SMP frame is never read as a command."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from dialog import Dialog
from mirror import LOAD, Mirror, without_times
from smp.os_management import EchoWriteRequest, EchoWriteResponse
from wire import framed

from smidgen.device import protocol
from smidgen.device.frames import FrameReader

COMMANDS = [b"infer 1 0%", b"infer 3%", b"db load 32%", b"\rinfer 1 0%\r", b"%infer 1 0%"]


def damaged_frame(generator: random.Random) -> bytes:
    """A frame whose beginning is there, and in it a command, or bits that were flipped."""
    text = generator.choice(COMMANDS)
    request = EchoWriteRequest(d="x" * generator.choice([10, 100, 300]), sequence=generator.randrange(255))
    frame = framed(bytes(request))
    starts = [0, *(at + 1 for at, byte in enumerate(frame[:-1]) if byte == 0x0A)]
    kind = generator.randrange(4)
    if kind == 0:  # in a line, behind its first two bytes
        at = generator.choice(starts) + 2 + generator.randrange(8)
        return frame[:at] + text + frame[at:]
    if kind == 1:  # between two lines, or behind one that never ended
        at = generator.choice(starts[1:] or [len(frame) - 1])
        return frame[:at] + generator.choice([b"", b"\r\n"] if len(starts) > 1 else [b""]) + text + frame[at:]
    if kind == 2:  # a line has lost its end
        at = generator.choice(starts[1:] or [len(frame)])
        return frame[: at - 1] + text + frame[at:]
    damaged = bytearray(frame)
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(2, len(damaged) - 1)
        damaged[at] ^= 1 << generator.randrange(7)
    return bytes(damaged)


def hurt(agent: Path, seed: int, cases: int) -> None:
    generator = random.Random(seed)
    mirror = Mirror()
    mirror.feed(LOAD)
    with Dialog(agent) as dialog:
        dialog.text(LOAD)
        for case in range(cases):
            dialog.send(damaged_frame(generator) + b"\n")
            reply = dialog.ask(EchoWriteRequest(d=f"{case}", sequence=255), EchoWriteResponse)
            assert isinstance(reply, EchoWriteResponse)
            assert reply.r == f"{case}", f"seed {seed}, case {case}"
            dialog.output = b""
        answer = without_times(dialog.text(b"infer 1 0%"))
    assert answer == mirror.feed(b"infer 1 0%"), f"seed {seed}: a command within a frame was carried out"


@pytest.mark.parametrize("seed", range(2))
def test_no_command_within_a_damaged_frame_is_carried_out(host_agent: Path, seed: int) -> None:
    hurt(host_agent, seed, 100)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 14))
def test_no_command_within_many_damaged_frames_is_carried_out(host_agent: Path, seed: int) -> None:
    hurt(host_agent, seed, 2000)


def test_text_waits_until_the_silence_after_a_frame_that_was_cut(host_agent: Path) -> None:
    cut = framed(bytes(EchoWriteRequest(d="x" * 100)))[:100]
    with Dialog(host_agent) as dialog:
        dialog.text(b"name%")
        dialog.send(cut + b"name%name%")
        # Silence ends the line; the agent says so by asking for the frame again.
        dialog.wait_for(lambda output: next(FrameReader().feed(output), None))
        assert b"m-name" not in dialog.output.partition(b"m-ready\r\n")[2].partition(b"m-ready\r\n")[2]
        assert dialog.text(b"name%") == "m-name-dut-[host]\r\nm-ready\r\n"


def test_text_is_taken_again_after_a_whole_frame(host_agent: Path) -> None:
    request = EchoWriteRequest(d="here")
    with Dialog(host_agent) as dialog:
        dialog.text(b"name%")
        dialog.send(b"\x06\x09A\nname%")
        assert isinstance(dialog.ask(request, EchoWriteResponse), EchoWriteResponse)
        assert dialog.text(b"profile%").startswith("m-profile-[")
        assert isinstance(dialog.ask(protocol.DescribeRequest(), protocol.Described), protocol.Described)
