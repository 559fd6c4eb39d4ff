"""The agent's commands: what it answers, what it refuses, and that nothing is carried out twice."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import toy
from smp import message
from smp.os_management import (
    EchoWriteRequest,
    EchoWriteResponse,
    MCUMgrParametersReadRequest,
    MCUMgrParametersReadResponse,
    ResetWriteRequest,
    ResetWriteResponse,
)
from wire import Wire, framed

from smidgen.device import protocol
from smidgen.device.protocol import Command, Damaged, Refusal, RunMode, Status
from smidgen.paths import data_folder

INPUT = bytes(i * 37 & 255 for i in range(1008))


def outputs(wire: Wire, transaction: int, run: int) -> bytes:
    pieces = []
    for offset in range(0, 2000, 500):
        request = protocol.OutputRequest(t=transaction, r=run, off=offset, len=500)
        pieces.append(wire.ask(request, protocol.OutputReply).data)
    return b"".join(pieces)


def expected(model: toy.ToyModel) -> bytes:
    a = np.frombuffer(INPUT[:1000], np.int8).reshape(1, 1000)
    return b"".join(array.tobytes() for array in model.run(a, np.frombuffer(INPUT[1000:], np.int8)))


def run_request(crc: int, *, t: int = 1, r: int = 1, mode: int = 0, **more: int) -> protocol.RunRequest:
    return protocol.RunRequest(t=t, r=r, mode=mode, crc=crc, **more)


def refusal(answer: object) -> Status | None:
    assert isinstance(answer, Refusal), answer
    return answer.code


def test_any_smp_client_gets_its_echo_and_the_buffer_size(host_agent: Path) -> None:
    with Wire(host_agent) as wire:
        for text in ("", "hello", "ä" * 200, "x" * 530):
            assert wire.ask(EchoWriteRequest(d=text), EchoWriteResponse).r == text
        reply = wire.ask(MCUMgrParametersReadRequest(), MCUMgrParametersReadResponse)
        assert (reply.buf_size, reply.buf_count) == (552, 1)


@pytest.mark.parametrize("line_length", [12, 64, 127, 400])
def test_lines_of_any_length_are_put_together(host_agent: Path, line_length: int) -> None:
    request = EchoWriteRequest(d="a longer text " * 20)
    with Wire(host_agent) as wire:
        wire.send(framed(bytes(request), line_length))
        assert protocol.parse(wire.frame(), request, EchoWriteResponse).r == request.d


def test_bytes_that_are_no_frame_are_skipped(host_agent: Path) -> None:
    request = EchoWriteRequest(d="here")
    with Wire(host_agent) as wire:
        wire.send(b"boot\r\n\x00\xff% junk\n" + framed(bytes(request)))
        assert protocol.parse(wire.frame(), request, EchoWriteResponse).r == "here"


def test_a_damaged_frame_is_asked_for_again_and_not_carried_out(host_agent: Path) -> None:
    request = EchoWriteRequest(d="x" * 100)
    whole = framed(bytes(request))
    with Wire(host_agent) as wire:
        for at in (2, 20, len(whole) - 20):  # in the length, in the body, near the checksum
            wire.send(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert isinstance(protocol.parse(wire.frame(), request, EchoWriteResponse), Damaged), at
        assert wire.ask(EchoWriteRequest(d="fine"), EchoWriteResponse).r == "fine"


def test_unknown_groups_and_commands_and_broken_bodies_are_refused(host_agent: Path) -> None:
    class Unknown(message.ReadRequest):
        _GROUP_ID = 200
        _COMMAND_ID = 3

    class UnknownCommand(message.ReadRequest):
        _GROUP_ID = protocol.GROUP
        _COMMAND_ID = 77

    with Wire(host_agent) as wire:
        assert "ENOTSUP" in wire.ask(Unknown(), protocol.Described).text
        assert refusal(wire.ask(UnknownCommand(), protocol.Described)) is Status.NO_SUCH_COMMAND
        request = protocol.DescribeRequest()
        head = bytes(request)[:8]
        wire.send(framed(head[:3] + b"\x02" + head[4:] + b"\x63\xff"))  # a map was due, a cut text came
        assert "EINVAL" in protocol.parse(wire.frame(), request, protocol.Described).text
        wire.send(framed(head[:3] + b"\x00" + head[4:]))  # some clients leave an empty map out
        assert protocol.parse(wire.frame(), request, protocol.Described).model == "toy"


def test_reset_is_answered_before_it_happens(host_agent: Path) -> None:
    with Wire(host_agent) as wire:
        assert isinstance(wire.ask(ResetWriteRequest(), ResetWriteResponse), ResetWriteResponse)


def test_a_run_that_is_asked_for_again_happens_once(host_agent: Path) -> None:
    model = toy.ToyModel()
    with Wire(host_agent) as wire:
        crc = wire.send_input(1, INPUT)
        first = run_request(crc, sequence=9)
        answers = [
            wire.ask(first, protocol.RunReply).crc,
            wire.ask(first, protocol.RunReply).crc,  # the same bytes: the reply was lost
            wire.ask(run_request(crc), protocol.RunReply).crc,  # another message about the same run
        ]
        assert len(set(answers)) == 1
        assert outputs(wire, 1, 1) == expected(model)
        # A new number is a new run of the input that the agent has kept; the state goes on.
        assert wire.ask(run_request(crc, r=2), protocol.RunReply).crc != answers[0]
        assert outputs(wire, 1, 2) == expected(model)


def test_nothing_runs_on_an_input_that_is_damaged_or_not_all_there(host_agent: Path) -> None:
    model = toy.ToyModel()
    with Wire(host_agent) as wire:
        assert refusal(wire.ask(run_request(0), protocol.RunReply)) is Status.NO_INPUT
        crc = wire.send_input(1, INPUT)
        assert refusal(wire.ask(run_request(crc ^ 1), protocol.RunReply)) is Status.INPUT_DAMAGED
        assert refusal(wire.ask(run_request(crc), protocol.RunReply)) is Status.INPUT_INCOMPLETE
        wire.send_input(1, INPUT)
        assert refusal(wire.ask(run_request(crc, t=2), protocol.RunReply)) is Status.NO_INPUT
        wire.ask(run_request(crc), protocol.RunReply)
        assert outputs(wire, 1, 1) == expected(model), "one of the refused runs changed the state"


def test_pieces_of_the_input_may_come_twice_or_too_early(host_agent: Path) -> None:
    def piece(start: int, end: int) -> int:
        request = protocol.InputRequest(t=4, off=start, data=INPUT[start:end])
        return wire.ask(request, protocol.InputReply).off

    with Wire(host_agent) as wire:
        assert piece(0, 300) == 300
        assert piece(600, 900) == 300
        assert piece(0, 300) == 300
        assert piece(300, 700) == 700
        assert piece(300, 600) == 700
        assert piece(700, 1008) == 1008
        crc = wire.send_input(5, INPUT)
        wire.ask(run_request(crc, t=5), protocol.RunReply)
        assert outputs(wire, 5, 1) == expected(toy.ToyModel())


def test_an_input_that_a_run_has_consumed_is_not_run_again(small_host_agent: Path) -> None:
    with Wire(small_host_agent) as wire:
        served = wire.ask(protocol.DescribeRequest(), protocol.Described)
        assert not served.caps & protocol.Capability.INPUT_COPY
        crc = wire.send_input(1, INPUT)
        wire.ask(run_request(crc), protocol.RunReply)
        assert outputs(wire, 1, 1) == expected(toy.ToyModel())
        assert refusal(wire.ask(run_request(crc, r=2), protocol.RunReply)) is Status.INPUT_CONSUMED


def test_outputs_are_given_only_for_the_run_that_made_them(host_agent: Path) -> None:
    def status(**fields: int) -> Status | None:
        request = protocol.OutputRequest(**{"t": 1, "r": 1, "off": 0, "len": 10, **fields})
        return refusal(wire.ask(request, protocol.OutputReply))

    with Wire(host_agent) as wire:
        crc = wire.send_input(1, INPUT)
        assert status() is Status.NO_OUTPUT
        wire.ask(run_request(crc), protocol.RunReply)
        assert status(r=2) is Status.NO_OUTPUT
        assert status(t=2) is Status.NO_OUTPUT
        assert status(off=1995) is Status.OUT_OF_RANGE
        assert status(off=2001, len=0) is Status.OUT_OF_RANGE
        assert status(len=513) is Status.OUT_OF_RANGE
        wire.ask(protocol.SelfTestRequest(i=0), protocol.SelfTestReply)
        assert status() is Status.NO_OUTPUT


def test_indices_and_offsets_outside_the_model_are_refused(host_agent: Path) -> None:
    with Wire(host_agent) as wire:
        for request, reply in (
            (protocol.TensorRequest(out=0, i=2), protocol.TensorReply),
            (protocol.TensorRequest(out=2, i=0), protocol.TensorReply),
            (protocol.LayerRequest(i=3), protocol.LayerReply),
            (protocol.SelfTestRequest(i=2), protocol.SelfTestReply),
            (protocol.InputRequest(t=1, off=1009, data=b""), protocol.InputReply),
            (protocol.InputRequest(t=1, off=1000, data=bytes(9)), protocol.InputReply),
            (run_request(0, mode=3), protocol.RunReply),
        ):
            assert refusal(wire.ask(request, reply)) is Status.OUT_OF_RANGE, request


def test_the_self_test_names_the_first_layer_that_differs(host_agent: Path) -> None:
    with Wire(host_agent) as wire:
        good = wire.ask(protocol.SelfTestRequest(i=0), protocol.SelfTestReply)
        assert (good.ok, good.checked) == (True, 4)
        bad = wire.ask(protocol.SelfTestRequest(i=1), protocol.SelfTestReply)
        assert (bad.ok, bad.checked, bad.layer, bad.expected ^ bad.actual) == (False, 3, 2, 1)
        crc = wire.send_input(1, INPUT)
        wire.ask(run_request(crc), protocol.RunReply)
        assert outputs(wire, 1, 1) == expected(toy.ToyModel()), "the test left the state changed"


def test_rows_hold_one_checksum_per_tensor(host_agent: Path) -> None:
    with Wire(host_agent) as wire:
        crc = wire.send_input(1, INPUT)
        reply = wire.ask(run_request(crc, mode=RunMode.CHECKSUMS), protocol.RunReply)
        assert reply.rows == 4
        rows = wire.ask(protocol.RowsRequest(t=1, r=1, first=1), protocol.RowsReply)
        assert (rows.first, rows.layer) == (1, (1, 2, 2))
        rows = wire.ask(protocol.RowsRequest(t=1, r=1, first=5), protocol.RowsReply)
        assert refusal(rows) is Status.OUT_OF_RANGE


def test_a_model_that_writes_behind_its_arena_is_reported(tmp_path: Path) -> None:
    agent = toy.build_host(tmp_path, flags=(*toy.SANITIZERS, "-DTOY_OVERRUN"))
    with Wire(agent) as wire:
        crc = wire.send_input(1, INPUT)
        assert refusal(wire.ask(run_request(crc), protocol.RunReply)) is Status.ARENA_OVERRUN


def test_firmware_and_host_number_commands_and_errors_alike() -> None:
    folder = data_folder("firmware") / "runtime"
    header = (folder / "service.h").read_text() + (folder / "smp.h").read_text()
    numbers = {name: int(value) for name, value in re.findall(r"(\w+) = (\d+)", header)}
    commands = {f"COMMAND_{one.name}": one.value for one in Command}
    statuses = {f"STATUS_{one.name}": one.value for one in Status}
    modes = {f"RUN_{one.name}": one.value for one in RunMode}
    wanted = {**commands, **statuses, **modes, "STATUS_OK": 0, "SMIDGEN_PROTOCOL_VERSION": 1}
    assert {name: numbers[name] for name in numbers if name.startswith(("COMMAND", "STATUS", "RUN"))} == {
        name: value for name, value in wanted.items() if not name.startswith("SMIDGEN")
    }
    assert numbers["SMIDGEN_PROTOCOL_VERSION"] == protocol.PROTOCOL_VERSION
    assert re.search(r"SMIDGEN_GROUP = 0x(\w+)", header)[1] == f"{protocol.GROUP:x}"
