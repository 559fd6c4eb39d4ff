"""The model of a SPI flash chip obeys its data sheet, and its controller reads what is in it."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from verilated import CPP, build_bench

HERE = Path(__file__).parent
HW = HERE.parents[1] / "hw"
# As in spi_bench.sv.
CHIP_BYTES, PAGE, SECTOR, CYCLES_PER_US, PROGRAM_US, ERASE_US = 1 << 16, 256, 4096, 50, 10, 100
PROGRAM, READ, DISABLE, STATUS, ENABLE, FAST_READ, ERASE, IDENTITY = 2, 3, 4, 5, 6, 0xB, 0x20, 0x9F
BUSY, ENABLED = 1, 2


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("spi"))


def build(folder: Path, **parameters: int) -> Path:
    sources = [HW / name for name in ("soc/external_package.sv", "soc/spi_flash.sv", "sim/spi_flash_chip.sv")]
    sources += [HERE / "spi_bench.sv", HERE / "spi_bench.cpp"]
    return build_bench(folder, "spi_bench", sources, *CPP, parameters=parameters)


def run(bench: Path, script: str) -> list[str]:
    """What the bench prints, a line for each answer."""
    done = subprocess.run([bench], input=script, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"{script}\n{(done.stdout + done.stderr)[-1000:]}"
    return done.stdout.split("\n")[:-1]


def command(*bytes_: int) -> str:
    return " ".join(["(", *(f"{byte:02x}" for byte in bytes_), ")"]) + "\n"


def at(address: int) -> tuple[int, int, int]:
    return address >> 16, address >> 8 & 0xFF, address & 0xFF


def program(address: int, *data: int) -> str:
    return command(ENABLE) + command(PROGRAM, *at(address), *data) + "ready\n"


def erase(address: int) -> str:
    return command(ENABLE) + command(ERASE, *at(address)) + "ready\n"


def read(bench: Path, before: str, address: int, count: int, pins: str = "hand\n") -> list[int]:
    """Bytes of the chip after a script."""
    lines = run(bench, pins + before + command(READ, *at(address), *[0] * count))
    return [int(line, 16) for line in lines[-count:]]


def status(bench: Path, before: str) -> int:
    return int(run(bench, "hand\n" + before + command(STATUS, 0))[-1], 16)


def test_it_says_what_it_is_and_reads_in_two_ways(bench: Path) -> None:
    filled = "hand\n" + program(CHIP_BYTES - 2, 1, 2)
    assert run(bench, "hand\n" + command(IDENTITY, 0, 0, 0))[1:] == ["ef", "40", "10"]
    over_the_end = at(CHIP_BYTES - 2)
    assert run(bench, filled + command(READ, *over_the_end, 0, 0, 0))[-3:] == ["01", "02", "ff"]
    assert run(bench, filled + command(FAST_READ, *over_the_end, 0, 0, 0, 0))[-3:] == ["01", "02", "ff"]


def test_programming_only_clears_bits_and_stays_in_its_page(bench: Path) -> None:
    assert read(bench, program(5, 0xF0) + program(5, 0x3C), 4, 3) == [0xFF, 0x30, 0xFF]
    wrapped = program(2 * PAGE - 2, 1, 2, 3)
    assert read(bench, wrapped, 2 * PAGE - 3, 4) == [0xFF, 1, 2, 0xFF]
    assert read(bench, wrapped, PAGE, 2) == [3, 0xFF]
    # Of more than a page the last ones count.
    data = [index % 251 for index in range(PAGE + 3)]
    assert read(bench, program(PAGE, *data), PAGE, 5) == [*data[PAGE:], *data[3:5]]


def test_erasing_sets_one_sector(bench: Path) -> None:
    written = (
        program(SECTOR - 1, 0) + program(SECTOR, 0) + program(2 * SECTOR - 1, 0) + program(2 * SECTOR, 0)
    )
    assert read(bench, written, SECTOR - 1, 2) == [0, 0]
    assert read(bench, written + erase(SECTOR + 7), SECTOR - 1, 2) == [0, 0xFF]
    assert read(bench, written + erase(SECTOR + 7), 2 * SECTOR - 1, 2) == [0xFF, 0]


WITHOUT_EFFECT = {
    "no write enable": command(PROGRAM, *at(0), 0),
    "write disable": command(ENABLE) + command(DISABLE) + command(PROGRAM, *at(0), 0),
    "enabled once, for another page": program(PAGE, 0) + command(PROGRAM, *at(0), 0),
    "half of a byte": command(ENABLE) + "( 02 00 00 00 00 /003 )\n",
    "no data": command(ENABLE) + command(PROGRAM, *at(0)),
    "half of write enable": "( /067 )\n" + command(PROGRAM, *at(0), 0),
    "write enable with a byte more": command(ENABLE, 0) + command(PROGRAM, *at(0), 0),
    "while it is busy": (
        command(ENABLE) + command(ERASE, *at(SECTOR)) + command(ENABLE) + command(PROGRAM, *at(0), 0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WITHOUT_EFFECT)
def test_programming_is_ignored_with(bench: Path, case: str) -> None:
    assert read(bench, WITHOUT_EFFECT[case] + "ready\n", 0, 1) == [0xFF]


@pytest.mark.parametrize(
    "ignored",
    [
        command(ERASE, *at(0)),
        command(ENABLE) + command(ERASE, *at(0), 0),
        command(ENABLE) + command(ERASE, 0),
    ],
    ids=["no write enable", "a byte more", "no whole address"],
)
def test_erasing_is_ignored_with(bench: Path, ignored: str) -> None:
    assert read(bench, program(0, 0) + command(DISABLE) + ignored + "ready\n", 0, 1) == [0]


def test_status_and_time(bench: Path) -> None:
    assert status(bench, "") == 0
    assert status(bench, command(ENABLE)) == ENABLED
    assert status(bench, command(ENABLE) + command(DISABLE)) == 0
    begun = command(ENABLE) + command(ERASE, *at(0))
    assert status(bench, begun) == ENABLED | BUSY
    assert status(bench, begun + "ready\n") == 0
    # While it is busy it answers nothing else, also when it is done before the command ends.
    assert run(bench, "hand\n" + begun + "( 9f pause 9000 00 )")[-1] == "ff"
    for script, time in ((program(0, 0), PROGRAM_US), (erase(0), ERASE_US)):
        taken = int(run(bench, "hand\n" + script)[-1])
        assert abs(taken - time * CYCLES_PER_US) < 8


@pytest.mark.parametrize(
    ("script", "rule"),
    [("( 9f ) ( )", ""), ("( ab", "a command that it does not have"), ("( 9f )( )", "T_SHSL")],
    ids=["fine", "unknown", "too soon"],
)
def test_what_it_does_not_have_ends_the_simulation(bench: Path, script: str, rule: str) -> None:
    done = subprocess.run([bench], input=f"hand {script}", capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (rule == "")
    assert rule in done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(3))
def test_random_commands_leave_what_they_should(bench: Path, seed: int) -> None:
    """Beside a model of a few lines, through the controller: pages, sectors and words."""
    choose = random.Random(seed)
    contents, script, expected = bytearray(b"\xff" * CHIP_BYTES), "", []
    for _ in range(150):
        address = choose.randrange(2) * SECTOR + choose.randrange(SECTOR)
        choice = choose.random()
        if choice < 0.3:
            data = choose.randbytes(choose.choice([1, 2, 8, 8, 40, 256, 300]))
            script += program(address, *data)
            for index, byte in enumerate(data[-PAGE:], max(0, len(data) - PAGE)):
                contents[address // PAGE * PAGE + (address + index) % PAGE] &= byte
        elif choice < 0.35:
            script += erase(address)
            start = address // SECTOR * SECTOR
            contents[start : start + SECTOR] = b"\xff" * SECTOR
        elif choice < 0.4:
            script += "reset\n"
        else:
            address &= ~3
            for word in range(address, address + 4 * choose.choice([1, 1, 2, 5]), 4):
                script += f"load {word:x}\n"
                expected.append(contents[word : word + 4][::-1].hex())
    words = [line.split()[0] for line in run(bench, script) if " " in line]
    assert words == expected, f"seed {seed}"


@pytest.mark.parametrize("half", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_cycles_of_a_load(bench: Path, tmp_path: Path, half: int) -> None:
    """A word costs its bits, and a command and an address when it does not follow the one before."""
    script = program(0, *range(1, 13)) + "load 0 load 4 load 4 load 8 load 0 ( load 0 ) load 0"
    slower = bench if half == 1 else build(tmp_path, HALF_CYCLES=half)
    lines = run(slower, script)[-7:]
    first, second, again, third, back, selected, released = lines
    assert [line.split()[0] for line in (second, third, back)] == ["08070605", "0c0b0a09", "04030201"]
    cycles = [int(line.split()[1]) for line in (first, second, again, third, back)]
    word = 2 * half * 32
    assert cycles[1] == cycles[3] and word < cycles[1] < word + 4
    assert cycles[2] == 1
    assert 2 * word < cycles[0] < 2 * word + 4 and 2 * word < cycles[4] < 2 * word + 16
    assert selected == "fault" and released.split()[0] == "04030201"
