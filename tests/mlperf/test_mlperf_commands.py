"""MLPerf Tiny's commands: the transcript, what is refused, and what happens to the state meanwhile."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest
import toy
from dialog import Dialog
from mirror import DATA, GREETING, LOAD, SIZE, Mirror, without_times

from smidgen.device import protocol


def converse(agent: Path, data: bytes) -> str:
    """What the agent writes when these bytes are all that it gets; times are replaced."""
    result = subprocess.run([str(agent)], input=data, capture_output=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr.decode()[-3000:]
    return without_times(result.stdout.decode("latin-1"))


def check(agent: Path, data: bytes) -> str:
    answers = converse(agent, data)
    assert answers == GREETING + Mirror().feed(data)
    return answers


def test_the_transcript_of_a_whole_session(host_agent: Path) -> None:
    answers = check(host_agent, b"name%profile%timestamp%help%" + LOAD + b"db print%infer 2 1%results%")
    assert answers.startswith(
        GREETING + "m-name-dut-[host]\r\nm-ready\r\nm-profile-[ULPMark for tinyML Firmware V0.0.1]\r\n"
        "m-model-[toy]\r\nm-ready\r\nm-lap-us-TIME\r\nm-ready\r\n"
    )
    assert "m-[Expecting 32 bytes]\r\nm-ready\r\nm-ready\r\nm-load-done\r\nm-ready\r\n" in answers
    assert "m-buffer-64-65-66-67-68-69-6a-6b\r\n" in answers
    assert (
        "m-warmup-start-1\r\nm-warmup-done\r\nm-infer-start-2\r\nm-lap-us-TIME\r\nm-lap-us-TIME\r\n"
        "m-infer-done\r\nm-results-[" in answers
    )
    assert answers.endswith("]\r\nm-ready\r\n")


def test_every_reply_ends_in_ready_and_every_line_in_crlf(host_agent: Path) -> None:
    commands = b"name%" + LOAD + b"infer 1 0%nonsense%%db%" + b"x" * 200 + b"%\x00%results%"
    answers = converse(host_agent, commands)
    assert answers.count("m-ready\r\n") == commands.count(b"%") + 1
    assert answers.count("\n") == answers.count("\r\n") == answers.count("\r")


@pytest.mark.parametrize(
    "refused",
    [
        b"", b" ", b"x", b"Name", b"name name", b"infer", b"infer 0", b"infer -1", b"infer 1 2 3",
        b"infer 1x", b"infer 99999999999", b"db", b"db load", b"db load 0", b"db load 31", b"db load 33",
        b"db load 4294967328", b"db load 32 32", b"db 0", b"db 0g", b"db 00 00", b"db 00",
        b"db " + b"00" * 38, b"db print 33", b"db print 1 32", b"db print 4294967295 1",
        b"db print 1 1 1", b"results 1", b"x" * 81, b"db \x00", b"\xff",
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(host_agent: Path, refused: bytes) -> None:
    data = LOAD + b"infer 1 0%" + refused + b"%results%db print%infer 1 0%"
    answers = check(host_agent, data)
    assert answers.count("e-[") == 1


def test_commands_out_of_order_are_refused(host_agent: Path) -> None:
    answers = check(host_agent, b"infer 1%results%db 00%db print%db load 32%infer 1%results%db 0000%infer 1%")
    assert answers.count("e-[") == 6


def test_a_new_load_takes_the_place_of_the_old_one(host_agent: Path) -> None:
    check(host_agent, b"db load 32%db 1122%" + LOAD + b"infer 1 0%db load 32%results%infer 1 0%")


def test_the_end_of_a_line_begins_anew(host_agent: Path) -> None:
    answers = check(host_agent, b"\r\nname%\r\nna\nname%\xfe\nname%" + b"x" * 90 + b"\nname%")
    assert answers.count("m-name-dut-[host]") == 4


def test_the_longest_command_that_the_runner_sends_fits(host_agent: Path) -> None:
    check(
        host_agent,
        b"db load 32%db " + DATA[:31].hex().encode() + b"%db " + DATA[31:].hex().encode() + b"%infer 1%",
    )


def test_smp_and_text_share_one_memory(host_agent: Path) -> None:
    """Whoever comes last has it, and the other is told."""
    request = protocol.InputRequest(t=1, off=0, data=DATA)
    crc = zlib.crc32(DATA)
    with Dialog(host_agent) as dialog:
        dialog.text(LOAD)
        dialog.ask(request, protocol.InputReply)
        assert "e-[No input]" in dialog.text(b"infer 1 0%")
        dialog.ask(protocol.RunRequest(t=1, r=1, mode=0, crc=crc), protocol.RunReply)
        dialog.text(LOAD)
        for gone, reply, status in (
            (protocol.RunRequest(t=1, r=2, mode=0, crc=crc), protocol.RunReply, protocol.Status.NO_INPUT),
            (protocol.OutputRequest(t=1, r=1, off=0, len=8), protocol.OutputReply, protocol.Status.NO_OUTPUT),
        ):
            answer = dialog.ask(gone, reply)
            assert isinstance(answer, protocol.Refusal)
            assert answer.code is status


def test_without_memory_to_keep_an_input_none_is_taken(tmp_path: Path) -> None:
    agent = toy.build_host(
        tmp_path, size=SIZE, flags=(*toy.SANITIZERS, f"-DHOST_RAM_BYTES={4 * SIZE + 8 + 32}")
    )
    answers = converse(agent, b"db load 32%infer 1%")
    assert "e-[The input is 0 bytes]" in answers
    assert "e-[No input]" in answers
