"""The agent's parser trusts nothing: broken frames, CBOR and fields under address and undefined-behaviour
sanitizers."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import cbor2
import pytest
from smp.os_management import EchoWriteRequest, EchoWriteResponse
from wire import framed

from smidgen.device import protocol
from smidgen.device.frames import FrameReader

KEYS = ["t", "r", "off", "len", "data", "crc", "mode", "i", "out", "first", "d", "x" * 40, ""]

NUMBERS = [0, 1, 2, 23, 24, 255, 256, 512, 1000, 1008, 65535, 2**32 - 1, 2**32, 2**64 - 1]


def random_value(generator: random.Random, depth: int = 0) -> object:
    choices = [
        lambda: generator.choice(
            [0, 1, 2, 23, 24, 255, 256, 512, 1000, 1008, 65535, 2**32 - 1, 2**32, 2**64 - 1]
        ),
        lambda: generator.randrange(2**32),
        lambda: -generator.randrange(1, 2**40),
        lambda: generator.randbytes(generator.choice([0, 1, 8, 100, 500])),
        lambda: "t" * generator.randrange(60),
        lambda: generator.random(),
        lambda: generator.choice([None, True, False]),
    ]
    if depth < 3:
        choices += [
            lambda: [random_value(generator, depth + 1) for _ in range(generator.randrange(4))],
            lambda: {generator.choice(KEYS): random_value(generator, depth + 1)},
            lambda: cbor2.CBORTag(generator.randrange(99), random_value(generator, depth + 1)),
        ]
    return generator.choice(choices)()


def random_body(generator: random.Random) -> bytes:
    """Mostly a map that looks like a request; some broken in one place, some mere noise."""
    kind = generator.randrange(6)
    if kind == 0:
        return generator.randbytes(generator.randrange(60))
    keys = generator.sample(KEYS, generator.randrange(len(KEYS)))
    body = bytearray(cbor2.dumps({key: random_value(generator) for key in keys})[:520])
    if kind == 1 and body:
        body[generator.randrange(len(body))] = generator.randrange(256)
    elif kind == 2:
        del body[generator.randrange(len(body)) :]
    elif kind == 3 and body[0] >> 5 == 5 and body[0] & 31 < 24:
        body[0] = 0xBF  # the same map of indefinite length
        body += generator.choice([b"\xff", b""])
    return bytes(body)


def random_message(generator: random.Random) -> bytes:
    body = random_body(generator)
    length = len(body) if generator.randrange(20) else generator.randrange(65536)
    group = generator.choice([0, 1, protocol.GROUP, protocol.GROUP, protocol.GROUP])
    # Command 5 of group 0 restarts the agent, which ends this process.
    command = generator.choice([0, 1, 2, 3, 6, 7, 8, 9, 10, 127] + ([4, 5] if group else []))
    operation = generator.choice([0, 2, 0, 2, 8, 10, generator.randrange(256)])
    head = [operation, generator.randrange(256), length >> 8, length & 255, group >> 8, group & 255]
    return bytes([*head, generator.randrange(256), command]) + body


def random_bytes(generator: random.Random) -> bytes:
    """A frame, now and then broken below the checksum or not a frame at all."""
    data = framed(random_message(generator), generator.choice([127, 127, 20, 300]))
    kind = generator.randrange(12)
    at = generator.randrange(len(data))
    if kind == 0:
        return data[:at] + generator.randbytes(generator.randrange(8)) + data[at:]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + b"\n" + data[at:]
    if kind == 3:
        return generator.choice([b"\x06\x09", b"\x04\x14"]) + b"A" * generator.randrange(1200) + b"\n"
    return data


def fuzz(agent: Path, count: int, seed: int) -> None:
    generator = random.Random(seed)
    last = EchoWriteRequest(d="still here", sequence=200)
    data = b"".join(random_bytes(generator) for _ in range(count)) + b"\n" + framed(bytes(last))
    result = subprocess.run([str(agent)], input=data, capture_output=True, timeout=600, check=False)
    assert result.returncode == 0, f"seed {seed}:\n{result.stderr.decode()[-3000:]}"
    *others, answer = FrameReader().feed(result.stdout)
    assert protocol.parse(answer, last, EchoWriteResponse).r == "still here"
    assert len(others) > count // 4, "most messages were not even answered"


@pytest.mark.parametrize("seed", range(4))
def test_random_messages_do_no_harm(host_agent: Path, seed: int) -> None:
    fuzz(host_agent, 2000, seed)


def test_random_messages_do_no_harm_without_a_copy_of_the_input(small_host_agent: Path) -> None:
    fuzz(small_host_agent, 2000, 99)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_random_messages_do_no_harm(host_agent: Path, seed: int) -> None:
    fuzz(host_agent, 20_000, seed)


def test_random_bytes_do_no_harm_to_the_hosts_reader() -> None:
    generator = random.Random(1)
    request = protocol.RunRequest(t=1, r=1, mode=0, crc=0)
    reader = FrameReader()
    for _ in range(3000):
        data = random_bytes(generator) + generator.randbytes(generator.randrange(30))
        for frame in reader.feed(data):
            protocol.parse(frame, request, protocol.RunReply)
