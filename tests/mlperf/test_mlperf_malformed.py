"""Seeded malformed command lines, under sanitizers: every answer and change of state is the mirror's."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from mirror import DATA, GREETING, LOAD, Mirror, without_times

WELL_FORMED = [
    b"name", b"profile", b"timestamp", b"help", b"results", b"infer 1 0", b"infer 2 1", b"db load 32",
    b"db print",
    b"db print 8", b"db print 4 20", b"db " + DATA[:4].hex().encode(), b"db " + DATA[:16].hex().encode(),
    b"db " + DATA[:31].hex().encode(),
]  # fmt: skip
WORDS = [
    b"db",
    b"load",
    b"print",
    b"infer",
    b"results",
    b"name",
    b"32",
    b"0",
    b"00ff",
    b"-1",
    b"4294967296",
    b"",
]
# No byte that begins a frame: those are another test's.
NOISE = bytes(byte for byte in range(256) if byte not in b"\x04\x06%")


def malformed(generator: random.Random) -> bytes:
    """A command with something wrong in it, or mere noise, up to its end; now and then still a right one."""
    line = bytearray(generator.choice(WELL_FORMED))
    kind = generator.randrange(8)
    at = generator.randrange(len(line))
    if kind == 0:
        line[at] = generator.choice(NOISE)
    elif kind == 1:
        line.insert(at, generator.choice(NOISE))
    elif kind == 2:
        del line[at]
    elif kind == 3:
        del line[at:]
    elif kind == 4:
        line += generator.choice(
            [b"  ", b" 1", b" x", b"0", b"\r\n", b" " * 70, b"00" * generator.randrange(60)]
        )
    elif kind == 5:
        line[:] = b" ".join(generator.choices(WORDS, k=generator.randrange(1, 7)))
    elif kind == 6:
        line[:] = bytes(generator.choices(NOISE, k=generator.randrange(200)))
    else:
        line[:] = generator.choice([b"db ", b"db load ", b"infer 1 "]) + bytes(
            generator.choices(b"0123456789abcdefABCDEFgxyz ", k=generator.randrange(1, 90))
        )
    return bytes(line)


def runs_long(line: bytes) -> bool:
    """Whether it would keep the model busy for ever: a right command, but not for this test."""
    words = line.split()
    return words[:1] == [b"infer"] and any(word.isdigit() and int(word) > 50 for word in words[1:])


def check(agent: Path, seed: int, count: int) -> None:
    generator = random.Random(seed)
    lines, wrong = [], 0
    while wrong < count:
        if generator.randrange(4) == 0:
            line = generator.choice([*WELL_FORMED, LOAD.rstrip(b"%")])
        else:
            line = malformed(generator)
            wrong += 1
        if not runs_long(line[line.rfind(b"\n") + 1 :]) and not runs_long(line):
            lines.append(line + b"%")
    data = b"".join(lines)
    result = subprocess.run([str(agent)], input=data, capture_output=True, timeout=600, check=False)
    assert result.returncode == 0, f"seed {seed}:\n{result.stderr.decode()[-3000:]}"
    actual = without_times(result.stdout.decode("latin-1"))
    mirror = Mirror()
    at = len(GREETING)
    for number, line in enumerate(lines):
        expected = mirror.feed(line)
        assert actual[at : at + len(expected)] == expected, f"seed {seed}, line {number}: {line!r}"
        at += len(expected)
    assert at == len(actual)
    assert actual.count("e-[") > wrong // 2, "most lines were not malformed"


@pytest.mark.parametrize("seed", range(2))
def test_malformed_lines_are_refused_and_change_nothing(host_agent: Path, seed: int) -> None:
    check(host_agent, seed, 200)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_ten_thousand_malformed_lines(host_agent: Path, seed: int) -> None:
    check(host_agent, seed, 1000)
